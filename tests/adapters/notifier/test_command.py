"""Alerts reach the operator's program, and one that does not work harms nothing."""

import json
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from adapters.notifier import command
from adapters.notifier.command import CommandNotifier
from domain.alerts import Alert

ALERT = Alert(kind="limit_breached", text="T-1-r1: too dear", at=datetime(2026, 1, 2, tzinfo=UTC), run_id="T-1-r1")


def test_the_program_gets_the_alert_as_json(tmp_path: Path) -> None:
    heard = tmp_path / "heard"
    program = (sys.executable, "-c", f"import sys; open({str(heard)!r}, 'a').write(sys.stdin.read())")
    assert CommandNotifier(program).alert(ALERT)
    told = json.loads(heard.read_text())
    assert (told["kind"], told["text"], told["run_id"]) == ("limit_breached", "T-1-r1: too dear", "T-1-r1")


@pytest.mark.parametrize(
    "argv", [(), ("/no/such/program",), (sys.executable, "-c", "raise SystemExit('no')"), ("sleep", "60")]
)
def test_what_cannot_be_delivered_is_said_and_harms_nothing(argv, monkeypatch) -> None:
    monkeypatch.setattr(command, "PATIENCE", 0.5)
    assert not CommandNotifier(argv).alert(ALERT)


def test_a_program_that_does_not_read_harms_nothing() -> None:
    huge = ALERT.model_copy(update={"details": {"text": "x" * 5_000_000}})
    assert CommandNotifier(("true",)).alert(huge) in (True, False)
