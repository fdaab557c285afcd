"""A factory whose services really run: restartable, with GraphQL through the front door as the Dagster UI sends it."""

import json
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from control_plane.front_token import front_token
from domain.execution import Run
from domain.lifecycle import RESTING_STAGES, RunState, Stage
from domain.tickets import Ticket
from tests.support.factory import World
from tests.support.repositories import git
from tests.support.services import NeverCame, environment, eventually, free_port, kill_all, tree

REPOSITORY = {"repositoryLocationName": "factory", "repositoryName": "__repository__"}
JOB = {**REPOSITORY, "jobName": "ticket_run"}
Interval = tuple[datetime, datetime]

LAUNCH = """mutation($p: ExecutionParams!) { launchRun(executionParams: $p) {
  __typename ... on LaunchRunSuccess { run { runId } } ... on PythonError { message } } }"""
REEXECUTE = """mutation($p: ReexecutionParams!) { launchRunReexecution(reexecutionParams: $p) {
  __typename ... on LaunchRunSuccess { run { runId } } ... on PythonError { message } } }"""
TERMINATE = """mutation($id: String!) { terminateRun(runId: $id) {
  __typename ... on TerminateRunFailure { message } ... on PythonError { message } } }"""
BACKFILL = """mutation($p: LaunchBackfillParams!) { launchPartitionBackfill(backfillParams: $p) {
  __typename ... on LaunchBackfillSuccess { backfillId } ... on PythonError { message } } }"""
BACKFILL_STATUS = """query($id: String!) { partitionBackfillOrError(backfillId: $id) {
  __typename ... on PartitionBackfill { status } } }"""
RUNS = """query($f: RunsFilter!) { runsOrError(filter: $f) { ... on Runs { results {
  runId status startTime endTime jobName parentRunId tags { key value } stepStats { stepKey status } } } } }"""


