"""The factory is killed at any call that changes something on GitHub, then goes on: one branch, one pull request, one
comment of each kind, one check run and status a rule. Each call itself is killed in tests/adapters/forge/github."""

import os
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from adapters._vendor.git import Git
from adapters._vendor.github_requests import PoliteRequester
from domain.errors import FactoryError
from domain.heads import HeadState
from domain.lifecycle import Stage
from domain.tickets import Ticket
from factory_pipelines.governance.stages.context import Presented
from factory_pipelines.governance.stages.runner import Stage as Judging
from factory_pipelines.governance.stages.runner import run_stage
from policy.governance.model import RULES
from resources.wiring import Factory, open_factory
from sensors.heads import HeadWatch
from sensors.supervisor import RunSupervisor
from sensors.tracker_sync import TrackerSync
from tests.support.factory import World
from tests.support.hub import FULL_NAME, HubHouse, hub_house

pytestmark = [pytest.mark.faults, pytest.mark.dagster]
KILLED, DONE, MOST = 9, 0, 200
WRITES = {"POST", "PUT", "PATCH", "DELETE"}


@pytest.fixture
def house(tmp_path: Path) -> Iterator[HubHouse]:
    with hub_house(tmp_path, hooked=False) as found:
        yield found


def killed_at(point: int, work: Callable[[], Any]) -> bool:
    """Work in a child that ends without any cleanup before its write of that number; return whether it came so far."""
    child = os.fork()
    if child:
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        assert code in {KILLED, DONE}, f"point {point}: exit {code}"
        return code == KILLED
    left = iter(range(point - 1))

    def mortal(call: Any, changes: set[str]) -> Any:
        def run(self: Any, *words: Any, **more: Any) -> Any:
            if words[0] in changes and next(left, None) is None:
                os._exit(KILLED)
            return call(self, *words, **more)

        return run

    try:
        Git.run = mortal(Git.run, {"push"})  # type: ignore[method-assign]
        PoliteRequester.requestJsonAndCheck = mortal(PoliteRequester.requestJsonAndCheck, WRITES)  # type: ignore[method-assign]
        work()
        os._exit(DONE)
    except BaseException as error:
        os.write(2, f"{error!r}\n".encode())
        os._exit(1)


def anew(house: HubHouse) -> Factory:
    """Return the factory as another process has it: on the same home, with no connection of ours."""
    house.sign_in_anew()
    factory = open_factory(house.factory.settings)
    return replace(factory, harnesses=house.factory.harnesses, now=house.factory.now)


def deliver(house: HubHouse, number: int) -> None:
    """File, run and tell what one issue asks for, as far as it is not done."""
    factory = anew(house)
    TrackerSync(factory).sync()
    ticket = ticket_of(factory, number)
    if ticket.stage is Stage.QUEUED:
        error = World(factory, house.world.source, house.world.clock).run(ticket)
        assert error is None, error
    TrackerSync(factory).sync()


def judge(house: HubHouse) -> None:
    """Judge every head that is due."""
    factory = anew(house)
    watch = HeadWatch(factory)
    watch.look()
    for due in watch.due():
        head = watch.ask(due)
        assert head is not None
        for stage in Judging:
            run_stage(factory, Presented(head.partition, "one", head.fence), stage)


def ticket_of(factory: Factory, number: int) -> Ticket:
    (found,) = [one for one in factory.lookup.tickets() if one.manifest.tracker_item == f"calc#{number}"]
    return found


def recover(house: HubHouse) -> None:
    """Go on as the services do when they are started again long after."""
    house.world.clock.move(7200)
    RunSupervisor(house.factory).recover_stale_runs()
    house.world.clock.move(7200)


def pulls_of(house: HubHouse, ticket: Ticket) -> list[Any]:
    return [one for one in house.hub().get_pulls(state="all") if f"ticket={ticket.id} " in one.body]


def test_a_run_that_is_killed_at_any_write_leaves_one_of_each(house: HubHouse) -> None:
    for point in range(1, MOST):
        number = house.issue(f"Tidy {point}", "Please.", "engine:codex", "agent:run", f"lock:l{point}")
        died = killed_at(point, lambda number=number: deliver(house, number))
        recover(house)
        deliver(house, number)
        ticket = ticket_of(house.factory, number)
        assert ticket.stage is Stage.TESTING, (point, ticket.reason)
        (pull,) = pulls_of(house, ticket)
        (said,) = house.ours(number)
        assert pull.html_url in said.body
        refs = house.github.find(FULL_NAME).git.refs("refs/heads/")
        own = [sha for name, (_, sha) in refs.items() if name.startswith(f"refs/heads/factory/{ticket.id}-")]
        assert own == [pull.head.sha]
        assert house.factory.lookup.pull_request(ticket.id).number == pull.number
        if not died:
            assert point > 6
            return
    pytest.fail("it never came to its end")


def test_a_judgement_that_is_killed_at_any_write_leaves_one_of_each(house: HubHouse) -> None:
    """Every seventh write: between two checks is like between two others."""
    for place, point in enumerate(range(1, MOST, 7)):
        branch = f"topic-{place}"
        sha = house.github.commit(FULL_NAME, {"new.py": f"x = {place}\n"}, "More", branch=branch, login="bob")
        number = house.hub("bob").create_pull(title="More", body="", head=branch, base="main").number
        house.world.clock.move(7200)
        died = killed_at(point, lambda: judge(house))
        house.world.clock.move(7200)
        judge(house)
        head = house.factory.heads.find("calc", number)
        assert head is not None
        assert (head.state, head.head_sha) == (HeadState.TOLD, sha)
        (said,) = house.ours(number)
        assert sha in said.body
        home = house.github.find(FULL_NAME)
        names = {f"governance/{rule}": 1 for rule in RULES}
        assert Counter(one.name for one in home.check_runs.values() if one.head_sha == sha) == names
        assert Counter(one.context for one in home.statuses if one.sha == sha) == names
        assert [one.state for one in house.hub().get_pull(number).get_reviews()] in ([], ["CHANGES_REQUESTED"])
        house.hub("bob").get_pull(number).edit(state="closed")
        if not died:
            assert place > 2
            return
    pytest.fail("it never came to its end")


def test_an_error_in_the_child_is_seen(house: HubHouse) -> None:
    def broken() -> None:
        raise FactoryError("broken")

    with pytest.raises(AssertionError, match="exit 1"):
        killed_at(1, broken)
