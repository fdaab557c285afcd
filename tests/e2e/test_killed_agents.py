"""Kill anything while real agents work: each ticket spends the right attempts and gets one pull request."""

import signal
from collections.abc import Iterator
from itertools import pairwise, product

import psutil
import pytest

from domain.tickets import Ticket
from tests.e2e.agents_at_work import (
    OTHER,
    SLEEPERS,
    file_sleeper,
    is_asleep,
    processes,
    pull_request,
    runs,
    sleepers,
    told_to_agents,
    wake,
    words,
)
from tests.e2e.workshop import leftovers
from tests.support.factory import make_world
from tests.support.live import Live, live
from tests.support.model import Model, scripted_model
from tests.support.services import kill_all, tree

pytestmark = [pytest.mark.e2e, pytest.mark.faults, pytest.mark.bubblewrap]
QUICK = {"backoff": "1s", "max": 1}
SHORT = {"lease_ttl": "40", "not_started_limit": "300", "max_running": "6", "sandbox": "bubblewrap"}
LOST = {"run.worker_died", "lease.expired"}
BROKEN = {"sandbox.failed", "harness.crashed"}


@pytest.fixture(scope="module")
def model() -> Iterator[Model]:
    with scripted_model(SLEEPERS.values()) as model:
        yield model


@pytest.fixture(scope="module")
def services(tmp_path_factory: pytest.TempPathFactory, model: Model) -> Iterator[Live]:
    world = make_world(tmp_path_factory.mktemp("killed"))
    with live(world, variables={**told_to_agents(model), "AGENT_QUEUE_MAX": "6"}, **SHORT) as services:
        yield services
    assert leftovers(world) == []


def asleep(services: Live, model: Model, tickets: list[Ticket]) -> None:
    services.until(
        lambda: all(is_asleep(services.world, model, one) for one in tickets), "every agent sleeps in a tool"
    )


def rest(services: Live, tickets: list[Ticket]) -> None:
    """Let whoever begins anew go on, until every ticket rests."""

    def woken() -> bool:
        wake(services.world, *tickets)
        return all(runs(services.world, one)[-1].finished_at for one in tickets)

    services.until(woken, "every ticket's newest run ended")
    services.rest(*tickets)


def reasons(services: Live, ticket: Ticket) -> list[str | None]:
    return [run.reason_code for run in runs(services.world, ticket)]


def check_delivered(services: Live, ticket: Ticket) -> None:
    services.check_one_pull_request(ticket)
    assert OTHER in pull_request(services.world, ticket)["calc.py"]
    assert processes(services.world, ticket) == []
    assert len(services.leases(ticket)) == len(runs(services.world, ticket))


def check_nothing_left(services: Live) -> None:
    factory = services.world.factory
    assert factory.oversight.live_leases() == []
    services.until(lambda: not services.sandboxes(), "no sandbox is left")
    assert list((factory.settings.egress_dir / "doors").glob("*.json")) == []


def worker_of(services: Live, ticket: Ticket) -> psutil.Process:
    """Return the run worker above a ticket's sandbox: the child of the code server."""
    (sleeper,) = sleepers(services.world, ticket)
    line = [sleeper, *sleeper.parents()]
    return next(one for one, above in pairwise(line) if "grpc" in words(above))


def test_parts_are_killed_beside_agents_at_work(services: Live, model: Model) -> None:
    world = services.world
    parts = [("daemon", "claude_code"), *product(("worker", "sandbox"), SLEEPERS)]
    files = {(part, one): file_sleeper(world, one, part, retry=QUICK) for part, one in parts}
    tickets = list(files.values())
    asleep(services, model, tickets)
    assert services.process is not None
    daemons = [one for one in tree(services.process.pid) if "dagster._daemon" in words(one)]
    workers = [worker_of(services, files["worker", one]) for one in SLEEPERS]
    assert daemons
    assert len({one.pid for one in workers}) == len(SLEEPERS)
    kill_all(daemons + workers + [process for one in SLEEPERS for process in processes(world, files["sandbox", one])])
    rest(services, tickets)
    for (part, engine), ticket in files.items():
        check_delivered(services, ticket)
        first, *later = reasons(services, ticket)
        expected = {"daemon": {None}, "worker": LOST, "sandbox": BROKEN}[part]
        assert first in expected, (part, engine, first)
        assert later == ([] if part == "daemon" else [None])
        assert {run.harness for run in runs(world, ticket)} == {engine}
    check_nothing_left(services)


def test_everything_is_killed_at_once_and_started_again(services: Live, model: Model) -> None:
    tickets = [file_sleeper(services.world, one, "all", retry=QUICK) for one in SLEEPERS]
    asleep(services, model, tickets)
    assert services.process is not None
    inside = {one.pid for ticket in tickets for one in processes(services.world, ticket)}
    ours = [one for one in tree(services.process.pid) if one.pid not in inside]
    for one in ours:
        one.send_signal(signal.SIGSTOP)
    kill_all(ours)
    services.process.wait(10)
    services.until(lambda: not any(map(psutil.pid_exists, inside)), "sandboxes die with their workers")
    services.start()
    rest(services, tickets)
    for ticket in tickets:
        check_delivered(services, ticket)
        first, second = reasons(services, ticket)
        assert first in LOST
        assert second is None
    check_nothing_left(services)
