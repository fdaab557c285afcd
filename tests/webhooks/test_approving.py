"""Words on GitHub decide a waiting run: whose, where, and what goes on then. Until then nothing is pushed."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from domain.errors import ApprovalRefused
from domain.governance import ApprovalState, Validation
from domain.lifecycle import RunState, Stage
from sensors.approvals import approvals_decided
from sensors.rework import Rework
from tests.support.hub import BOT, FULL_NAME, HubHouse, hub_house

pytestmark = pytest.mark.dagster


@pytest.fixture
def house(tmp_path: Path) -> Iterator[HubHouse]:
    with hub_house(tmp_path, autonomy="constrained") as found:
        yield found


def waiting(house: HubHouse) -> int:
    """Work on an issue until its run waits for a person; return the issue's number."""
    number = house.deliver()
    house.tell()
    assert run(house).state is RunState.AWAITING_APPROVAL
    return number


def run(house: HubHouse) -> Any:
    return house.factory.lookup.runs()[-1]


def decision(house: HubHouse) -> Any:
    return house.factory.oversight.approvals(run_id=run(house).id)[-1]


def branches(house: HubHouse) -> list[str]:
    return [one.name for one in house.hub().get_branches()]


def go_on(house: HubHouse) -> list[dg.ExecuteInProcessResult]:
    """Run what the sensor of approvals asks for, after dispatch granted it."""
    assert house.work() == []
    return [house.launch("ticket_continuation", "tickets", one) for one in house.asked(approvals_decided)]


def test_nothing_leaves_the_factory_until_a_writer_approves_and_then_the_stored_patch_does(house: HubHouse) -> None:
    """APPR-2, 3, 5, 16, 18."""
    number = waiting(house)
    assert branches(house) == ["main"]
    assert house.hub().get_pulls(state="all").totalCount == 0
    assert house.factory.oversight.live_leases() == []
    stored = run(house).patch
    house.hub("bob").get_issue(number).create_comment("/approve read it")
    house.hear()
    assert (decision(house).state, decision(house).actor) == (ApprovalState.APPROVED, "bob")
    assert decision(house).rule == "action:push_branch"
    assert "read it" in decision(house).reason
    assert decision(house).decided_at is not None
    assert [one.success for one in go_on(house)] == [True]
    (only,) = house.factory.lookup.runs()
    assert (only.patch, only.state) == (stored, RunState.SUCCEEDED)
    assert house.ticket().stage is Stage.TESTING
    assert len(branches(house)) == 2
    assert only.id in house.pull().body
    launched = house.instance.get_runs(dg.RunsFilter(tags={"factory/ticket": "T-1"}))
    assert {one.job_name for one in launched} == {"ticket_run", "ticket_continuation"}
    assert {one.tags["factory/run"] for one in launched} == {only.id}


def test_who_may_not_write_and_the_factory_itself_decide_nothing(house: HubHouse) -> None:
    number = waiting(house)
    house.hub("eve").get_issue(number).create_comment("/approve")
    installation = next(iter(house.github.world.installations.values()))
    house.github.as_app(installation).get_repo(FULL_NAME).get_issue(number).create_comment("/approve")
    house.hear()
    house.tell()
    assert decision(house).state is ApprovalState.PENDING
    assert branches(house) == ["main"]
    passed_over = {one.actor for one in house.factory.lookup.timeline(names=("tracker_order",))}
    assert passed_over == {"eve"}
    for actor in ("factory", "Factory-Bot ", ""):
        with pytest.raises(ApprovalRefused):
            house.factory.operators.decide_approval(
                run(house).id, approved=True, actor=actor, reason="mine", now=house.factory.now()
            )


def test_a_rejection_ends_the_run_with_its_reason_and_pushes_nothing(house: HubHouse) -> None:
    number = waiting(house)
    house.hub().get_issue(number).create_comment("/reject renames a public function")
    house.hear()
    assert run(house).state is RunState.CANCELED
    assert house.ticket().stage is Stage.DEAD_LETTER
    assert "renames a public function" in house.ours(number)[0].body
    assert branches(house) == ["main"]


def test_an_approving_review_of_the_open_pull_request_lets_its_follow_up_out(house: HubHouse) -> None:
    number = waiting(house)
    house.hub().get_issue(number).create_comment("/approve")
    house.hear()
    assert [one.success for one in go_on(house)] == [True]
    pull = house.pull()
    house.hear()
    house.hub("bob").get_pull(pull.number).create_review(body="Say why.", event="REQUEST_CHANGES")
    house.hear()
    house.world.clock.move(house.factory.policy.pull_requests.rework.quiet.total_seconds())
    assert Rework(house.factory).look().begun == ["T-1"]
    house.worker.change = "echo '# why' >> calc.py"
    assert [one.success for one in house.work()] == [True]
    assert run(house).state is RunState.AWAITING_APPROVAL
    assert house.pull().head.sha == pull.head.sha
    house.github.pass_time(house.world.clock.ahead.total_seconds())
    review = house.hub("eve").get_pull(pull.number).create_review(event="APPROVE", body="fine")
    house.hear()
    assert decision(house).state is ApprovalState.PENDING, review
    house.hub("ann").get_pull(pull.number).create_review(event="APPROVE", body="fine")
    house.hear()
    assert (decision(house).state, decision(house).actor) == (ApprovalState.APPROVED, "ann")
    assert [one.success for one in go_on(house)] == [True]
    assert house.pull().head.sha != pull.head.sha
    assert house.pull().user.login == BOT


def test_a_base_that_moved_since_is_validated_again(house: HubHouse) -> None:
    """APPR-19."""
    number = waiting(house)
    before = run(house).patch.base_sha
    house.github.commit(FULL_NAME, {"other.txt": "new\n"}, "Meanwhile")
    house.hub().get_issue(number).create_comment("/approve")
    house.hear()
    assert [one.success for one in go_on(house)] == [True]
    found = house.factory.lookup.pull_request("T-1")
    assert found is not None
    assert found.base_sha == house.github.find(FULL_NAME).git.branch("main")
    facts = Validation.model_validate_json(house.factory.artifacts.get(run(house).validation))
    assert facts.base_sha == found.base_sha
    assert facts.base_sha != before, "checked again, on what came meanwhile"
