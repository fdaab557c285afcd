"""Real agents that stop for a person, under the real services, go on in their sessions when told to."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from domain.execution import Run
from domain.lifecycle import RunState
from domain.tickets import Ticket
from resources.policy_files import SHIPPED
from tests.e2e.agents_at_work import (
    BUDGET,
    DEAR,
    OTHER,
    SLEEP,
    SLEEPERS,
    TURN_ROUND,
    events,
    file,
    file_sleeper,
    is_asleep,
    processes,
    pull_request,
    runs,
    told_to_agents,
)
from tests.e2e.workshop import leftovers, tokens
from tests.support.factory import make_world
from tests.support.live import Live, live
from tests.support.model import Model, Script, Sh, Turn, scripted_model

pytestmark = [pytest.mark.e2e, pytest.mark.faults, pytest.mark.bubblewrap]
LOOK = Turn(calls=(Sh(sh="true"),), usage=DEAR)
DONE = Turn(say="Done.", usage=DEAR)
#: its third answer is one too many: codex says so when it asks again, and is stopped before that answer comes;
#: claude_code before its tool, which lasts
SPENDS = {
    "codex": (LOOK, LOOK, DONE.model_copy(update={"latency": 10}), DONE),
    "claude_code": (LOOK, Turn(calls=(Sh(sh=f"{SLEEP} || true"),), usage=DEAR), DONE, DONE),
}
SPENDERS = {
    one: Script(name=f"{one}-spends", turns=(Turn(calls=(TURN_ROUND,), usage=DEAR), *turns))
    for one, turns in SPENDS.items()
}


@pytest.fixture(scope="module")
def model() -> Iterator[Model]:
    with scripted_model([*SPENDERS.values(), *SLEEPERS.values()]) as model:
        yield model


@pytest.fixture(scope="module")
def services(tmp_path_factory: pytest.TempPathFactory, model: Model) -> Iterator[Live]:
    folder = tmp_path_factory.mktemp("paused")
    world = make_world(folder)
    told = {"sandbox": "bubblewrap", "max_running": "6", "policy_dir": str(pausing_policy(folder / "policy"))}
    with live(world, variables={**told_to_agents(model), "AGENT_QUEUE_MAX": "6"}, **told) as services:
        yield services
    assert leftovers(world) == []


def pausing_policy(folder: Path) -> Path:
    """Return a folder of policy under which who spends too much waits for a person."""
    limits = yaml.safe_load((SHIPPED / "limits.yaml").read_text())
    limits["on_breach"]["usd"] = "pause"
    folder.mkdir()
    (folder / "limits.yaml").write_text(yaml.safe_dump(limits))
    return folder


def factory(services: Live, *words: str) -> dict[str, object]:
    argv = [str(Path(sys.executable).with_name("factory")), *words, "--json"]
    done = subprocess.run(argv, env=services.environment, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout))


def the_run(services: Live, ticket: Ticket) -> Run:
    (run,) = runs(services.world, ticket)
    return run


def paused(services: Live, tickets: list[Ticket]) -> None:
    def all_paused() -> bool:
        found = [run for ticket in tickets for run in runs(services.world, ticket)]
        assert not any(run.finished_at for run in found), [run.reason for run in found]
        return [run.state for run in found] == [RunState.AWAITING_APPROVAL] * len(tickets)

    services.until(all_paused, "every run waits for a person")
    services.until(lambda: not services.sandboxes(), "no sandbox is kept for them")
    for ticket in tickets:
        assert processes(services.world, ticket) == []


def go_on(services: Live, tickets: list[Ticket]) -> None:
    for ticket in tickets:
        factory(services, "continue", the_run(services, ticket).id, "--reason", "it is worth it")
    services.until(
        lambda: all(the_run(services, ticket).finished_at for ticket in tickets), "every run ended after it went on"
    )
    services.rest(*tickets)


def check_resumed(services: Live, model: Model, ticket: Ticket, conversation: str, asked_before: int) -> None:
    """One run, one attempt, one session, one pull request; the model was asked on, never anew."""
    run = the_run(services, ticket)
    assert (run.state, run.attempt) == (RunState.SUCCEEDED, 1), run.reason
    (handed,) = events(services.world, ticket, "run_handed_over")
    assert (handed["from_run_id"], handed["resumes"], handed["patch"]) == (run.id, True, True)
    turns = [one.turn for one in model.requests if one.conversation == conversation and one.turn is not None]
    assert turns.count(0) == 1
    assert turns == sorted(turns)
    assert len(turns) > asked_before
    services.check_one_pull_request(ticket)
    assert OTHER in pull_request(services.world, ticket)["calc.py"]


def test_who_spends_too_much_waits_and_goes_on_in_its_session(services: Live, model: Model) -> None:
    talks = {one: f"{script.name}#spends" for one, script in SPENDERS.items()}
    tickets = {one: file(services.world, one, talk, lock=talk, budget=BUDGET) for one, talk in talks.items()}
    paused(services, list(tickets.values()))
    asked = {one: len([seen for seen in model.requests if seen.conversation == talk]) for one, talk in talks.items()}
    for ticket in tickets.values():
        (breached,) = events(services.world, ticket, "limit_breached")
        assert (breached["limit"], breached["action"]) == ("usd", "pause")
        assert the_run(services, ticket).usage.cost_usd > BUDGET["usd"]
    go_on(services, list(tickets.values()))
    for engine, ticket in tickets.items():
        check_resumed(services, model, ticket, talks[engine], asked[engine])
        assert tokens(the_run(services, ticket).usage) == tokens(model.sent(talks[engine]))


def test_who_is_interrupted_in_a_tool_goes_on_in_its_session(services: Live, model: Model) -> None:
    tickets = {one: file_sleeper(services.world, one, "interrupted") for one in SLEEPERS}
    world = services.world
    services.until(
        lambda: all(is_asleep(world, model, one) for one in tickets.values()), "every agent sleeps in a tool"
    )
    for ticket in tickets.values():
        factory(services, "interrupt", the_run(services, ticket).id, "--reason", "let me look")
    paused(services, list(tickets.values()))
    go_on(services, list(tickets.values()))
    for engine, ticket in tickets.items():
        check_resumed(services, model, ticket, f"{SLEEPERS[engine].name}#interrupted", 2)
