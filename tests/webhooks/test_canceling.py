"""Closing or unlabelling an issue, a comment, the command line: each ends ticket and pull request on GitHub alike."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from domain.forge import PullRequestState
from domain.lifecycle import Stage
from tests.support.hub import HubHouse, hub_house

pytestmark = pytest.mark.dagster


@pytest.fixture
def house(tmp_path: Path) -> Iterator[HubHouse]:
    with hub_house(tmp_path) as found:
        yield found


def by_closing(house: HubHouse, number: int) -> None:
    house.hub().get_issue(number).edit(state="closed")


def by_unlabelling(house: HubHouse, number: int) -> None:
    house.hub().get_issue(number).remove_from_labels("agent:run")


def by_comment(house: HubHouse, number: int) -> None:
    house.hub().get_issue(number).create_comment("/factory cancel no longer wanted")


def by_closing_the_pull_request(house: HubHouse, _number: int) -> None:
    house.pull().edit(state="closed")


def by_command(house: HubHouse, _number: int) -> None:
    program = Path(sys.executable).with_name("factory")
    told = {**os.environ, "FACTORY_HOME": str(house.factory.settings.home)}
    words = [str(program), "cancel", "T-1", "--reason", "no longer wanted", "--json"]
    done = subprocess.run(words, env=told, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["stage"] == "dead_letter"


WAYS = [by_closing, by_unlabelling, by_comment, by_closing_the_pull_request, by_command]


@pytest.mark.parametrize("way", WAYS, ids=[one.__name__ for one in WAYS])
def test_the_ticket_and_its_pull_request_end_together(house: HubHouse, way: Callable[[HubHouse, int], None]) -> None:
    number = house.deliver()
    way(house, number)
    house.hear()
    house.hear()
    house.tell()
    assert house.ticket().stage is Stage.DEAD_LETTER
    assert house.pull().state == "closed"
    found = house.factory.lookup.pull_request("T-1")
    assert found is not None
    assert found.state is PullRequestState.CLOSED
    (said,) = house.ours(number)
    assert "Canceled" in said.body
    labels = {one.name for one in house.hub().get_issue(number).labels}
    assert labels == {"engine:codex"}
    assert [one.id for one in house.factory.lookup.tickets()] == ["T-1"]


def test_a_queued_ticket_ends_before_anything_is_made(house: HubHouse) -> None:
    number = house.issue("Tidy calc", "Please.", "engine:codex", "agent:run")
    house.hear()
    by_unlabelling(house, number)
    house.hear()
    assert house.ticket().stage is Stage.DEAD_LETTER
    assert house.work() == []
    assert house.hub().get_pulls(state="all").totalCount == 0


def test_marked_again_it_is_the_same_ticket_again(house: HubHouse) -> None:
    number = house.issue("Tidy calc", "Please.", "engine:codex", "agent:run")
    house.hear()
    by_unlabelling(house, number)
    house.hear()
    house.hub().get_issue(number).add_to_labels("agent:run")
    house.hear()
    assert house.ticket().stage is Stage.QUEUED


def test_what_a_person_merged_cannot_be_canceled(house: HubHouse) -> None:
    number = house.deliver()
    house.pull().merge()
    by_closing(house, number)
    house.hear()
    house.tell()
    assert house.ticket().stage is Stage.SHIPPED
    assert "Shipped" in house.ours(number)[0].body
