"""What the factory promises of its queue, kept by the real daemon: admission, backfill, re-execution, cancel, pause.

One home under `factory up` serves all tests; at most two runs at once (AGENT_QUEUE_MAX).
"""

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

import psutil
import pytest

from domain.execution import Step
from domain.lifecycle import FINAL_RUN_STATES, RunState, Stage
from domain.tickets import Ticket
from tests.support.factory import FIX, make_world
from tests.support.live import BACKFILL_STATUS, REPOSITORY, TERMINATE, Live, most_at_once, overlap
from tests.support.live import live as running
from tests.support.repositories import commit, git

pytestmark = pytest.mark.dagster

LIMIT = 2
ASSETS = ("ticket", "workspace", "session", "patch", "validation", "policy_report", "clearance", "pull_request", "outcome")  # fmt: skip
QUICK = {"max": 2, "backoff": "1s"}


def gated(live: Live, gate: Path, **front: object) -> Ticket:
    """File a ticket whose commands fail until the gate exists."""
    return live.world.file(commands=[FIX, f"test -f {gate}"], **front)


def statuses(live: Live, ticket: Ticket) -> list[str]:
    return [str(run["status"]) for run in live.dagster_runs(ticket)]


def dagster_idle(live: Live, ticket: Ticket) -> bool:
    return set(statuses(live, ticket)) <= {"SUCCESS", "FAILURE", "CANCELED"}


def delivered(live: Live, tickets: list[Ticket]) -> None:
    live.until(lambda: all(live.world.ticket(t).stage is Stage.TESTING for t in tickets), "every ticket delivered")
    live.until(lambda: all(dagster_idle(live, ticket) for ticket in tickets), "every Dagster run ended")


def waits(live: Live, ticket: Ticket) -> bool:
    return [run.state for run in live.runs(ticket)] == [RunState.AWAITING_APPROVAL]


def workers(live: Live) -> list[psutil.Process]:
    """Processes of Dagster runs: what the code server has started, but for Python's own helper."""
    assert live.process is not None
    found = []
    for process in psutil.Process(live.process.pid).children(recursive=True):
        try:
            parent = process.parent()
            ours = parent is not None and "grpc" in parent.cmdline()
            found += [process] if ours and "resource_tracker" not in " ".join(process.cmdline()) else []
        except psutil.Error:
            continue
    return found


def execute_job(live: Live, ticket: Ticket) -> subprocess.CompletedProcess[str]:
    """Run the job outside the queue, where no tag limit holds."""
    argv = [
        sys.executable,
        "-m",
        "dagster",
        "job",
        "execute",
        "-m",
        "factory_pipelines.definitions",
        "-j",
        "ticket_run",
    ]
    argv += ["--tags", f'{{"dagster/partition": "{ticket.id}"}}']
    environment = {**live.environment, "DAGSTER_HOME": str(live.home / "dagster")}
    return subprocess.run(argv, env=environment, capture_output=True, text=True, check=False, timeout=120)


def ended(live: Live, backfill: str) -> bool:
    status = str(live.graphql(BACKFILL_STATUS, id=backfill)["status"])
    return status.startswith("COMPLETED")


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    world = make_world(tmp_path_factory.mktemp("live"))
    with running(world, variables={"AGENT_QUEUE_MAX": str(LIMIT)}, lease_ttl="30") as services:
        yield services


@dataclass
class Doomed:
    """Tickets that fail until the gate exists; what takes long to come begins early and is looked at late."""

    gate: Path
    by_job: list[Ticket]
    by_asset: list[Ticket]
    slow: Ticket
    again: Ticket
    twice: Ticket
    risky: Ticket

    @property
    def backfilled(self) -> list[Ticket]:
        return [*self.by_job, *self.by_asset]


@pytest.fixture(scope="module")
def doomed(live: Live, tmp_path_factory: pytest.TempPathFactory) -> Doomed:
    gate = tmp_path_factory.mktemp("gate") / "open"
    return Doomed(
        gate=gate,
        slow=live.world.file(title="slow", lock="slow", commands=["sleep 60"], timeout="1s", retry=QUICK),
        by_job=[gated(live, gate, title=f"job {n}", lock="job-backfill") for n in range(3)],
        again=gated(live, gate, title="again", lock="again"),
        twice=gated(live, gate, title="by hand twice", lock="hand"),
        by_asset=[gated(live, gate, title="asset", lock="asset-backfill")],
        risky=live.world.file(title="risky", lock="desk", risk="high"),
    )


