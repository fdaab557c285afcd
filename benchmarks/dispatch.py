"""From a ticket that is ready to its harness's process, through a real `factory up`, in parts.

Floor: Dagster's own launch of an empty job on the same instance, by its queue, from the request to its first step. It
pays for neither the sensor's interval (5 s at the least, by Dagster) nor git, the sandbox and its harness.
"""

import argparse
import itertools
import statistics
import tempfile
import time
from pathlib import Path

from domain.tickets import Ticket
from tests.support.factory import make_world
from tests.support.live import LAUNCH, Live, live
from tests.support.services import ROOT

CLOCK = "date +%s.%N"  #: the harness's first word
PARTS = (
    "ready to lease granted",
    "lease granted to Dagster run started",
    "Dagster run started to claimed",
    "claimed to sandbox",
    "sandbox to harness process",
)
SHIFT = 0.7  #: seconds; rounds begin at different moments of the sensor's interval
FLOOR_JOB = {"repositoryLocationName": "floor", "repositoryName": "__repository__", "jobName": "empty"}
STARTED = """query($id: ID!) { runOrError(runId: $id) { ... on Run {
  creationTime startTime status stepStats { startTime } } } }"""


def workspace(folder: Path) -> Path:
    """Return a workspace file with our code location and the floor's."""
    path = folder / "workspace.yaml"
    path.write_text(
        "load_from:\n"
        "  - python_module: {module_name: factory_pipelines.definitions, location_name: factory}\n"
        f"  - python_module: {{module_name: benchmarks.empty_job, location_name: floor, working_directory: {ROOT}}}\n"
    )
    return path


def ours(running: Live, number: int) -> list[float]:
    """Return the seconds of each part for one ticket."""
    world = running.world
    ticket = world.file(title=f"bench {number}", commands=[CLOCK, f"echo {number} > bench{number}.txt"])
    running.rest(ticket)
    (run,) = running.runs(ticket)
    timeline = world.factory.lookup.timeline(ticket_id=ticket.id)
    at = {event.name: event.at.timestamp() for event in reversed(timeline)}  # of each the first
    dagster_run = running.dagster_run(run.dagster_run_ids[0])
    moments = [
        ticket.created_at.timestamp(),
        at["lease_granted"],
        float(dagster_run["startTime"]),
        at["lease_started"],
        at["sandbox_provisioned"],
        harness_start(running, ticket, run.id),
    ]
    return [later - earlier for earlier, later in itertools.pairwise(moments)]


def harness_start(running: Live, ticket: Ticket, run_id: str) -> float:
    """Return when the harness said its first word, by its own clock."""
    factory = running.world.factory
    artifacts, _report = factory.lookup.evidence(run_id)
    raw = next(factory.artifacts.get(one.ref).decode() for one in artifacts if one.ref.kind == "raw")
    words = [line.split('"text": "', 1)[1].split('"', 1)[0] for line in raw.splitlines()]
    found = [float(word) for word in words if word.replace(".", "", 1).isdigit()]
    assert found, f"{ticket.id} has no time in {raw[:500]}"
    return found[0]


def floor(running: Live) -> list[float]:
    """Return the seconds from the request to the Dagster run's start, and to its step's."""
    began = time.time()
    params = {"selector": FLOOR_JOB, "runConfigData": {}}
    told = running.graphql(LAUNCH, p=params)
    assert told["__typename"] == "LaunchRunSuccess", told
    run_id = told["run"]["runId"]
    running.until(lambda: running.graphql(STARTED, id=run_id)["status"] == "SUCCESS", "the empty job's end")
    run = running.graphql(STARTED, id=run_id)
    return [run["startTime"] - began, run["stepStats"][0]["startTime"] - run["startTime"]]


def show(what: str, seconds: list[float]) -> None:
    print(f"  {what:<38} {statistics.median(seconds):6.2f} s  ({min(seconds):.2f} to {max(seconds):.2f})")


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--rounds", type=int, default=7)
    options.add_argument("--sandbox", default="bubblewrap")
    told = options.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        world = make_world(folder, verify=["true"])
        rounds: list[list[float]] = []
        bare: list[list[float]] = []
        with live(world, workspace=str(workspace(folder)), sandbox=told.sandbox) as running:
            ours(running, -1), floor(running)  # once each unmeasured
            for number in range(told.rounds):
                time.sleep(number * SHIFT)
                bare.append(floor(running))
                rounds.append(ours(running, number))
        print(f"medians of {told.rounds} interleaved rounds, {told.sandbox}")
        for part, seconds in zip(PARTS, zip(*rounds, strict=True), strict=True):
            show(part, list(seconds))
        whole, least = [sum(one) for one in rounds], [sum(one) for one in bare]
        show("ready to harness process", whole)
        show("floor: empty job asked for to started", [one[0] for one in bare])
        show("floor: started to its step", [one[1] for one in bare])
        after = statistics.median(sum(one[1:]) for one in rounds)
        print(f"  ratio {statistics.median(whole) / statistics.median(least):.1f}; ", end="")
        print(f"from the lease on {after / statistics.median(least):.1f}")


if __name__ == "__main__":
    main()
