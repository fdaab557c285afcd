"""factory run --follow: an agent's steps while it works, and what is told when nobody listens any more."""

import io
import json
import re
import threading
from contextlib import contextmanager
from datetime import datetime, timedelta

import pytest

from control_plane.cli.live import LiveView
from control_plane.cli.progress import Progress
from control_plane.runs.following import before_run, events_after, newest_seq
from control_plane.runs.steps import FIELDS, spent_words, step_line, step_words
from domain.execution import Event, EventDraft
from tests.support.factory import BREAK, FIX, World

KEYS = {"at", "ticket_id", "run_id", "harness", *FIELDS}


@contextmanager
def at_work(world: World, ticket, gate):
    """Run a dispatched ticket in another thread, as a daemon would; its command waits for `gate`."""
    lease = world.dispatch(ticket)
    world.factory.oversight.beat("dispatch", now=world.factory.now())
    worker = threading.Thread(target=world.steps, args=(world.present(lease),))
    worker.start()
    try:
        yield lease
    finally:
        gate.touch()
        worker.join(60)
        assert not worker.is_alive()


def json_lines(text: str) -> list[dict]:
    return [json.loads(line) for line in text.splitlines()]


def step(**told) -> dict:
    whose = {"at": "2026-01-01T12:00:00+00:00", "ticket_id": "T-1", "run_id": "T-1-r1", "harness": "codex"}
    return {**whose, **FIELDS, **told}


def test_a_ticket_at_work_is_followed_from_its_runs_beginning_and_not_dispatched_again(cli, world, tmp_path):
    gate = tmp_path / "gate"
    ticket = world.file(commands=[f"while [ ! -e {gate} ]; do sleep 0.1; done", FIX])
    with at_work(world, ticket, gate) as lease:
        opener = threading.Timer(1, gate.touch)
        opener.start()
        said = cli("run", ticket.id, "--follow", "--json")
    assert said.code == 0
    steps = json_lines(said.out)
    assert all(set(one) >= KEYS for one in steps)
    assert [one["kind"] for one in steps].count("tool_started") == 2
    assert steps[-1]["kind"] == "finished"
    assert {(one["ticket_id"], one["run_id"], one["harness"]) for one in steps} == {
        (ticket.id, lease.run_id, "command")
    }
    assert world.names(ticket).count("lease_granted") == 1
    assert "is being worked on already" in said.err


@pytest.mark.parametrize(
    ("front", "code"), [({}, 0), ({"commands": [BREAK]}, 1), ({"risk": "high"}, 3), ({"commands": ["exit 7"]}, 1)]
)
def test_a_run_that_is_over_is_shown_by_its_id_with_its_exit_code(cli, world, front, code):
    ticket = world.file(**front)
    world.run(ticket)
    said = cli("run", f"{ticket.id}-r1".lower(), "--follow", "--json")
    assert said.code == code
    assert json_lines(said.out)[-1]["kind"] == "finished"
    assert world.names(ticket).count("lease_granted") == 1


def test_people_get_a_line_a_step_and_then_the_ticket(cli, world):
    ticket = world.file(commands=["printf 'a\\033[31mb\\n'", FIX])
    world.run(ticket)
    said = cli("run", ticket.id, "--follow")
    assert said.code == 0
    assert re.search(rf"^\d\d:\d\d:\d\d  {ticket.id}-r1 +command +runs sh: sed", said.out, re.MULTILINE)
    assert "  stage: testing" in said.out
    assert "\033" not in said.out + said.err


def test_an_earlier_run_is_shown_alone(cli, world):
    ticket = world.file(commands=["exit 7"])
    world.run(ticket)
    cli("dead-letter", "requeue", ticket.id, "--reason", "again")
    world.run(ticket)
    for number in (1, 2):
        steps = json_lines(cli("run", f"{ticket.id}-r{number}", "--follow", "--json").out)
        assert {one["run_id"] for one in steps} == {f"{ticket.id}-r{number}"}


@pytest.mark.parametrize("name", ["T-99", "T-1-r99", "", "x" * 100_000, "T-1-r1\x1b[2J"])
def test_following_nobody(cli, world, name):
    said = cli("run", name, "--follow", "--json")
    assert (said.code, said.error["code"]) == (1, "input.not_found")
    assert "\x1b" not in said.err


def test_following_waits(cli, world):
    assert cli("run", world.file().id, "--follow", "--no-wait").code == 2


def test_a_ticket_nobody_can_do_is_one_error(cli, world):
    ticket = world.file(engine="codex", commands=[])
    said = cli("run", ticket.id, "--follow", "--json")
    assert (said.code, said.error["code"]) == (1, "harness.unavailable")


def test_a_long_history_is_read_whole(world):
    ticket = world.file()
    draft = EventDraft(name="ticket_waits", payload={"reason": "x"}, ticket_id=ticket.id)
    for _ in range(5):
        world.factory.run_ledger.record_event(draft, lease=None, now=world.factory.now())
    lookup = world.factory.lookup

    class Paged:
        def timeline(self, **told):
            return lookup.timeline(**{**told, "limit": 2})

    class Reads:
        lookup = Paged()

    assert len(list(events_after(Reads(), ticket.id))) == 6
    assert newest_seq(Reads(), ticket.id) == lookup.timeline(ticket_id=ticket.id)[-1].seq
    assert newest_seq(Reads(), "T-99") == 0