@pytest.fixture(scope="module")
def backfills(live: Live, doomed: Doomed) -> list[str]:
    """Two backfills as the UI launches them, of a job and of assets; the daemon looks at them every 30 s."""
    tickets = [*doomed.backfilled, doomed.again, doomed.twice]
    live.rest(*tickets)
    live.until(lambda: all(dagster_idle(live, ticket) for ticket in tickets), "every Dagster run ended")
    assert {live.world.ticket(ticket).stage for ticket in tickets} == {Stage.DEAD_LETTER}
    doomed.gate.touch()
    job = {"selector": {"partitionSetName": "ticket_run_partition_set", "repositorySelector": REPOSITORY}}
    return [
        live.backfill(doomed.by_job, **job),
        live.backfill(doomed.by_asset, assetSelection=[{"path": [name]} for name in ASSETS]),
    ]


def test_transient_failures_end_after_exactly_three_attempts(live: Live, doomed: Doomed) -> None:
    ticket = doomed.slow
    live.rest(ticket)
    assert live.world.ticket(ticket).stage is Stage.DEAD_LETTER
    assert [run.state for run in live.runs(ticket)] == [RunState.TIMED_OUT] * 3
    live.until(lambda: dagster_idle(live, ticket), "every Dagster run ended")
    assert statuses(live, ticket) == ["FAILURE"] * 3
    assert [len(run.dagster_run_ids) for run in live.runs(ticket)] == [1, 1, 1]
    assert live.world.factory.lookup.pull_request(ticket.id) is None


@pytest.mark.usefixtures("backfills")
def test_terminating_a_run_in_the_ui_cancels_the_ticket(live: Live, tmp_path: Path) -> None:
    told = tmp_path / "pid"
    ticket = live.world.file(title="endless", lock="endless", commands=[f"echo $$ > {told}; sleep 1000"], retry=QUICK)
    live.until(lambda: told.exists() and told.read_text().strip() != "", "the harness at work")
    harness = int(told.read_text())
    assert psutil.pid_exists(harness)
    (dagster_run,) = live.runs(ticket)[0].dagster_run_ids
    assert live.graphql(TERMINATE, id=dagster_run)["__typename"] == "TerminateRunSuccess"
    live.until(lambda: dagster_idle(live, ticket), "the Dagster run ended")
    live.until(lambda: live.runs(ticket)[0].state in FINAL_RUN_STATES, "the ledger run ended")
    assert [(run.state, run.reason_code) for run in live.runs(ticket)] == [(RunState.CANCELED, "run.canceled")]
    assert "Dagster" in str(live.runs(ticket)[0].reason)
    assert live.world.ticket(ticket).stage is Stage.DEAD_LETTER
    assert "Dagster" in str(live.world.ticket(ticket).reason)
    assert statuses(live, ticket) == ["CANCELED"]
    live.until(lambda: not psutil.pid_exists(harness), "the harness is gone")
    assert not [name for name in live.sandboxes() if name.startswith(ticket.id)]


@pytest.mark.usefixtures("backfills")
def test_reexecution_from_failure_in_the_ui_skips_what_is_done(live: Live, doomed: Doomed) -> None:
    """With room: a full factory refuses it the lease and serves the ticket later, by a whole run."""
    delivered(live, doomed.backfilled)
    ticket = doomed.again
    (failed,) = live.runs(ticket)
    assert (failed.state, failed.finished_steps) == (RunState.FAILED, (Step.CLAIM, Step.PROVISION))
    second = live.reexecute(failed.dagster_run_ids[0])
    live.until(lambda: dagster_idle(live, ticket), "the re-execution ended")
    done = live.dagster_run(second)
    assert (done["status"], done["parentRunId"]) == ("SUCCESS", failed.dagster_run_ids[0])
    assert {one["stepKey"] for one in done["stepStats"]} == {s.value for s in Step} - {"claim", "provision"}
    _, again = live.runs(ticket)
    assert (again.state, again.parent_run_id) == (RunState.SUCCEEDED, failed.id)
    assert again.fence > failed.fence
    assert again.dagster_run_ids == (second,)
    live.check_one_pull_request(ticket)


