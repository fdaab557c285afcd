"""Stored values carry their version, readers tolerate what is newer, and older ones are upgraded step by step."""

import importlib
import json
import pkgutil
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

import domain
from domain.errors import LedgerOutdated
from domain.execution import Event
from domain.model import Record, Value
from domain.tickets import Ticket
from domain.upgrades import UPGRADES, current_version, upgraded

STORED = Path(__file__).with_name("stored")
for module in pkgutil.iter_modules(domain.__path__):
    importlib.import_module(f"domain.{module.name}")
RECORDS = Record.__subclasses__()


def stored_ticket() -> dict[str, Any]:
    return json.loads((STORED / "ticket_v1.json").read_text())


@pytest.mark.parametrize("record", RECORDS)
def test_every_record_is_versioned_frozen_and_tolerant(record: type[Record]):
    assert record.model_fields["schema_version"].default == current_version(record.__name__.lower())
    assert record.model_config["frozen"]
    assert record.model_config["extra"] == "ignore"


def test_stored_payload_with_an_unknown_field_is_read():
    ticket = Ticket.model_validate(stored_ticket() | {"added_by_a_newer_release": {"any": "thing"}})
    assert ticket == Ticket.model_validate(stored_ticket())


def test_stored_payload_without_a_version_is_read_as_the_first():
    payload = stored_ticket()
    del payload["schema_version"], payload["product_id"]
    assert Ticket.model_validate(upgraded("ticket", payload)).schema_version == 1


def test_event_of_another_version_with_more_fields_is_read():
    event = Event.model_validate(
        {
            "seq": 1,
            "name": "lease_granted",
            "event_version": 7,
            "schema_version": 1,
            "at": "2026-01-05T09:00:00Z",
            "actor": "factory",
            "component": "dispatch",
            "payload": {"fence": 1, "added": True},
            "added": True,
        }
    )
    assert event.event_version == 7
    assert event.payload["added"] is True


def test_handwritten_values_refuse_what_they_do_not_know():
    class Told(Value):
        name: str

    with pytest.raises(ValidationError):
        Told.model_validate({"name": "x", "nmae": "y"})


# The worked example of docs/versioning.md: version 2 keeps a ticket's reason as code and text apart.


class TicketV2(Ticket):
    schema_version: int = 2
    reason_code: str | None = None


def split_reason(ticket):
    code, found, text = (ticket.get("reason") or "").partition(": ")
    return {**ticket, "reason_code": code or None, "reason": text if found else None}


EXAMPLE = {("ticket", 1): split_reason}


def test_stored_v1_ticket_is_upgraded_to_v2_and_round_trips():
    ticket = TicketV2.model_validate(upgraded("ticket", stored_ticket(), EXAMPLE))
    assert (ticket.schema_version, ticket.reason_code, ticket.reason) == (2, "run.timed_out", "45 minutes are over")
    again = json.loads(ticket.model_dump_json())
    assert TicketV2.model_validate(upgraded("ticket", again, EXAMPLE)) == ticket


def test_last_release_still_reads_what_the_new_one_wrote():
    """The new fields are ignored, the old ones are still there: both releases may run side by side."""
    newer = upgraded("ticket", stored_ticket(), EXAMPLE)
    assert Ticket.model_validate(newer).reason == "45 minutes are over"


def test_upgrading_twice_changes_nothing():
    once = upgraded("ticket", stored_ticket(), EXAMPLE)
    assert upgraded("ticket", once, EXAMPLE) == once


def test_value_of_a_newer_release_and_a_gap_are_refused_by_the_upgrade():
    with pytest.raises(LedgerOutdated, match="newer release"):
        upgraded("ticket", stored_ticket() | {"schema_version": 2})
    with pytest.raises(LedgerOutdated, match="from version 1 to 2"):
        upgraded("ticket", stored_ticket(), {("ticket", 2): dict})


def test_shipped_steps_leave_no_gap():
    for model, version in UPGRADES:
        assert all((model, step) in UPGRADES for step in range(1, version))
