"""Six tickets of one repository for two agents, three at once, under the real daemon."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from domain.execution import Run
from domain.heads import HeadState
from domain.lifecycle import RunState, Stage
from domain.tickets import Ticket
from resources.brokers import brokers
from tests.e2e.workshop import KEY, changed, leftovers, tokens, variables
from tests.support.factory import World, make_world
from tests.support.live import Live, live, most_at_once
from tests.support.model import Edit, Model, Read, Script, Sh, Tokens, Turn, scripted_model
from tests.support.services import eventually

pytestmark = [pytest.mark.e2e, pytest.mark.dagster, pytest.mark.bubblewrap]
PARTS = {
    "ant": "codex",
    "bee": "claude_code",
    "cat": "codex",
    "dog": "claude_code",
    "eel": "codex",
    "fox": "claude_code",
}
WRONG, RIGHT = "    return 1\n", '    return "{part}"\n'
TEST = "import unittest\n\nfrom {part} import name\n\n\nclass TestName(unittest.TestCase):\n    def test_it(self):\n        self.assertEqual(name(), '{part}')\n"


def files() -> dict[str, str | bytes]:
    modules = {f"{part}.py": f"def name():\n{WRONG}" for part in PARTS}
    return {**modules, **{f"test_{part}.py": TEST.format(part=part) for part in PARTS}, ".gitignore": "__pycache__/\n"}


def script(number: int, part: str) -> Script:
    """Return what one ticket's model says; the tokens tell whose they are."""
    usage = Tokens(input=1000 + number, cached=10 * number, output=40 + number)
    calls = (
        Read(read=f"{part}.py"),
        Edit(edit=f"{part}.py", old=WRONG.rstrip("\n"), new=RIGHT.format(part=part).rstrip("\n")),
        Sh(sh=f"python3 -m unittest -q test_{part}"),
    )
    turns = [Turn(calls=(call,), usage=usage) for call in calls]
    return Script(name=part, key=KEY, turns=(*turns, Turn(say="Done.", usage=usage)))


@pytest.fixture(scope="module")
def model() -> Iterator[Model]:
    with scripted_model([script(number, part) for number, part in enumerate(PARTS)]) as served:
        yield served


@pytest.fixture(scope="module")
def race(model: Model, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Live, dict[str, Ticket]]]:
    """Yield the services' home once every ticket is at rest and the services have stopped."""
    told = variables(model)
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {**told, "FACTORY_SANDBOX": "bubblewrap"}.items():
            patch.setenv(name, value)
        world = make_world(tmp_path_factory.mktemp("race"), files=files())
        tickets = {part: file(world, part) for part in PARTS}
        with live(world, variables=told, sandbox="bubblewrap", max_running="3") as running:
            running.rest(*tickets.values())
            running.until(lambda: all(is_over(world, one) for one in tickets.values()), "every run has ended")
            running.until(lambda: all(is_judged(world, one) for one in tickets.values()), "every head is judged")
        yield running, tickets


def file(world: World, part: str) -> Ticket:
    return world.file(
        title=f"Name the {part}",
        body=f"script:{part}#{part}",
        engine=PARTS[part],
        commands=[],
        verify_only=[f"python3 -m unittest -q test_{part}"],
        lock=part,
    )


def run_of(world: World, ticket: Ticket) -> Run:
    (run,) = world.factory.lookup.runs(ticket_id=ticket.id)
    return run


def is_over(world: World, ticket: Ticket) -> bool:
    return run_of(world, ticket).state in (RunState.SUCCEEDED, RunState.FAILED)


def is_judged(world: World, ticket: Ticket) -> bool:
    pull = world.factory.lookup.pull_request(ticket.id)
    head = world.factory.heads.find(pull.repository, pull.number) if pull else None
    return head is not None and head.state in (HeadState.TOLD, HeadState.FAILED)


def test_each_ticket_has_its_own_change_and_no_other(race) -> None:
    running, tickets = race
    remote = Path(running.world.factory.lookup.repository("calc").remote)
    for part, ticket in tickets.items():
        assert (running.world.ticket(ticket).stage, running.world.ticket(ticket).reason) == (Stage.TESTING, None)
        running.check_one_pull_request(ticket)
        pull = running.world.factory.lookup.pull_request(ticket.id)
        wanted = f"def name():\n{RIGHT.format(part=part)}".strip()
        assert changed(remote, pull) == {f"{part}.py": wanted}


def test_each_run_has_its_agent_and_the_usage_that_was_sent_to_it(race, model: Model) -> None:
    running, tickets = race
    runs = {part: run_of(running.world, ticket) for part, ticket in tickets.items()}
    assert {part: run.harness for part, run in runs.items()} == PARTS
    assert {part: run.attempt for part, run in runs.items()} == dict.fromkeys(PARTS, 1)
    used = {part: tokens(run.usage) for part, run in runs.items()}
    assert used == {part: tokens(model.sent(f"{part}#{part}")) for part in PARTS}
    assert len(set(used.values())) == len(PARTS)


def test_no_more_than_three_were_at_work_at_once_and_more_than_one_was(race) -> None:
    running, tickets = race
    worked = [interval for ticket in tickets.values() for interval in running.worked(ticket)]
    assert 2 <= most_at_once(worked) <= 3


def test_nothing_of_them_is_left(race) -> None:
    running, _ = race
    with brokers(running.world.factory):
        assert running.sandboxes() == []
    eventually(lambda: leftovers(running.world) == [], "no sandbox, door, mount or process left")
    assert running.world.factory.oversight.live_leases() == []