def test_a_worker_told_to_stop_by_the_machine_is_a_crash_not_a_wish_to_cancel(live: Live, tmp_path: Path) -> None:
    told = tmp_path / "pid"
    wait = f"test -e {told} || (echo $PPID > {told}; sleep 1000)"
    ticket = live.world.file(title="told to stop", lock="stop", commands=[wait, FIX], retry=QUICK)
    live.until(lambda: told.exists() and told.read_text().strip() != "", "the harness at work")
    ours = {process.pid for process in workers(live)}
    (worker,) = [one for one in psutil.Process(int(told.read_text())).parents() if one.pid in ours]
    worker.terminate()
    live.rest(ticket)
    assert [run.reason_code for run in live.runs(ticket)] == ["run.worker_died", None]
    live.check_one_pull_request(ticket)


def test_queued_runs_of_one_ticket_never_overlap(live: Live, tmp_path: Path) -> None:
    go = tmp_path / "go"
    held = f"while ! test -e {go}; do sleep 0.1; done"
    ticket = live.world.file(title="one at a time", lock="one", commands=[held, FIX])
    live.until(lambda: live.started(ticket), "the dispatched run at work")
    by_hand = [live.launch(ticket), live.launch(ticket)]
    past_the_queue = execute_job(live, ticket)
    go.touch()
    assert past_the_queue.returncode != 0
    assert "[lease.conflict]" in past_the_queue.stdout + past_the_queue.stderr
    live.rest(ticket)
    live.until(lambda: dagster_idle(live, ticket), "no Dagster run left")
    assert [live.dagster_run(run_id)["status"] for run_id in by_hand] == ["FAILURE", "FAILURE"]
    queued = [
        run for run in live.dagster_runs(ticket) if run["runId"] in {*by_hand, *live.runs(ticket)[0].dagster_run_ids}
    ]
    spans = [(run["startTime"], run["endTime"]) for run in queued]
    assert len(spans) == 3
    assert not any(one[0] < other[1] and other[0] < one[1] for one, other in combinations(spans, 2))
    refused = [
        e.payload["code"] for e in live.world.factory.lookup.timeline(ticket_id=ticket.id) if e.name == "lease_refused"
    ]
    assert sorted(refused) == ["lease.conflict", "ticket.not_ready", "ticket.not_ready"]
    assert [run.state for run in live.runs(ticket)] == [RunState.SUCCEEDED]
    assert len(live.worked(ticket)) == 1
    live.check_one_pull_request(ticket)


@pytest.mark.usefixtures("backfills")
def test_two_queued_runs_of_a_dead_lettered_ticket_become_one_attempt_at_a_time(live: Live, doomed: Doomed) -> None:
    ticket = doomed.twice
    for _ in range(2):
        live.launch(ticket)
    live.until(lambda: dagster_idle(live, ticket), "no Dagster run left")
    assert [run.state for run in live.runs(ticket)] == [RunState.FAILED, RunState.SUCCEEDED]
    assert most_at_once(live.worked(ticket)) == 1
    assert sorted(statuses(live, ticket)) == ["FAILURE", "FAILURE", "SUCCESS"]
    live.check_one_pull_request(ticket)


def test_backfills_of_failed_tickets_under_one_lock_give_one_new_attempt_each(
    live: Live, doomed: Doomed, backfills: list[str]
) -> None:
    tickets = doomed.backfilled
    delivered(live, tickets)
    for ticket in tickets:
        assert [run.state for run in live.runs(ticket)] == [RunState.FAILED, RunState.SUCCEEDED]
        live.check_one_pull_request(ticket)
    assert most_at_once([live.worked(ticket)[-1] for ticket in doomed.by_job]) == 1
    titles = [ticket.manifest.title for ticket in live.world.factory.lookup.tickets()]
    assert sorted(title for title in titles if title.startswith(("job ", "asset"))) == [
        "asset",
        "job 0",
        "job 1",
        "job 2",
    ]
    for backfill in backfills:
        live.until(lambda: ended(live, backfill), "the backfill ended")  # noqa: B023 - called at once


