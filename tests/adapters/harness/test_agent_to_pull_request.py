"""An agent that is not trusted works in a real sandbox of each kind, from a ticket to its pull request."""

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from domain.errors import FactoryError, HarnessFailed, SandboxFailed, Stalled, TimedOut
from domain.harness import Brief, Command
from domain.lifecycle import Stage
from factory_pipelines.execution.stages.following import EVENT_LIMIT
from policy.constitution import CONSTITUTION
from tests.adapters.harness.scripted import PROGRAM, ScriptedHarness
from tests.support.backends import BACKENDS, serving
from tests.support.factory import World, make_world
from tests.support.repositories import MODULE, TEST, git

GOOD = ["edit", "calc.py", "def double(x):\n    return 2 * x\n"]


@pytest.fixture(params=BACKENDS, autouse=True)
def backend(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("FACTORY_SANDBOX", request.param)
    return str(request.param)


@pytest.fixture(autouse=True)
def served(tmp_path: Path, backend: str) -> Iterator[None]:
    with serving(tmp_path / "home", backend):
        yield


class Recorder(ScriptedHarness):
    """Keeps the briefs it was given."""

    def __init__(self) -> None:
        super().__init__("agent/script.json", program="agent/program.py", python="python3")
        self.briefs: list[Brief] = []

    def command(self, brief: Brief) -> Command:
        self.briefs.append(brief)
        return super().command(brief)


def agent_world(folder: Path, *steps: list[object]) -> tuple[World, Recorder]:
    """A repository that carries the agent's program and script: the sandbox sees nothing else of ours."""
    files = {
        "calc.py": MODULE,
        "test_calc.py": TEST,
        "agent/program.py": PROGRAM.read_text(),
        "agent/script.json": json.dumps(steps),
    }
    world = make_world(folder, files=files)
    agent = Recorder()
    told = {"scripted": world.factory.settings.harnesses["command"]}
    settings = world.factory.settings.model_copy(update={"harnesses": told})
    world.factory = replace(world.factory, settings=settings, harnesses={"scripted": agent})
    return world, agent


def work(world: World, **front: object) -> tuple[FactoryError | None, str]:
    ticket = world.file(engine="scripted", commands=[], **front)
    return world.run(ticket), ticket.id


def leftovers(world: World) -> list[str]:
    return [ref.id for sandbox in world.factory.sandboxes.values() for ref in sandbox.leftovers()]


def test_an_agent_takes_a_ticket_to_a_pull_request(tmp_path: Path, backend: str) -> None:
    world, agent = agent_world(tmp_path, ["say", "looking"], GOOD, ["usage", {"input_tokens": 7}], ["done"])
    error, ticket = work(world, title="Write it the other way")
    assert error is None
    pull = world.factory.lookup.pull_request(ticket)
    assert pull is not None
    remote = Path(world.factory.lookup.repository("calc").remote)
    assert "return 2 * x" in git(remote, "show", f"{pull.head_sha}:calc.py")
    run = world.factory.lookup.runs(ticket_id=ticket)[0]
    assert run.sandbox is not None
    assert (run.sandbox.backend, run.usage.input_tokens) == (backend, 7)
    assert world.factory.lookup.ticket(ticket).stage is Stage.TESTING
    assert not leftovers(world)
    positions = [agent.briefs[0].prompt.find(rule) for rule in CONSTITUTION]
    assert len(CONSTITUTION) == 4
    assert positions == sorted(positions)
    title = agent.briefs[0].prompt.find("Write it the other way")
    assert 0 <= positions[0] < 10
    assert positions[-1] < title


def test_a_failure_the_agent_tells_dead_letters_the_ticket(tmp_path: Path) -> None:
    world, _ = agent_world(tmp_path, GOOD, ["fail", "harness.failed", "I could not"])
    error, ticket = work(world)
    assert isinstance(error, HarnessFailed)
    assert "I could not" in (world.factory.lookup.ticket(ticket).reason or "")
    assert not leftovers(world)


@pytest.mark.parametrize("ending", [["die"], ["say", "no last word"]], ids=["dies", "silent"])
def test_work_without_a_last_word_is_not_submitted(tmp_path: Path, ending: list[object]) -> None:
    world, _ = agent_world(tmp_path, GOOD, ["raw", "{half"], ending)
    error, ticket = work(world)
    assert isinstance(error, SandboxFailed if ending == ["die"] else HarnessFailed)  # a kill that was not ours passes
    assert world.factory.lookup.pull_request(ticket) is None
    assert not leftovers(world)


def test_an_agent_that_ignores_the_interrupt_and_stalls_is_killed(tmp_path: Path) -> None:
    world, _ = agent_world(tmp_path, ["ignore_interrupt"], ["stall", 300])
    error, ticket = work(world, timeout="2s", retry={"max": 0})
    assert isinstance(error, TimedOut | Stalled)
    assert world.factory.lookup.pull_request(ticket) is None
    assert not leftovers(world)


def test_a_flood_is_bounded_and_does_not_hide_the_work(tmp_path: Path) -> None:
    world, _ = agent_world(tmp_path, ["flood", 5000], GOOD, ["done"])
    error, ticket = work(world)
    assert error is None
    told = Counter(event.name for event in world.factory.lookup.timeline(ticket_id=ticket))
    assert told.pop("harness_event") == EVENT_LIMIT
    assert told.total() < 100
