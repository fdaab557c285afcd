"""Each limit ends a real agent in mid-work, for its own reason, and leaves what it had done."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest

from domain.lifecycle import RunState, Stage
from domain.tickets import Ticket
from tests.e2e.agents_at_work import (
    BUDGET,
    DEAR,
    OTHER,
    SLEEP,
    SLEEPERS,
    TURN_ROUND,
    agents_world,
    events,
    file,
    file_sleeper,
    inside,
    processes,
    runs,
    words,
)
from tests.support.factory import Clock, World
from tests.support.model import Model, Script, Sh, Turn, scripted_model

pytestmark = [pytest.mark.e2e, pytest.mark.bubblewrap]
TOIL = (Turn(calls=(TURN_ROUND,), usage=DEAR), *(Turn(calls=(Sh(sh="true"),), usage=DEAR) for _ in range(99)))
TOILS = Script(name="toils", turns=(*TOIL, Turn(say="Done.")))
SHORT, LONG = 1_000, 1e8  #: seconds
#: limit → reason and settings, for an agent whose tool sleeps
SILENT = {
    "wall": ("run.timed_out", {"wall_limit": SHORT, "inactivity_limit": LONG, "tool_inactivity_limit": LONG}),
    "inactivity": ("run.stalled", {"wall_limit": LONG, "inactivity_limit": SHORT, "tool_inactivity_limit": SHORT}),
}
#: limit → who, reason, settings and what the ticket says, for an agent that would toil on; with more of them the
#: repository's breaker would open
COUNTED = {
    "tokens": ("codex", "run.tokens_exceeded", {}, {"budget": {"tokens": 200_000}}),
    "usd": ("claude_code", "run.money_exceeded", {}, {"budget": BUDGET}),
    "tool_calls": ("codex", "run.tool_calls_exceeded", {"tool_call_limit": 3}, {}),
}


@pytest.fixture(scope="module")
def model() -> Iterator[Model]:
    with scripted_model([TOILS, *SLEEPERS.values()]) as model:
        yield model


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory, model: Model) -> Iterator[World]:
    with agents_world(tmp_path_factory.mktemp("limits"), model) as world:
        yield world


def limited(world: World, settings: dict[str, object]) -> World:
    """Return the world with other settings and a clock of its own."""
    clock = Clock()
    told = world.factory.settings.model_copy(update=settings)
    return replace(world, factory=replace(world.factory, settings=told, now=clock), clock=clock)


@contextmanager
def time_flies(world: World, ticket: Ticket) -> Iterator[None]:
    """Let the factory's clock leap again and again while a tool of the ticket's first run sleeps."""
    over = threading.Event()

    def watch() -> None:
        while not over.wait(0.5):
            if any(words(process) == SLEEP.split() for process in inside(world, f"{ticket.id}-r1")):
                world.clock.move(SHORT + 1)

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield
    finally:
        over.set()
        watcher.join()


def check_breach(world: World, ticket: Ticket, limit: str, action: str) -> None:
    """The breach was written down once, what had been done is kept, and nothing came of it."""
    (breached,) = events(world, ticket, "limit_breached")
    assert (breached["limit"], breached["action"]) == (limit, action)
    (run,) = runs(world, ticket)
    (patch,) = [one.ref for one in world.factory.lookup.evidence(run.id)[0] if one.ref.kind == "patch"]
    assert OTHER in world.factory.artifacts.get(patch).decode()
    assert world.factory.lookup.pull_request(ticket.id) is None
    assert processes(world, ticket) == []


@pytest.mark.parametrize("engine", SLEEPERS)
@pytest.mark.parametrize("limit", SILENT)
def test_a_silent_agent_is_ended_and_tried_again(world: World, engine: str, limit: str) -> None:
    code, settings = SILENT[limit]
    hurried = limited(world, {**settings, "lease_ttl": LONG})
    ticket = file_sleeper(world, engine, limit)
    with time_flies(hurried, ticket):
        hurried.run(ticket)
    (run,) = runs(world, ticket)
    assert (run.state, run.reason_code) == (RunState.TIMED_OUT, code), run.reason
    assert world.ticket(ticket).stage is Stage.QUEUED
    check_breach(world, ticket, limit, "requeue")


@pytest.mark.parametrize("limit", COUNTED)
def test_a_toiling_agent_is_ended_for_good(world: World, limit: str) -> None:
    engine, code, settings, front = COUNTED[limit]
    ticket = file(world, engine, f"toils#{engine}-{limit}", lock=f"{engine}-{limit}", **front)
    error = limited(world, settings).run(ticket)
    assert error is not None
    assert error.code == code, error
    (run,) = runs(world, ticket)
    assert (run.state, run.reason_code) == (RunState.FAILED, code), run.reason
    assert world.ticket(ticket).stage is Stage.DEAD_LETTER
    assert 1 <= run.usage.tool_calls < 20
    check_breach(world, ticket, limit, "terminate")
