"""Objections on GitHub become follow-up runs of the same ticket on the same branch; after the last a person is asked."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from domain.lifecycle import RunState, Stage
from sensors.rework import Rework
from tests.support.hub import HubHouse, hub_house

pytestmark = pytest.mark.dagster
AGAIN = "echo '# again' >> calc.py"


@pytest.fixture
def house(tmp_path: Path) -> Iterator[HubHouse]:
    with hub_house(tmp_path, change=AGAIN) as found:
        yield found


def object_to(house: HubHouse, words: str) -> None:
    pull = house.hub("bob").get_pull(house.pull().number)
    pull.create_review(body=words, event="REQUEST_CHANGES")
    house.hear()


def rest(house: HubHouse) -> None:
    house.world.clock.move(house.factory.policy.pull_requests.rework.quiet.total_seconds())


def labels(house: HubHouse, issue: int) -> set[str]:
    return {one.name for one in house.hub().get_issue(issue).labels}


def test_a_review_leads_to_one_more_commit_on_the_same_branch(house: HubHouse) -> None:
    issue = house.deliver()
    before = house.pull()
    object_to(house, "Say it again.")
    object_to(house, "And again.")
    assert Rework(house.factory).look().begun == [], "more may be said"
    rest(house)
    assert Rework(house.factory).look().begun == ["T-1"]
    house.tell()
    assert "worked on again" in house.ours(issue)[0].body
    assert [one.success for one in house.work()] == [True]
    after = house.pull()
    assert (after.number, after.head.ref) == (before.number, before.head.ref)
    assert after.head.sha != before.head.sha
    assert [run.state for run in house.factory.lookup.runs()] == [RunState.SUCCEEDED] * 2
    (told,) = [one.ref for one in house.factory.lookup.evidence("T-1-r2")[0] if one.ref.name == "remarks.txt"]
    said = house.factory.artifacts.get(told).decode()
    assert "Say it again." in said
    assert "And again." in said
    house.hear()
    rest(house)
    assert Rework(house.factory).look().begun == [], "an old review is of an old head"


def test_after_the_last_follow_up_the_item_needs_a_human(house: HubHouse) -> None:
    issue = house.deliver()
    for number in range(house.factory.policy.pull_requests.rework.most):
        object_to(house, f"No {number}.")
        rest(house)
        assert Rework(house.factory).look().begun == ["T-1"]
        assert [one.success for one in house.work()] == [True]
    house.tell()
    assert "needs-human" not in labels(house, issue)
    object_to(house, "Still no.")
    assert Rework(house.factory).look().given_up == ["T-1"]
    assert Rework(house.factory).look().given_up == []
    house.tell()
    assert labels(house, issue) == {"engine:codex", "agent:run", "agent:review", "needs-human"}
    assert house.ticket().stage is Stage.TESTING
    (comment,) = house.ours(issue)
    assert "A person's turn" in comment.body
    assert sum("A person's turn" in one.body for one in house.ours(house.pull().number)) == 1
    house.pull().merge()
    house.hear()
    house.tell()
    assert labels(house, issue) == {"engine:codex", "agent:done"}
