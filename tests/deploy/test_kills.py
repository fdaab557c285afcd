"""Kill any part of the production shape in mid-run: no ticket is lost, none is delivered twice, and nothing is left."""

import os
import signal
import time
from collections.abc import Callable, Iterator

import pytest

from tests.deploy.at_work import (
    LOST,
    Work,
    at_hand,
    check_canceled,
    check_delivered,
    check_nothing_left,
    file,
    is_fresh,
)
from tests.deploy.shape import BROKER, ONCE, services
from tests.support import engine
from tests.support.stack import DEAR, Stack, docker, running_stack

pytestmark = [pytest.mark.faults, pytest.mark.docker, pytest.mark.e2e]

LASTING = set(services()) - ONCE
Note = Callable[[str, float], None]


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with running_stack(tmp_path_factory.mktemp("data")) as stack:
        stack.enrol()
        yield stack


@pytest.fixture
def note(request: pytest.FixtureRequest) -> Note:
    """Write into the test's report how many seconds passed between a moment and now."""

    def write(what: str, began: float) -> None:
        request.node.user_properties.append((what, round(time.monotonic() - began, 1)))

    return write


@pytest.fixture
def recovered(stack: Stack, note: Note) -> Callable[[float], None]:
    """Wait until all services are healthy and answer."""

    def wait(began: float) -> None:
        stack.until(lambda: healthy(stack) == LASTING, "all services are healthy")
        stack.until(stack.answers, "commands are answered", DEAR)
        note("healthy after", began)

    return wait


@pytest.fixture
def rest(note: Note) -> Callable[[list[Work], float], None]:
    """Wait until no ticket is worked on."""

    def wait(works: list[Work], began: float) -> None:
        resting = f"{[one.ticket for one in works]} at rest"
        works[0].stack.until(lambda: all(one.is_at_rest() for one in works), resting, DEAR)
        note("at rest after", began)

    return wait


def healthy(stack: Stack) -> set[str]:
    return {
        name
        for name, one in stack.services("status=running").items()
        if one["State"].get("Health", {}).get("Status") == "healthy"
    }


def kill_service(stack: Stack, name: str) -> None:
    """Kill the first process of a service, and see that the engine starts it again."""
    before = stack.services()[name]
    os.kill(before["State"]["Pid"], signal.SIGKILL)
    stack.until(lambda: stack.services()[name]["RestartCount"] > before["RestartCount"], f"{name} starts again")


def test_work_goes_on_when_services_beside_it_are_killed(stack, recovered, rest):
    works = list(at_hand(file(stack, "beside-one", "beside-two")))
    began = time.monotonic()
    for name in ("control-plane", "code-location", "daemon", "egress-broker"):
        kill_service(stack, name)
    recovered(began)
    rest(works, began)
    for work in works:
        check_delivered(work)
        assert work.reasons() == [None]
    check_nothing_left(works)


def test_a_worker_and_a_sandbox_are_killed_and_a_ticket_is_canceled(stack, note, rest):
    worker, sandbox, canceled = works = file(stack, "worker", "sandbox", "canceled")
    began = time.monotonic()
    for work in at_hand(works):
        ordered = time.monotonic()
        if work is canceled:
            stack.factory("cancel", work.ticket, "--reason", "no longer wanted")
            stack.until(lambda: not stack.made(f"id={canceled.seen.sandbox}"), "the canceled sandbox is gone")
            note("canceled sandbox gone after", ordered)
        else:
            docker("kill", work.seen.worker if work is worker else work.seen.sandbox)
    rest(works, began)
    check_delivered(worker)
    assert worker.reasons() == ["run.worker_died", None]
    check_delivered(sandbox)
    assert sandbox.reasons() == ["sandbox.failed", None]
    check_canceled(canceled)
    check_nothing_left(works)


@pytest.mark.parametrize("victim", [BROKER, "postgres"])
def test_what_work_needs_is_killed(stack, recovered, rest, victim):
    (work,) = at_hand(file(stack, victim))
    began = time.monotonic()
    kill_service(stack, victim)
    recovered(began)
    rest([work], began)
    check_delivered(work)
    assert set(work.reasons()[:-1]) <= LOST
    check_nothing_left([work])


def test_the_stack_is_stopped_and_started(stack, recovered, rest):
    (work,) = at_hand(file(stack, "stopped"))
    began = time.monotonic()
    stack.call("compose", "stop", "--timeout", "3")
    stack.call("up", FACTORY_IMAGE="factory:latest")  # as it is, whatever was edited since
    recovered(began)
    rest([work], began)
    check_delivered(work)
    assert set(work.reasons()[:-1]) <= LOST
    check_nothing_left([work])


def test_docker_itself_is_killed(stack, note, recovered, rest, tmp_path):
    assert engine.is_its_own(), "the engine is started as .ci/run does, so that it can be killed"
    (work,) = at_hand(file(stack, "engine"))
    began = time.monotonic()
    engine.kill()
    engine.start(tmp_path / "engine.log")
    note("engine answers after", began)
    recovered(began)
    rest([work], began)
    check_delivered(work)
    assert set(work.reasons()[:-1]) <= LOST
    check_nothing_left([work])


def test_containerd_is_killed(stack, recovered, rest):
    (work,) = at_hand(file(stack, "containerd"))
    began = time.monotonic()
    engine.kill_containerd()
    recovered(began)
    rest([work], began)
    check_delivered(work)
    assert set(work.reasons()[:-1]) <= LOST
    check_nothing_left([work])


def test_workers_are_removed_once_their_last_words_are_kept(stack):
    carriers = {name for run in stack.factory("runs")["runs"] for name in run["dagster_run_ids"]}
    assert carriers
    words = stack.state / "logs" / "workers"
    stack.until(lambda: carriers <= {path.stem for path in words.glob("*.log") if path.stat().st_size}, "last words")
    stack.until(lambda: all(is_fresh(one) for one in stack.made()), "no worker's container outstays its time")
