"""A harness whose account is spent hands its work on; when nobody is left the ticket waits, and loses nothing."""

from collections.abc import Iterator

import pytest

from domain.errors import CapacityRefused, NotReady
from domain.lifecycle import RunState, Stage
from tests.e2e.agents_at_work import OTHER, TURN_ROUND, agents_world, events, file, pull_request, runs
from tests.e2e.workshop import AGENTS
from tests.support.factory import World
from tests.support.model import Fault, FaultKind, Model, Script, Sh, Turn, scripted_model

pytestmark = [pytest.mark.e2e, pytest.mark.bubblewrap]
QUOTA = Fault(kind=FaultKind.QUOTA)
MORE = (
    "sed -i 's/2 [*] x$/2 * x  # either way/' calc.py; echo either way > notes.txt"  #: nothing to do in a clean clone
)
SCRIPTS = (
    Script(name="half", turns=(Turn(say="I turn it round.", calls=(TURN_ROUND,)), Turn(fault=QUOTA))),
    Script(name="rest", turns=(Turn(calls=(Sh(sh=MORE),)), Turn(say="Done."))),
    Script(name="spent", turns=(Turn(fault=QUOTA),)),
)
FILLED = Script(name="spent", turns=(Turn(calls=(TURN_ROUND,)), Turn(say="Done.")))


@pytest.fixture(scope="module")
def model() -> Iterator[Model]:
    with scripted_model(SCRIPTS) as model:
        yield model


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory, model: Model) -> Iterator[World]:
    with agents_world(tmp_path_factory.mktemp("failover"), model, {"codex": "half", "claude_code": "rest"}) as world:
        yield world


def test_another_harness_goes_on_with_what_the_first_one_changed(world: World) -> None:
    ticket = file(world, "codex", retry={"max": 0})
    world.run(ticket)
    (first,) = runs(world, ticket)
    assert (first.harness, first.state, first.reason_code) == ("codex", RunState.FAILED, "harness.quota")
    assert world.ticket(ticket).stage is Stage.QUEUED  # with `retry.max` 0: no attempt was spent

    assert world.run(ticket) is None
    _, second = runs(world, ticket)
    assert (second.harness, second.state) == ("claude_code", RunState.SUCCEEDED)
    (handed,) = events(world, ticket, "run_handed_over")
    assert handed == {"from_run_id": first.id, "harness": "codex", "resumes": False, "patch": True}
    assert pull_request(world, ticket) == {
        "calc.py": f"def double(x):\n{OTHER}  # either way",
        "notes.txt": "either way",
    }
    done = world.ticket(ticket)
    assert (done.stage, done.attempts - done.attempts_base) == (Stage.TESTING, 1)


def test_a_ticket_that_nobody_can_serve_rests_until_somebody_can(world: World, model: Model) -> None:
    ticket = file(world, "claude_code", "spent#parked", lock="parked", retry={"max": 0})
    answers = [world.run(ticket) for _ in range(len(AGENTS) + 1)]
    assert isinstance(answers[-1], CapacityRefused | NotReady)
    tried = runs(world, ticket)
    assert {run.reason_code for run in tried} == {"harness.quota"}
    assert {"claude_code", "gemini_cli"} <= {run.harness for run in tried} <= set(AGENTS)  # codex may rest already
    parked = world.ticket(ticket)
    known = [run.harness_until for run in tried if run.harness_until]
    assert (parked.stage, parked.not_before) == (Stage.QUEUED, min(known))  # whoever may be asked first
    assert parked.attempts == parked.attempts_base == len(tried) == len(known)

    model.book.scripts["spent"] = FILLED
    world.clock.move((min(known) - world.clock()).total_seconds() + 1)
    assert world.run(ticket) is None
    done = world.ticket(ticket)
    assert (done.stage, done.attempts - done.attempts_base) == (Stage.TESTING, 1)
    assert pull_request(world, ticket) == {"calc.py": f"def double(x):\n{OTHER}"}