def test_a_run_without_events_begins_at_the_beginning(world):
    ticket = world.file()
    world.dispatch(ticket)
    run = world.factory.lookup.runs(ticket_id=ticket.id)[0]
    assert before_run(world.factory, run) < newest_seq(world.factory, ticket.id)
    assert before_run(world.factory, run.model_copy(update={"id": "T-1-r9"})) == 0


# --- the view by itself


class Screen(io.StringIO):
    def __init__(self, *, tty: bool = False, gone: bool = False) -> None:
        super().__init__()
        self.tty, self.gone = tty, gone

    def isatty(self) -> bool:
        return self.tty

    def write(self, text: str) -> int:
        if self.gone:
            raise BrokenPipeError
        return super().write(text)


def event(world: World, seq: int = 1, **payload) -> Event:
    return Event(
        seq=seq, name="harness_event", at=world.factory.now(), ticket_id="T-1", run_id="T-1-r1", actor="factory",
        component="execution", payload={"kind": "message", "text": "hi", **payload},
    )  # fmt: skip


USAGE = {"input_tokens": 12345, "cached_input_tokens": 600, "output_tokens": 78, "cost_usd": 0.5}


def test_on_a_terminal_the_last_line_tells_tokens_money_and_time(world, monkeypatch):
    screen = Screen(tty=True)
    monkeypatch.setattr("sys.stdout", screen)
    monkeypatch.setattr("sys.stderr", screen)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "120")
    with Progress("x") as progress:
        assert progress.draws
        view = LiveView(world.factory, progress, as_json=False)
        view.show(event(world, text="one\x1b[2J"))
        view.show(event(world, kind="usage", usage=USAGE, seconds_left=600))
        view.look()
    assert "T-1-r1 12,345 and 600 cached tokens in, 78 out, 0.5000 USD, 10 min left" in screen.getvalue()
    assert "one" in screen.getvalue()
    assert "one\x1b[2J" not in screen.getvalue()
    view.close()
    assert screen.getvalue().endswith("T-1-r1 used 12,345 and 600 cached tokens in, 78 out, 0.5000 USD\n")


def test_json_goes_to_the_real_stdout_though_the_spinner_turns(world, monkeypatch):
    out, err = Screen(), Screen(tty=True)
    monkeypatch.setattr("sys.stdout", out)
    monkeypatch.setattr("sys.stderr", err)
    monkeypatch.setenv("TERM", "xterm")
    with Progress("x") as progress:
        view = LiveView(world.factory, progress, as_json=True)
        view.show(event(world, kind="usage", usage=USAGE))
        view.show(event(world).model_copy(update={"name": "step_started", "payload": {"step": "launch"}}))
        view.close()
    assert [one["usage"] for one in json_lines(out.getvalue())] == [USAGE]


def test_nobody_reading_any_more_does_not_stop_the_work(world, monkeypatch):
    screen = Screen(gone=True)
    monkeypatch.setattr("sys.stdout", screen)
    monkeypatch.setattr("sys.__stdout__", None)
    with Progress("x") as progress:
        view = LiveView(world.factory, progress, as_json=True)
        view.show(event(world))
        view.show(event(world, seq=2))
        view.look()
        view.close()
    assert screen.getvalue() == ""


@pytest.mark.parametrize(
    "told",
    [
        {"text": "a\x1b[2Jb\ud800"},
        {"text": None, "tool": {"a": 1}, "status": ["x"]},
        {"kind": None},
        {"kind": "never heard of", "text": "x" * 1_000_000},
    ],
)
def test_every_step_is_one_harmless_line(told):
    line = step_line(step(**told))
    assert line.isprintable()
    assert len(line) < 400


@pytest.mark.parametrize(
    ("told", "words"),
    [
        ({"kind": "tool_started", "tool": "sh", "text": "ls"}, "runs sh: ls"),
        ({"kind": "tool_finished", "tool": "sh", "status": "0"}, "ran sh (0)"),
        ({"kind": "finished", "status": "succeeded"}, "finished (succeeded)"),
    ],
)
def test_steps_in_words(told, words):
    assert step_words(step(**told)) == words


@pytest.mark.parametrize(
    ("told", "words"),
    [
        ({}, ""),
        ({"seconds_left": 90}, "90 s left"),
        ({"seconds_left": -5}, "0 s left"),
        ({"usage": {}}, "0 tokens in, 0 out, 0.0000 USD"),
        ({"usage": "nonsense", "seconds_left": "soon"}, ""),
    ],
)
def test_what_was_spent_in_words(told, words):
    one = step(**told)
    assert spent_words(one, datetime.fromisoformat(one["at"])) == words


def test_time_goes_on_between_two_steps():
    one = step(seconds_left=600)
    later = datetime.fromisoformat(one["at"]) + timedelta(minutes=4)
    assert spent_words(one, later) == "6 min left"
    assert spent_words(one, later + timedelta(days=1)) == "0 s left"
