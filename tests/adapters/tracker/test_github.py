"""GitHub's issues as a tracker, on the stand-in."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from domain.errors import ForgeRefused, ForgeUnavailable
from domain.tracking import FactoryLabel, ItemStatus, ItemType
from tests.adapters.tracker.conformance import TrackerConformance
from tests.adapters.tracker.desks import FULL_NAME, NAME, GitHubPeople
from tests.support.github import StandIn, github_stand_in

COMMENT = "POST /repos/{}/{}/issues/{}/comments"


@pytest.fixture
def github(tmp_path: Path) -> Iterator[StandIn]:
    with github_stand_in(tmp_path / "github.com") as found:
        yield found


class TestAsApp(TrackerConformance):
    @pytest.fixture
    def people(self, github: StandIn) -> GitHubPeople:
        return GitHubPeople(github)


class TestWithToken(TrackerConformance):
    @pytest.fixture
    def people(self, github: StandIn) -> GitHubPeople:
        return GitHubPeople(github, "token")


@pytest.fixture
def people(github: StandIn) -> GitHubPeople:
    return GitHubPeople(github, "token")


def test_an_answer_lost_after_the_comment_was_made_makes_no_second(people: GitHubPeople) -> None:
    number = people.write()
    people.github.fail(on=COMMENT, after_effect=True)
    people.tracker.say(NAME, number, marker="m", text="said")
    assert len(people.comments(number)) == 1


def test_server_errors_are_tried_again_within_bounds(people: GitHubPeople) -> None:
    number = people.write()
    people.github.fail(on=COMMENT, next=2, status=502)
    people.tracker.say(NAME, number, marker="m", text="said")
    assert len(people.comments(number)) == 1
    people.github.fail(on="GET /repos/{}/{}/issues", next=50, status=503)
    with pytest.raises(ForgeUnavailable):
        people.tracker.wanted(NAME)


def test_comments_doubled_by_a_crash_are_folded_into_the_oldest(people: GitHubPeople) -> None:
    number = people.write()
    people.tracker.say(NAME, number, marker="m", text="said")
    [(_, ours)] = people.comments(number)
    people.comment(number, ours, author="factory-bot")
    people.comment(number, "a person's", author="ann")
    people.tracker.say(NAME, number, marker="m", text="said anew")
    assert [author for author, _ in people.comments(number)] == ["factory-bot", "ann"]


def test_a_wrong_token_is_refused_with_a_remedy(people: GitHubPeople) -> None:
    people.github.expire(people.hub.token(FULL_NAME))
    with pytest.raises(ForgeRefused, match="renew the token"):
        people.tracker.wanted(NAME)


def test_assigned_to_the_factory_is_wanted(people: GitHubPeople) -> None:
    number = people.write()
    people.github.as_person("bob").get_repo(FULL_NAME).get_issue(number).add_to_assignees("factory-bot")
    [item] = people.tracker.wanted(NAME)
    assert item.assignees == ("factory-bot",)


def test_a_pull_request_is_no_item(people: GitHubPeople) -> None:
    people.github.commit(FULL_NAME, {"a.txt": "a"}, "Change", branch="topic")
    pull = people.github.as_person("ann").get_repo(FULL_NAME).create_pull("main", "topic", title="Change")
    pull.add_to_labels("agent:run")
    pull.create_issue_comment("/factory run")
    assert people.tracker.item(NAME, pull.number) is None
    assert people.tracker.wanted(NAME) == []


def test_an_edited_comment_is_told_as_such(people: GitHubPeople) -> None:
    number = people.write()
    said = people.comment(number, "nothing")
    people.github.pass_time(5)
    people.github.as_person("ann").get_repo(FULL_NAME).get_issue(number).get_comment(said).edit("/approve")
    item = people.tracker.item(NAME, number)
    assert item is not None
    assert [one.edited for one in item.comments] == [True]


def test_labels_are_made_with_the_first_use(people: GitHubPeople) -> None:
    number = people.write()
    people.tracker.move(NAME, number, ItemStatus.OPEN, labels=set(FactoryLabel))
    there = {label.name for label in people.github.as_person("bob").get_repo(FULL_NAME).get_labels()}
    assert {label.value for label in FactoryLabel} <= there


def test_kind_and_reason_of_closing_are_read(people: GitHubPeople) -> None:
    bug, feature = people.write(labels=["type: bug"]), people.write(labels=["enhancement"])
    assert people.tracker.item(NAME, bug).type is ItemType.BUG
    assert people.tracker.item(NAME, feature).type is ItemType.FEATURE
    people.tracker.move(NAME, bug, ItemStatus.WONT_FIX)
    assert people.tracker.item(NAME, bug).status is ItemStatus.WONT_FIX


def test_a_poll_without_changes_costs_nothing_of_the_rate_limit(people: GitHubPeople) -> None:
    for _ in range(3):
        people.comment(people.write(labels=["agent:run"]), "/factory status")
    people.tracker.wanted(NAME)
    before = people.github.remaining("factory-bot")
    people.tracker.wanted(NAME)
    assert people.github.remaining("factory-bot") == before
