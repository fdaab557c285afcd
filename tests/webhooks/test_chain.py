"""From a person's click on GitHub to what comes of it: webhook, inbox, sensor, Dagster run, and back again."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from domain.heads import HeadState
from domain.lifecycle import RunState, Stage
from policy.governance.model import RULES
from tests.support.github import events
from tests.support.github.access import Actor
from tests.support.hub import BOT, FULL_NAME, HubHouse, hub_house

pytestmark = pytest.mark.dagster


@pytest.fixture
def house(tmp_path: Path) -> Iterator[HubHouse]:
    with hub_house(tmp_path) as found:
        yield found


def test_a_label_leads_to_a_judged_pull_request_and_a_merge_ships_it(house: HubHouse) -> None:
    number = house.issue("Tidy calc", "Swap the factors.", "engine:codex", "agent:run")
    house.hear()
    ticket = house.ticket()
    assert "filed T-1" in "; ".join(house.outcomes("issues"))
    assert ticket.manifest.tracker_item == f"calc#{number}"
    assert [one.success for one in house.work()] == [True]
    pull = house.pull()
    assert (pull.user.login, pull.state) == (BOT, "open")
    house.hear()
    assert house.outcomes("pull_request")[0] == f"#{pull.number} at {pull.head.sha[:12]} is to be judged"
    (judged,) = house.judge()
    assert judged.success
    assert {one.check_name for one in judged.get_asset_check_evaluations()} == set(RULES)
    (report,) = house.factory.governance.reports(repository="calc", number=pull.number)
    assert [(one.rule, bool(one.message), one.seconds >= 0, bool(one.command)) for one in report.verdicts] == [
        (rule, True, True, True) for rule in RULES
    ]
    assert len(house.ours(pull.number)) == 1
    house.hear()
    assert house.judge() == [], "what the factory itself said asks for nothing"

    house.hub("bob").get_pull(pull.number).merge()
    house.hear()
    assert house.ticket().stage is Stage.SHIPPED
    merged = house.factory.lookup.pull_request(ticket.id)
    assert merged is not None
    assert merged.merge_sha == house.github.find(FULL_NAME).git.branch("main")
    assert "bob" in "; ".join(house.outcomes("pull_request"))
    assert [one.human_edit_rate for one in house.factory.oversight.outcomes()] == [0.0]


def test_what_a_person_adds_before_the_merge_is_their_edit(house: HubHouse) -> None:
    house.issue("Tidy calc", "Swap the factors.", "engine:codex", "agent:run")
    house.hear()
    house.work()
    pull = house.pull()
    house.github.commit(FULL_NAME, {"note.txt": "swapped\n"}, "Say so", branch=pull.head.ref, login="bob")
    house.hub("bob").get_pull(pull.number).merge()
    house.hear()
    assert house.ticket().stage is Stage.SHIPPED
    assert [one.human_edit_rate for one in house.factory.oversight.outcomes()] == [1 / 3]  # of three lines, one


def test_a_task_in_a_writers_comment_runs_on_a_branch_of_its_own(house: HubHouse) -> None:
    """EXEC-14."""
    number = house.issue()
    house.hub("eve").get_issue(number).create_comment("/codex swap the factors")
    house.hear()
    assert house.factory.lookup.tickets() == []
    (passed_over,) = house.factory.lookup.timeline(names=("tracker_order",))
    assert passed_over.actor == "eve"
    house.hub("ann").get_issue(number).create_comment("/codex swap the factors")
    house.hear()
    assert [one.success for one in house.work()] == [True]
    pull = house.pull()
    assert pull.head.ref.startswith("factory/T-1")
    assert house.ticket().stage is Stage.TESTING
    (run,) = house.factory.lookup.runs()
    assert (run.state, run.harness) == (RunState.SUCCEEDED, "codex")
    assert run.id in pull.body


def test_a_pull_request_that_moved_is_judged_at_its_new_head_alone(house: HubHouse) -> None:
    house.github.commit(FULL_NAME, {"new.py": "x = 1\n"}, "More", branch="topic", login="bob")
    pull = house.hub("bob").create_pull(title="More", body="", head="topic", base="main")
    house.hear()
    house.judge()
    second = house.github.commit(FULL_NAME, {"new.py": "x = 2\n"}, "Even more", branch="topic", login="bob")
    house.hear()
    assert [one.success for one in house.judge()] == [True]
    found = {one.head_sha: one.superseded_by for one in house.factory.governance.reports(number=pull.number)}
    assert found == {pull.head.sha: second, second: None}
    (comment,) = house.ours(pull.number)
    assert second in comment.body


def rerequested(house: HubHouse, name: str) -> None:
    """Click on "Re-run" beside a check, for which there is no call."""
    world, home = house.github.world, house.github.find(FULL_NAME)
    with world.lock:
        run = next(one for one in home.check_runs.values() if one.name == name)
        events.check_run(world, home, Actor(world.account("bob")), run, "rerequested")


def told(house: HubHouse, number: int) -> HeadState | None:
    found = house.factory.heads.find("calc", number)
    return None if found is None else found.state


def test_asked_for_again_a_head_is_judged_again(house: HubHouse) -> None:
    """By its check, by closing and reopening it, and by another base, though the head is the same."""
    house.github.commit(FULL_NAME, {"a.txt": "a\n"}, "Release", branch="release")
    house.github.commit(FULL_NAME, {"new.py": "x = 1\n"}, "More", branch="topic", login="bob")
    pull = house.hub("bob").create_pull(title="More", body="", head="topic", base="main")
    house.hear()
    house.judge()
    assert told(house, pull.number) is HeadState.TOLD
    house.hear()
    assert house.judge() == []

    pull.edit(state="closed")
    pull.edit(state="open")
    house.hear()
    assert [one.success for one in house.judge()] == [True]

    pull.edit(base="release")
    house.hear()
    assert told(house, pull.number) is HeadState.WANTED
    assert [one.success for one in house.judge()] == [True]
    base = house.github.find(FULL_NAME).git.run("merge-base", "release", "topic")
    (report,) = house.factory.governance.reports(number=pull.number)
    assert report.base_sha == base

    rerequested(house, "governance/lint")
    house.hear()
    assert [one.success for one in house.judge()] == [True]
    assert len(house.ours(pull.number)) == 1
