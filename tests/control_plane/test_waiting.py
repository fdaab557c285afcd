"""factory ticket list and show tell why a queued ticket does not go, and factory run when that changes."""

import threading
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import event

from control_plane.desk import Desk, open_desk
from control_plane.runs.operating import dispatch
from control_plane.runs.standing import EVERY, HOW_TO_STOP, Standing
from control_plane.tickets.waiting import waiting_of, waiting_words
from domain.errors import HarnessFailed, QuotaExceeded
from domain.failures import AttemptEnd
from domain.lifecycle import Component, RunState
from domain.tickets import Ticket
from policy.waiting import Waiting
from resources.settings import load_settings
from tests.support.factory import World, enrol


def end(world: World, ticket: Ticket, error=None, retry_at=None, harness_until=None) -> None:
    """Let a ticket's attempt begin and end in failure."""
    lease = world.dispatch(ticket)
    how = AttemptEnd(error or HarnessFailed("it said so"), RunState.FAILED, retry_at, harness_until=harness_until)
    world.factory.run_ledger.start_run(lease.ref, dagster_run_id=lease.run_id, ttl_seconds=60, now=world.clock())
    world.factory.backlog.fail_ticket(lease.ref, end=how, component=Component.EXECUTION, now=world.clock())


def serve(world: World) -> None:
    world.factory.oversight.beat("dispatch", now=world.factory.now())


def told(cli, ticket: Ticket) -> dict | None:
    """What list and show say in JSON, which must be the same, and the text in both tables."""
    found = {one["id"]: one for one in cli("ticket", "list", "--json").document["tickets"]}[ticket.id]["waiting_for"]
    assert cli("ticket", "show", ticket.id, "--json").document["waiting_for"] == found
    if found is not None:
        assert found["text"][:60] in cli("ticket", "list").out
        assert f"  waits: {found['text']}" in cli("ticket", "show", ticket.id).out
    return found


def test_a_ticket_whose_turn_comes_waits_for_nothing(cli, world):
    serve(world)
    assert told(cli, world.file()) is None


def test_nobody_dispatches(cli, world):
    assert told(cli, world.file()) == {"kind": "unserved", "text": "nobody starts it (`factory up`)", "until": None}


def test_an_open_breaker_says_when_it_is_tried(cli, world):
    for _ in range(world.factory.policy.breakers.repository.failures):
        end(world, world.file(lock="x"))
    ticket = world.file()
    breakers = {one["scope"]: one for one in cli("breaker", "list", "--json").document["breakers"]}
    found = told(cli, ticket)
    assert found["kind"] == "breaker"
    assert found["text"].startswith("breaker repository:calc open, trial at ")
    assert found["until"] == breakers["repository:calc"]["until"].replace("Z", "+00:00")
    cli("breaker", "reset", "repository:calc", "--reason", "x")
    serve(world)
    assert told(cli, ticket) is None


def test_other_waits_from_the_ledger(cli, world):
    first = world.file(lock="L")
    second, third = world.file(lock="L"), world.file(deps=[first.id], lock="d")
    world.dispatch(first)
    assert told(cli, second)["text"] == f"lock L held by {first.id}"
    assert told(cli, third)["text"] == f"{first.id} not done"
    assert told(cli, first) is None
    cli("pause", "--reason", "release\x1b[2J day", "--repository", "calc")
    assert told(cli, second)["text"] == "calc paused: release [2J day"
    cli("pause", "--reason", "fire")
    assert told(cli, second)["text"] == "everything paused: fire"


def test_a_full_factory(cli, world, monkeypatch):
    monkeypatch.setenv("FACTORY_MAX_RUNNING", "1")
    world.dispatch(world.file(lock="a"))
    assert told(cli, world.file(lock="b"))["text"] == "1 of 1 runs at work"


def test_a_parked_ticket_says_after_what_and_until_when(cli, world):
    ticket = world.file()
    until = world.clock() + timedelta(hours=3)
    end(world, ticket, QuotaExceeded("spent"), retry_at=until)
    found = told(cli, ticket)
    assert found["text"].startswith("parked after harness.quota until ")
    assert found["until"] == until.isoformat()


def test_who_could_do_it_is_asked_as_dispatch_asks(cli, world, monkeypatch):
    disabled, unknown = world.file(engine="codex", commands=[]), world.file(engine="nobody-like-this", commands=[])
    gone = world.file(profile="no-such-profile", lock="g")
    assert told(cli, disabled)["text"] == "nobody can: codex: it is not enabled"
    assert "no harness is called nobody-like-this" in told(cli, unknown)["text"]
    assert "no profile 'no-such-profile'" in told(cli, gone)["text"]
    rested = world.file(lock="r")
    end(world, rested, QuotaExceeded("x"), retry_at=world.clock(), harness_until=world.clock() + timedelta(hours=1))
    assert "it failed this ticket (harness.quota) and rests until" in told(cli, rested)["text"]
    monkeypatch.setenv("FACTORY_HARNESSES__COMMAND__LIMIT", "1")
    world.dispatch(world.file(lock="a"))
    assert told(cli, world.file(lock="b"))["text"] == "nobody can: command: 1 of 1 are running"


