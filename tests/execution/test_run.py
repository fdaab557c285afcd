"""One ticket through all eight steps with everything real but Dagster."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from domain.errors import (
    Canceled,
    GatesFailed,
    HarnessFailed,
    IsolationRequired,
    LeaseLost,
    PatchEmpty,
    PatchTooLarge,
    PatchUnreadable,
    TimedOut,
)
from domain.execution import Step
from domain.governance import Verdict
from domain.lifecycle import RunState, Stage
from factory_pipelines.execution.stages.context import Presented
from factory_pipelines.execution.stages.runner import run_step
from sensors.supervisor import RunSupervisor
from tests.support.factory import AFTER_APPROVAL, BREAK, World, make_world
from tests.support.repositories import commit, git


@pytest.fixture
def world(tmp_path: Path) -> World:
    return make_world(tmp_path)


def remote(world: World) -> Path:
    return Path(world.factory.lookup.repository("calc").remote)


def leftovers(world: World) -> list[str]:
    return [ref.id for sandbox in world.factory.sandboxes.values() for ref in sandbox.leftovers()]


def test_a_ticket_becomes_one_pull_request(world: World) -> None:
    ticket = world.file(
        acceptance=["reads well", {"text": "doubles", "check": "python3 -c 'import calc; assert calc.double(3)==6'"}]
    )
    assert world.run(ticket) is None
    done = world.ticket(ticket)
    assert (done.stage, done.completed_at is not None) == (Stage.TESTING, True)
    pull = world.factory.lookup.pull_request(ticket.id)
    assert pull is not None
    assert git(remote(world), "rev-parse", pull.branch) == pull.head_sha
    trailers = git(remote(world), "log", "-1", "--format=%an%n%b", pull.head_sha)
    assert f"Factory-Ticket: {ticket.id}" in trailers
    assert "Factory-Run: T-1-r1" in trailers
    body = (Path(pull.url.removeprefix("file://")).parent / "body.md").read_text()
    assert "- [x] doubles" in body
    assert "- [ ] reads well" in body
    assert "T-1-r1" in body
    assert not leftovers(world)


def test_the_run_stores_what_rebuilds_it_and_the_timeline_tells_it_all(world: World) -> None:
    ticket = world.file()
    world.run(ticket)
    run = world.factory.lookup.runs(ticket_id=ticket.id)[0]
    assert run.environment is not None
    assert run.environment.base_sha == git(world.source, "rev-parse", "main")
    assert run.environment.tool_versions["factory"]
    assert run.finished_steps == tuple(Step)
    told = world.names(ticket)
    for name in ("ticket_created", "lease_granted", "lease_started", "sandbox_provisioned", "harness_event",
                 "patch_collected", "verify_completed", "policy_judged", "branch_pushed", "pull_request_saved"):  # fmt: skip
        assert name in told
    assert told.index("lease_granted") < told.index("sandbox_provisioned")


def test_the_same_ticket_on_the_same_base_gives_the_same_patch(world: World) -> None:
    first, second = world.file(), world.file(title="Again")
    for ticket in (first, second):
        world.run(ticket)
    digests = {run.patch.artifact.sha256 for run in world.factory.lookup.runs() if run.patch}
    assert len(digests) == 1


def test_a_change_that_breaks_a_test_gets_no_pull_request(world: World) -> None:
    ticket = world.file(commands=[BREAK])
    error = world.run(ticket)
    assert isinstance(error, GatesFailed)
    done = world.ticket(ticket)
    assert done.stage is Stage.DEAD_LETTER
    assert "tests" in (done.reason or "")
    assert world.factory.lookup.pull_request(ticket.id) is None
    assert git(remote(world), "branch", "--list", "factory/*") == ""
    _artifacts, report = world.factory.lookup.evidence(f"{ticket.id}-r1")
    assert report is not None
    assert report.verdict is Verdict.FAIL
    assert not leftovers(world)


def test_without_verify_a_person_decides(tmp_path: Path) -> None:
    world = make_world(tmp_path, verify=[])
    ticket = world.file()
    assert world.run(ticket) is None
    run = world.factory.lookup.runs(ticket_id=ticket.id)[0]
    assert (run.state, world.ticket(ticket).stage) == (RunState.AWAITING_APPROVAL, Stage.REVIEW)
    assert world.factory.lookup.pull_request(ticket.id) is None


@pytest.mark.parametrize(("risk", "waits"), [("low", False), ("medium", True), ("high", True)])
def test_risk_decides_who_waits(world: World, risk: str, waits: bool) -> None:
    ticket = world.file(risk=risk)
    assert world.run(ticket) is None
    run = world.factory.lookup.runs(ticket_id=ticket.id)[0]
    assert (run.state is RunState.AWAITING_APPROVAL) is waits
    assert (world.factory.lookup.pull_request(ticket.id) is None) is waits
    assert world.factory.oversight.live_leases() == []


def approve(world: World, run_id: str) -> Presented:
    world.factory.operators.decide_approval(run_id, approved=True, actor="ann", reason="ok", now=world.factory.now())
    lease = RunSupervisor(world.factory).dispatch().granted[0]
    assert lease.run_id == run_id
    return world.present(lease)


def test_approval_carries_the_same_run_on_from_the_stored_patch(world: World) -> None:
    ticket = world.file(risk="high")
    world.run(ticket)
    world.steps(approve(world, f"{ticket.id}-r1"), AFTER_APPROVAL)
    runs = world.factory.lookup.runs(ticket_id=ticket.id)
    assert [(run.state, len(run.dagster_run_ids)) for run in runs] == [(RunState.SUCCEEDED, 2)]
    assert world.names(ticket).count("patch_collected") == 1
    assert world.names(ticket).count("verify_completed") == 2
    assert world.ticket(ticket).stage is Stage.TESTING


def test_a_base_that_moved_is_validated_again_and_pushed_on_top(world: World) -> None:
    ticket = world.file(risk="high")
    world.run(ticket)
    moved = commit(world.source, {"other.py": "x = 1\n"})
    world.steps(approve(world, f"{ticket.id}-r1"), AFTER_APPROVAL)
    pull = world.factory.lookup.pull_request(ticket.id)
    assert pull is not None
    assert pull.base_sha == moved
    assert git(remote(world), "rev-parse", f"{pull.head_sha}^") == moved
    assert world.names(ticket).count("sandbox_provisioned") == 3


def test_rejection_cancels_with_the_reason(world: World) -> None:
    ticket = world.file(risk="high")
    world.run(ticket)
    world.factory.operators.decide_approval(
        "T-1-r1", approved=False, actor="ann", reason="not now", now=world.factory.now()
    )
    assert world.factory.lookup.runs(ticket_id=ticket.id)[0].state is RunState.CANCELED
    assert "not now" in (world.ticket(ticket).reason or "")


@pytest.mark.parametrize(
    ("commands", "error"),
    [
        (["true"], PatchEmpty),
        (["exit 3"], HarnessFailed),
        (["no-such-program"], HarnessFailed),
        (["rm -rf .git"], PatchUnreadable),
        (["head -c 30000000 /dev/urandom > big.bin"], PatchTooLarge),
    ],
)
def test_each_failure_ends_in_its_own_reason(world: World, commands: list[str], error: type) -> None:
    ticket = world.file(commands=commands)
    assert isinstance(world.run(ticket), error)
    assert world.ticket(ticket).stage is Stage.DEAD_LETTER
    assert error.code in (world.ticket(ticket).reason or "")
    assert not leftovers(world)


def test_a_timeout_is_retried_then_dead(world: World) -> None:
    ticket = world.file(commands=["sleep 60"], timeout="1s", retry={"max": 1, "backoff": "1s"})
    assert isinstance(world.run(ticket), TimedOut)
    assert world.ticket(ticket).stage is Stage.QUEUED
    assert world.factory.lookup.runs(ticket_id=ticket.id)[0].state is RunState.TIMED_OUT
    world.clock.move(10)
    world.run(ticket)
    assert world.ticket(ticket).stage is Stage.DEAD_LETTER


def test_a_flood_and_children_left_behind_harm_nothing(world: World) -> None:
    flood = "python3 -c \"print('x'*200+chr(10), end='') or [print('y'*1000) for _ in range(20000)]\""
    ticket = world.file(commands=[flood, "(setsid sleep 300 &)", "sed -i 's/x \\* 2/2 * x/' calc.py"])
    assert world.run(ticket) is None
    assert len(world.names(ticket)) < 200
    assert not leftovers(world)


def test_a_stolen_lease_stops_before_anything_is_made(world: World) -> None:
    ticket = world.file()
    lease = world.dispatch(ticket)
    world.clock.move(world.factory.settings.not_started_limit + 1)
    RunSupervisor(world.factory).recover_stale_runs()
    with pytest.raises(LeaseLost):
        run_step(world.factory, world.present(lease), Step.CLAIM)
    assert "sandbox_provisioned" not in world.names(ticket)
    assert "lease_refused" in world.names(ticket)


def test_an_expired_run_is_recovered_and_writes_nothing_more(world: World) -> None:
    ticket = world.file()
    presented = world.present(world.dispatch(ticket))
    world.steps(presented, (Step.CLAIM, Step.PROVISION))
    assert leftovers(world)
    world.clock.move(world.factory.settings.lease_ttl + 1)
    recovery = RunSupervisor(world.factory).recover_stale_runs()
    assert (recovery.runs, recovery.dagster_run_ids) == (("T-1-r1",), (presented.dagster_run_id,))
    assert not leftovers(world)
    with pytest.raises(LeaseLost):
        run_step(world.factory, presented, Step.LAUNCH)
    assert world.ticket(ticket).stage is Stage.QUEUED


@pytest.mark.parametrize("died_after", [Step.COLLECT, Step.VALIDATE, Step.JUDGE, Step.SUBMIT])
def test_a_crash_after_the_patch_needs_no_second_agent_run(world: World, died_after: Step) -> None:
    ticket = world.file()
    presented = world.present(world.dispatch(ticket))
    done = tuple(Step)[: tuple(Step).index(died_after) + 1]
    world.steps(presented, done)
    assert RunSupervisor(world.factory).worker_gone(presented.dagster_run_id, None, None)
    world.clock.move(3600)
    assert world.run(ticket) is None
    assert world.ticket(ticket).stage is Stage.TESTING
    assert world.names(ticket).count("patch_collected") == 2
    assert sum(e.payload.get("kind") == "finished" for e in world.factory.lookup.timeline(ticket_id=ticket.id)) == 1
    pages = sorted((remote(world).parent / "calc.pulls").glob("[0-9]*"))
    assert len(pages) == 1
    assert git(remote(world), "branch", "--list", "factory/*").count("factory/") == 1


def test_cancel_stops_a_running_harness(world: World) -> None:
    ticket = world.file(commands=["sleep 120"])
    presented = world.present(world.dispatch(ticket))
    world.steps(presented, (Step.CLAIM, Step.PROVISION))
    world.factory.operators.request_cancel(ticket.id, actor="ann", reason="no longer wanted", now=world.factory.now())
    with pytest.raises(Canceled):
        run_step(world.factory, presented, Step.LAUNCH)
    run = world.factory.lookup.runs(ticket_id=ticket.id)[0]
    assert (run.state, run.cancel_requested_by) == (RunState.CANCELED, "ann")
    assert not leftovers(world)


def test_agents_refuse_to_run_without_isolation(world: World) -> None:
    class Agent:
        name, trusted = "agent", False

    settings = world.factory.settings.model_copy(
        update={"sandbox": "process", "harnesses": {"agent": world.factory.settings.harnesses["command"]}}
    )
    world.factory = replace(world.factory, settings=settings, harnesses={"agent": Agent()})  # type: ignore[dict-item]
    ticket = world.file(engine="agent")
    assert isinstance(world.run(ticket), IsolationRequired)
    assert not leftovers(world)


def test_the_patch_replays_binary_rename_deletion_and_mode(tmp_path: Path) -> None:
    files = {"calc.py": "x = 1\n", "old.txt": "same\n" * 20, "gone.txt": "bye\n", "run.sh": "#!/bin/sh\n"}
    world = make_world(tmp_path, files=files, verify=["true"])
    commands = [
        "git mv old.txt new.txt",
        "rm gone.txt",
        "chmod +x run.sh",
        "head -c 5000 /dev/urandom > b.bin",
        "ln -s calc.py l",
    ]
    ticket = world.file(commands=commands)
    assert world.run(ticket) is None
    run = world.factory.lookup.runs(ticket_id=ticket.id)[0]
    pull = world.factory.lookup.pull_request(ticket.id)
    assert run.patch is not None
    assert pull is not None
    assert git(remote(world), "rev-parse", f"{pull.head_sha}^{{tree}}") == run.patch.tree_sha
    assert run.validation is not None
    facts = json.loads(world.factory.artifacts.get(run.validation))
    assert facts["replayed_tree_sha"] == run.patch.tree_sha
    assert {(f["path"], f["status"]) for f in facts["files"]} == {
        ("new.txt", "R"), ("gone.txt", "D"), ("run.sh", "M"), ("b.bin", "A"), ("l", "A"),
    }  # fmt: skip