def test_a_lock_serialises_other_locks_run_beside_it_and_the_limit_holds(live: Live) -> None:
    same = [live.world.file(title=f"same {n}", lock="same", commands=["sleep 2", FIX]) for n in range(2)]
    other = [live.world.file(title=f"other {n}", lock=f"other-{n}", commands=["sleep 2", FIX]) for n in range(2)]
    live.rest(*same, *other)
    held = {ticket.id: live.leases(ticket) for ticket in [*same, *other]}
    assert all(len(intervals) == 1 for intervals in held.values())
    assert not overlap(held[same[0].id][0], held[same[1].id][0])
    everything = [interval for intervals in held.values() for interval in intervals]
    assert most_at_once(everything) == LIMIT
    worked = [interval for ticket in [*same, *other] for interval in live.worked(ticket)]
    assert most_at_once(worked) == LIMIT, "nothing ran in parallel"
    for ticket in [*same, *other]:
        live.check_one_pull_request(ticket)


def test_a_pause_lets_running_work_finish_and_starts_nothing(live: Live) -> None:
    operators, now = live.world.factory.operators, live.world.factory.now
    first = live.world.file(title="before the pause", lock="pause-1", commands=["sleep 4", FIX])
    live.until(lambda: live.started(first), "the first at work")
    operators.set_paused("*", True, actor="ann", reason="hold", now=now())
    second = live.world.file(title="in the pause", lock="pause-2")
    live.rest(first)
    live.check_one_pull_request(first)
    beat = live.world.factory.oversight.last_beat("dispatch")
    live.until(lambda: live.world.factory.oversight.last_beat("dispatch") != beat, "another look at the queue")
    assert live.world.ticket(second).stage is Stage.QUEUED
    assert live.runs(second) == []
    assert live.dagster_runs(second) == []
    operators.set_paused("*", False, actor="ann", reason="go on", now=now())
    live.rest(second)
    live.check_one_pull_request(second)


def test_a_ticket_waits_for_approval_holding_nothing(live: Live, doomed: Doomed) -> None:
    risky = doomed.risky
    live.until(lambda: waits(live, risky), "the wait for approval")
    live.until(lambda: dagster_idle(live, risky), "the Dagster run ended")
    assert live.world.factory.oversight.live_leases() == []
    live.until(lambda: not workers(live), "no worker left")
    live.until(lambda: live.sandboxes() == [], "no sandbox left")
    (first,) = live.dagster_runs(risky)
    assert first["status"] == "SUCCESS"
    beside = live.world.file(title="beside", lock="desk", commands=["echo beside > beside.txt"])
    live.rest(beside)
    live.check_one_pull_request(beside)
    live.stop()
    moved = commit(live.world.source, {"NEWS.md": "moved\n"}, "the base moves")
    live.start()
    live.until(lambda: live.world.factory.oversight.last_beat("dispatch") is not None, "dispatch beats")
    assert waits(live, risky)
    (run,) = live.runs(risky)
    live.world.factory.operators.decide_approval(
        run.id, approved=True, actor="ann", reason="fine", now=live.world.factory.now()
    )
    live.rest(risky)
    live.check_one_pull_request(risky)
    (done,) = live.runs(risky)
    assert (done.id, done.state) == (run.id, RunState.SUCCEEDED)
    assert done.fence > run.fence
    live.until(lambda: dagster_idle(live, risky), "the continuation ended")
    assert [one["jobName"] for one in live.dagster_runs(risky)] == ["ticket_run", "ticket_continuation"]
    assert set(done.dagster_run_ids) == {one["runId"] for one in live.dagster_runs(risky)}
    names = live.world.names(risky)
    assert names.count("verify_completed") == 2
    assert names.count("sandbox_provisioned") == 3, "the moved base was not validated in a sandbox again"
    pull = live.world.factory.lookup.pull_request(risky.id)
    assert pull is not None
    assert pull.base_sha == moved
    assert git(Path(live.world.factory.lookup.repository("calc").remote), "rev-parse", f"{pull.branch}~1") == moved