def test_a_repository_that_demands_more(cli, world):
    enrol(world.factory, world.source, require=["owner"])
    assert told(cli, world.file())["text"] == "it lacks owner"


def test_wrong_policy_files_do_not_stop_a_list(cli, world, tmp_path, monkeypatch):
    ticket = world.file()
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules/breakers.yaml").write_text("harness: [nonsense\n")
    monkeypatch.setenv("FACTORY_POLICY_DIR", str(tmp_path / "rules"))
    assert told(cli, ticket)["kind"] == "policy"


def test_only_queued_tickets_wait(cli, world):
    ticket = world.file()
    assert world.run(ticket) is None
    assert told(cli, ticket) is None


@pytest.fixture
def desk(world: World) -> Desk:
    return replace(open_desk(load_settings(world.factory.settings.home)), now=world.clock)


def test_a_list_asks_as_often_for_one_ticket_as_for_many(world, desk):
    first = world.file(lock="a")
    asked: list[str] = []
    engine = desk.lookup._engine
    event.listen(engine, "before_cursor_execute", lambda *told: asked.append(told[2]))
    assert set(waiting_of(desk, [first])) == {first.id}
    once = len(asked)
    many = [first, *(world.file(lock=f"x{number}", engine=["auto", "codex"][number % 2]) for number in range(50))]
    asked.clear()
    assert len(waiting_of(desk, many)) == len(many)
    assert 0 < len(asked) <= once


def test_without_queued_tickets_nothing_is_asked(world, desk):
    ticket = world.file()
    world.run(ticket)
    event.listen(desk.lookup._engine, "before_cursor_execute", lambda *_told: pytest.fail("it asked"))
    assert waiting_of(desk, [replace_stage(ticket)]) == {}


def replace_stage(ticket: Ticket) -> Ticket:
    return ticket.model_copy(update={"stage": "testing"})


def test_times_are_as_short_as_can_be(world):
    now = world.clock().astimezone().replace(hour=9, minute=0, second=0)
    for ahead, words in ((30, "x until 09:00:30"), (3600, "x until 10:00")):
        assert waiting_words(Waiting(kind="k", text="x", until=now + timedelta(seconds=ahead)), now) == words
    tomorrow = now + timedelta(days=1)
    assert waiting_words(Waiting(kind="k", text="x", until=tomorrow), now) == f"x until {tomorrow:%Y-%m-%d %H:%M}"
    assert waiting_words(Waiting(kind="k", text="a\x1b[2J\n" + "x" * 9999), now).isprintable()


# --- factory run


def test_each_change_of_what_is_waited_for_is_one_line(world):
    ticket = world.file(lock="L")
    lines: list[str] = []
    standing = Standing(world.factory, ticket.id, lines.append)

    def look() -> list[str]:
        lines.clear()
        for _ in range(3):
            world.clock.move(EVERY.total_seconds() + 1)
            standing.look()
        return list(lines)

    assert look() == []  # its turn comes
    lease = world.dispatch(world.file(lock="L"))
    assert look() == [f"{ticket.id} waits: lock L held by {lease.ticket_id} ({HOW_TO_STOP})"]
    world.factory.operators.set_paused("*", True, actor="ann", reason="fire", now=world.clock())
    assert look() == [f"{ticket.id} waits: everything paused: fire ({HOW_TO_STOP})"]
    world.factory.operators.set_paused("*", False, actor="ann", reason="out", now=world.clock())
    world.factory.operators.request_cancel(lease.ticket_id, actor="ann", reason="x", now=world.clock())
    assert look() == []
    end(world, ticket, QuotaExceeded("spent"), retry_at=world.clock() + timedelta(days=2))
    (line,) = look()
    assert line.startswith(f"{ticket.id} waits: parked after harness.quota until 20")
    assert look() == []


def test_what_was_just_told_is_not_told_again(world):
    ticket = world.file()
    end(world, ticket, QuotaExceeded("spent"), retry_at=world.clock() + timedelta(days=2))
    lines: list[str] = []
    assert dispatch(world.factory, world.ticket(ticket), lines.append) is True
    assert lines[0].startswith(f"{ticket.id} waits: parked after harness.quota until 20")
    standing = Standing(world.factory, ticket.id, lines.append)
    standing.is_told()
    standing.look()
    assert lines[1:] == [HOW_TO_STOP]


def test_a_run_that_waits_says_so_once_on_stderr_and_nothing_more_on_stdout(cli, world):
    first, second = world.file(lock="L"), world.file(lock="L")
    held = world.dispatch(first)
    stop = threading.Event()

    def daemon() -> None:
        """Be alive as a daemon is; once the second ticket has waited for some looks, free its lock and work on it."""
        for _ in range(5):
            serve(world)
            stop.wait(1)
        world.factory.operators.request_cancel(held.ticket_id, actor="ann", reason="x", now=world.clock())
        world.steps(world.present(world.dispatch(second)))

    beating = threading.Thread(target=daemon)
    serve(world)
    beating.start()
    said = cli("run", second.id, "--json")
    beating.join(120)
    assert said.code == 0
    assert said.document["stage"] == "testing"
    assert f"{second.id} waits for its turn: the lock L" in said.err
    assert said.err.count(HOW_TO_STOP) == 1
