"""Kill anything at any moment: each ticket ends with one run chain, one branch, one pull request, and none is lost."""

import signal
from pathlib import Path

import psutil
import pytest

from domain.execution import Run, Step
from domain.lifecycle import FINAL_RUN_STATES, RunState, Stage
from domain.tickets import Ticket
from tests.support.factory import World, make_world
from tests.support.repositories import git
from tests.support.services import eventually, faulty_workspace, kill_all, start_up, tree, up

pytestmark = pytest.mark.faults

WINDOWS = [(step, when) for step in Step for when in ("before", "after")]
WINDOWS += [(Step.SUBMIT, "pushed"), (Step.SUBMIT, "opened")]
QUICK = {"backoff": "1s", "max": 4}
SHORT = {"lease_ttl": "45", "not_started_limit": "60", "max_running": "6"}


@pytest.fixture
def world(tmp_path: Path) -> World:
    return make_world(tmp_path)


def home(world: World) -> Path:
    return world.factory.settings.home


def settled(world: World, tickets: list[Ticket]) -> bool:
    return all(world.ticket(ticket).stage in (Stage.TESTING, Stage.DEAD_LETTER) for ticket in tickets)


def wait(world: World, tickets: list[Ticket]) -> None:
    for ticket in tickets:  # each with a patience of its own
        eventually(lambda ticket=ticket: settled(world, [ticket]), f"{ticket.id} at rest", home(world) / "up.log")


def check_one_of_everything(world: World, ticket: Ticket) -> list[Run]:
    """The invariants of a delivered ticket, whatever was killed on the way."""
    done = world.ticket(ticket)
    runs = world.factory.lookup.runs(ticket_id=ticket.id)
    assert (done.stage, done.reason) == (Stage.TESTING, None)
    assert runs[-1].state is RunState.SUCCEEDED
    assert all(run.state in FINAL_RUN_STATES for run in runs)
    assert [run.state for run in runs].count(RunState.SUCCEEDED) == 1
    remote = Path(world.factory.lookup.repository("calc").remote)
    branches = git(remote, "branch", "--list", f"factory/{ticket.id}-*", "--format=%(refname:short)").split()
    pull = world.factory.lookup.pull_request(ticket.id)
    assert pull is not None
    assert branches == [pull.branch]
    assert git(remote, "rev-parse", pull.branch) == pull.head_sha
    pages = [
        page
        for page in (remote.parent / "calc.pulls").glob("[0-9]*")
        if f'"{ticket.id}"' in (page / "pull_request.json").read_text()
    ]
    assert len(pages) == 1
    return runs


def check_nothing_left(world: World) -> None:
    assert world.factory.oversight.live_leases() == []
    assert [ref.id for sandbox in world.factory.sandboxes.values() for ref in sandbox.leftovers()] == []


def test_the_worker_is_killed_before_and_after_each_step(world: World, tmp_path: Path) -> None:
    tickets = {
        (step, when): world.file(title=f"fault {step.value} {when}", lock=f"{step}-{when}", retry=QUICK)
        for step, when in WINDOWS
    }
    with up(home(world), workspace=str(faulty_workspace(tmp_path)), **SHORT):
        wait(world, list(tickets.values()))
    for (step, when), ticket in tickets.items():
        assert (home(world) / "faults" / ticket.id).exists(), f"no worker was killed at {step} {when}"
        if (step, when) == (Step.FINALIZE, "after"):
            assert len(check_one_of_everything(world, ticket)) == 1
            continue
        runs = check_one_of_everything(world, ticket)
        assert len(runs) == 2, f"{step} {when}: {[run.reason_code for run in runs]}"
        assert runs[0].reason_code in ("run.worker_died", "lease.expired")
        agent_runs = [
            e for e in world.factory.lookup.timeline(ticket_id=ticket.id) if e.payload.get("kind") == "finished"
        ]
        expected = (
            1
            if list(Step).index(step) > list(Step).index(Step.COLLECT) or (step, when) == (Step.COLLECT, "after")
            else None
        )
        assert expected is None or len(agent_runs) == expected, f"{step} {when} ran the agent again"
    check_nothing_left(world)


def named(process: psutil.Process, word: str) -> bool:
    try:
        return any(word in part for part in process.cmdline())
    except psutil.Error:
        return False


def test_the_daemon_is_killed_while_work_runs(world: World) -> None:
    tickets = [
        world.file(title=f"slow {n}", lock=f"slow-{n}", commands=["sleep 4", f"echo {n} > n{n}"], retry=QUICK)
        for n in range(3)
    ]
    with up(home(world), **SHORT) as process:
        eventually(lambda: bool(world.factory.oversight.live_leases()), "work at hand", home(world) / "up.log")
        kill_all([child for child in tree(process.pid) if named(child, "dagster._daemon")])
        wait(world, tickets)
    for ticket in tickets:
        check_one_of_everything(world, ticket)
    check_nothing_left(world)


def test_the_whole_tree_is_killed_at_once(world: World) -> None:
    tickets = [
        world.file(title=f"slow {n}", lock=f"slow-{n}", commands=["sleep 6", f"echo {n} > n{n}"], retry=QUICK)
        for n in range(3)
    ]
    process = start_up(home(world), **SHORT)
    eventually(
        lambda: any(run.state is RunState.RUNNING and run.sandbox for run in world.factory.lookup.runs()),
        "a harness at work",
        home(world) / "up.log",
    )
    everyone = tree(process.pid)
    for one in everyone:
        one.send_signal(signal.SIGSTOP)
    kill_all(everyone)
    process.wait(10)
    with up(home(world), **SHORT):
        wait(world, tickets)
    for ticket in tickets:
        check_one_of_everything(world, ticket)
    check_nothing_left(world)