@dataclass
class Live:
    """One home under `factory up`; `start` and `stop` as often as a test likes."""

    world: World
    settings: dict[str, str] = field(default_factory=dict)
    variables: dict[str, str] = field(default_factory=dict)
    port: int = 0
    process: subprocess.Popen[bytes] | None = None

    @property
    def home(self) -> Path:
        return self.world.factory.settings.home

    @property
    def environment(self) -> dict[str, str]:
        return {**environment(self.home, **self.settings), **self.variables}

    def start(self) -> None:
        self.port = self.port or free_port()
        argv = [str(Path(sys.executable).with_name("factory")), "up", "--port", str(self.port)]
        with (self.home / "up.log").open("ab") as log:
            self.process = subprocess.Popen(argv, cwd=self.home, env=self.environment, stdout=log, stderr=log)
        self.until(self._answers, "the front door answers")

    def stop(self) -> None:
        if self.process is None:
            return
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(60)
        finally:
            kill_all(tree(self.process.pid))
            self.process = None

    def until(self, what: Callable[[], bool], words: str) -> None:
        try:
            eventually(what, words, self.home / "up.log", pause=1)
        except NeverCame as never:
            lookup = self.world.factory.lookup
            tickets = [f"{one.id} {one.stage} ({one.reason})" for one in lookup.tickets()]
            runs = [f"{one.id} {one.state} ({one.reason})" for one in lookup.runs()]
            raise AssertionError("\n".join([str(never), *tickets, *runs])) from never

    def graphql(self, query: str, **variables: Any) -> Any:
        """Return the one field that was asked for."""
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}/graphql",
            data=json.dumps({"query": query, "variables": variables}).encode(),
            headers={"Content-Type": "application/json", "Authorization": f"Bearer {front_token(self.home)}"},
        )
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                told = json.load(answer)
        except urllib.error.HTTPError as refused:
            raise AssertionError(f"{refused.code}: {refused.read().decode()[:2000]}") from refused
        assert "errors" not in told, told
        return next(iter(told["data"].values()))

    def launch(self, ticket: Ticket) -> str:
        """Launch a run of the ticket as the UI's launchpad does; return the Dagster run."""
        tags = {"dagster/partition": ticket.id, "factory/ticket": ticket.id}
        params = {"selector": JOB, "runConfigData": {}, "executionMetadata": {"tags": tag_list(tags)}}
        told = self.graphql(LAUNCH, p=params)
        assert told["__typename"] == "LaunchRunSuccess", told
        return str(told["run"]["runId"])

    def reexecute(self, dagster_run_id: str) -> str:
        told = self.graphql(REEXECUTE, p={"parentRunId": dagster_run_id, "strategy": "FROM_FAILURE"})
        assert told["__typename"] == "LaunchRunSuccess", told
        return str(told["run"]["runId"])

    def backfill(self, tickets: list[Ticket], **selection: Any) -> str:
        names = [ticket.id for ticket in tickets]
        told = self.graphql(BACKFILL, p={"partitionNames": names, **selection})
        assert told["__typename"] == "LaunchBackfillSuccess", told
        return str(told["backfillId"])

    def dagster_run(self, run_id: str) -> dict[str, Any]:
        return dict(self.graphql(RUNS, f={"runIds": [run_id]})["results"][0])

    def dagster_runs(self, ticket: Ticket) -> list[dict[str, Any]]:
        """Every Dagster run of the ticket's partition, oldest first."""
        by_ticket = {"tags": [{"key": "dagster/partition", "value": ticket.id}]}
        return list(reversed(self.graphql(RUNS, f=by_ticket)["results"]))

    def rest(self, *tickets: Ticket) -> None:
        """Wait until each has an open pull request or will get no further attempt."""
        ends = RESTING_STAGES | {Stage.TESTING}
        for one in tickets:  # each with a patience of its own
            self.until(lambda one=one: self.world.ticket(one).stage in ends, f"{one.id} at rest")

    def runs(self, ticket: Ticket) -> list[Run]:
        return self.world.factory.lookup.runs(ticket_id=ticket.id)

    def started(self, ticket: Ticket) -> bool:
        return any(run.state is RunState.RUNNING and run.sandbox for run in self.runs(ticket))

    def leases(self, ticket: Ticket) -> list[Interval]:
        """When the ticket was held, from the timeline: one interval a lease."""
        events = self.world.factory.lookup.timeline(ticket_id=ticket.id)
        granted = {e.payload["fence"]: e.at for e in events if e.name == "lease_granted"}
        released = {e.payload["fence"]: e.at for e in events if e.name == "lease_released"}
        assert granted.keys() == released.keys(), "a lease was never released"
        return [(at, released[fence]) for fence, at in sorted(granted.items())]

    def worked(self, ticket: Ticket) -> list[Interval]:
        """When runs of the ticket ran, from the timeline: from a lease's start to its release."""
        events = self.world.factory.lookup.timeline(ticket_id=ticket.id)
        started = {e.payload["fence"]: e.at for e in events if e.name == "lease_started"}
        released = {e.payload["fence"]: e.at for e in events if e.name == "lease_released"}
        return [(at, released[fence]) for fence, at in sorted(started.items())]

    def check_one_pull_request(self, ticket: Ticket, repository: str = "calc") -> None:
        """The ticket has one branch and one pull request, and they agree."""
        now = self.world.ticket(ticket)
        assert (now.stage, now.reason) == (Stage.TESTING, None), [(run.state, run.reason) for run in self.runs(ticket)]
        remote = Path(self.world.factory.lookup.repository(repository).remote)
        pull = self.world.factory.lookup.pull_request(ticket.id)
        assert pull is not None
        branches = git(remote, "branch", "--list", f"factory/{ticket.id}-*", "--format=%(refname:short)").split()
        assert branches == [pull.branch]
        pages = [page.read_text() for page in remote.parent.glob(f"{repository}.pulls/[0-9]*/pull_request.json")]
        assert sum(f'"{ticket.id}"' in page for page in pages) == 1

    def sandboxes(self) -> list[str]:
        return [ref.id for sandbox in self.world.factory.sandboxes.values() for ref in sandbox.leftovers()]

    def _answers(self) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, (self.home / "up.log").read_text()[-3000:]
        try:
            return bool(self.graphql("{ version }"))
        except OSError:
            return False


@contextmanager
def live(world: World, *, variables: dict[str, str] | None = None, port: int = 0, **settings: str) -> Iterator[Live]:
    """Run the services of the world's home until the end of the block, at any free port unless told."""
    running = Live(world, settings, variables or {}, port)
    try:
        running.start()
        yield running
    finally:
        running.stop()


def tag_list(tags: dict[str, str]) -> list[dict[str, str]]:
    return [{"key": key, "value": value} for key, value in tags.items()]


def overlap(one: Interval, other: Interval) -> bool:
    return one[0] < other[1] and other[0] < one[1]


def most_at_once(intervals: list[Interval]) -> int:
    """How many intervals share one moment at most; touching ends do not."""
    return max(sum(start <= moment < end for start, end in intervals) for moment, _ in intervals)
