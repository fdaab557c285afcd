"""The catalogue is the only source of event names and their required fields."""

import re

import pytest

from domain.errors import InvalidInput
from domain.events import CATALOGUE, check_event


@pytest.mark.parametrize("name", CATALOGUE)
def test_full_payload_is_accepted_and_more_is_tolerated(name: str):
    payload = dict.fromkeys(CATALOGUE[name].fields, "x")
    assert check_event(name, payload) is CATALOGUE[name]
    assert check_event(name, payload | {"added_later": 1}) is CATALOGUE[name]


@pytest.mark.parametrize(("name", "field"), [(name, field) for name in CATALOGUE for field in CATALOGUE[name].fields])
def test_each_missing_field_is_named(name: str, field: str):
    payload = {one: "x" for one in CATALOGUE[name].fields if one != field}
    with pytest.raises(InvalidInput, match=rf"event {name} lacks {field} ->"):
        check_event(name, payload)


@pytest.mark.parametrize("name", ["", "ticket_exploded", "TICKET_CREATED", "ticket-created"])
def test_unknown_name_is_refused(name: str):
    with pytest.raises(InvalidInput, match="no event"):
        check_event(name, {})


@pytest.mark.parametrize("name", CATALOGUE)
def test_every_entry_is_whole(name: str):
    spec = CATALOGUE[name]
    assert re.fullmatch(r"[a-z]+(_[a-z]+)*", name)
    assert spec.producer
    assert spec.consumers
    assert spec.version >= 1
    assert len(set(spec.fields)) == len(spec.fields)
