"""Comments and reviews on the forge decide a waiting run: whose, when said, and how many it takes."""

from datetime import timedelta

import pytest

from domain.forge import Remark
from domain.lifecycle import RunState, Stage
from domain.tickets import Manifest
from policy.tracker_hints import TrackingPolicy
from resources.intake import admit
from tests.adapters.tracker.desks import NAME, LocalPeople
from tests.support.factory import AFTER_APPROVAL
from tests.tracking.journey import Journey, local_people, make_journey


@pytest.fixture
def journey(tmp_path, monkeypatch) -> Journey:
    return make_journey(tmp_path, local_people(tmp_path), monkeypatch, autonomy="constrained")


def waiting(journey: Journey, **review) -> int:
    """File a ticket, with reviewers if told, and run it until it waits; return its item's number."""
    number = journey.wanted()
    if review:
        item = journey.item(number)
        told = {"title": item.title, "repository": NAME, "engine": "codex", "tracker-item": item.reference}
        admit(journey.factory, Manifest.model_validate({**told, "review-policy": review}), actor="ann")
    journey.sync()
    journey.work(journey.tickets()[0])
    journey.sync()
    assert run_of(journey).state is RunState.AWAITING_APPROVAL
    return number


def run_of(journey: Journey):
    return journey.factory.lookup.runs()[-1]


def test_an_approval_lets_the_same_run_go_on_with_its_stored_patch(journey: Journey) -> None:
    number = waiting(journey)
    before = run_of(journey)
    assert "`/approve T-1-r1`" in journey.said(number)
    assert "agent:review" in journey.item(number).labels
    journey.people.comment(number, "/approve read it, fine")
    assert journey.sync().decided == ["T-1-r1"]
    [approval] = journey.factory.oversight.approvals(run_id="T-1-r1")
    assert (approval.state, approval.actor, approval.rule) == ("approved", "ann", "action:push_branch")
    assert approval.reason == "read it, fine (approved by ann)"
    assert approval.decided_at is not None
    assert "was approved by ann" in journey.said(number)
    journey.world.steps(journey.world.present(journey.world.dispatch(journey.tickets()[0])), AFTER_APPROVAL)
    after = run_of(journey)
    assert (after.id, after.patch, after.state) == (before.id, before.patch, RunState.SUCCEEDED)
    assert journey.stage() is Stage.TESTING
    assert journey.sync().decided == []


def test_a_rejection_ends_it_with_the_reason(journey: Journey) -> None:
    number = waiting(journey)
    journey.people.comment(number, "/reject T-1-r1 renames a public function", author="bob")
    journey.sync()
    assert run_of(journey).state is RunState.CANCELED
    assert journey.stage() is Stage.DEAD_LETTER
    assert "renames a public function" in journey.said(number)


@pytest.mark.parametrize("author", ["eve", "mallory", "agent", "factory", "claude", "ann-app[bot]"])
def test_who_may_not_decide_does_not(journey: Journey, author: str) -> None:
    number = waiting(journey)
    journey.people.comment(number, "/approve", author=author)
    assert journey.sync().decided == []
    assert run_of(journey).state is RunState.AWAITING_APPROVAL


@pytest.mark.parametrize("text", ["/approve T-9-r1", "> /approve", "I would /approve", "/approve\n/reject no"])
def test_what_is_no_yes_to_this_run(journey: Journey, text: str) -> None:
    number = waiting(journey)
    journey.people.comment(number, text)
    journey.sync()
    [approval] = journey.factory.oversight.approvals(run_id="T-1-r1")
    assert approval.state != "approved"


def test_words_said_before_the_question_are_no_answer(journey: Journey) -> None:
    number = journey.wanted()
    journey.sync()
    said = journey.people.comment(number, "/approve")
    path = journey.people.folder / str(number) / "comments" / f"{said}.md"
    early = (journey.factory.now() - timedelta(minutes=1)).isoformat()
    path.write_text(f"---\nauthor: ann\nat: {early}\n---\n\n/approve\n")
    journey.work(journey.tickets()[0])
    assert journey.sync().decided == []
    assert run_of(journey).state is RunState.AWAITING_APPROVAL


def test_all_named_reviewers_must_agree_and_each_counts_once(journey: Journey) -> None:
    number = waiting(journey, reviewers=["eve", "cid"])
    journey.people.comment(number, "/approve", author="ann")  # may write, but is not asked
    journey.people.comment(number, "/approve", author="eve")
    journey.people.comment(number, "/approve", author="Eve")
    assert journey.sync().decided == []
    assert "1 of 2 approvals so far" in journey.said(number)
    assert "Asked: cid" in journey.said(number)
    journey.people.comment(number, "/approve", author="cid")
    assert journey.sync().decided == ["T-1-r1"]
    [approval] = journey.factory.oversight.approvals(run_id="T-1-r1")
    assert approval.reason == "approved by Eve, cid"


@pytest.mark.parametrize("approvals", ["any", 1])
def test_one_of_two_may_be_enough(journey: Journey, approvals) -> None:
    number = waiting(journey, reviewers=["eve", "cid"], approvals=approvals)
    journey.people.comment(number, "/approve", author="eve")
    assert journey.sync().decided == ["T-1-r1"]


def test_an_approving_review_of_the_head_counts(journey: Journey, monkeypatch: pytest.MonkeyPatch) -> None:
    """A pull request from an earlier attempt is open while the run waits."""
    waiting(journey)
    run = run_of(journey)
    from tests.policy.test_progress import HEAD, pull  # noqa: PLC0415

    opened = pull(repository=NAME, number=1)
    monkeypatch.setattr(journey.factory.lookup, "pull_request", lambda _ticket: opened, raising=False)
    remarks: list[Remark] = []
    forge = journey.factory.forges["local"]
    monkeypatch.setattr(forge, "remarks", lambda _repository, _number: remarks, raising=False)
    told = {"id": "1", "kind": "review", "text": "", "at": journey.factory.now()}
    remarks += [
        Remark(**told, author="eve", state="approved", head_sha=HEAD),
        Remark(**told, author="ann", state="approved", head_sha="f" * 40),
        Remark(**told, author="ann", state="changes_requested", head_sha=HEAD),
        Remark(**told, author="ann", state="dismissed", head_sha=HEAD),
    ]
    assert journey.sync().decided == []
    remarks.append(Remark(**told, author="ann", state="approved", head_sha=HEAD))
    assert journey.sync().decided == [run.id]


def test_edited_comments_are_no_votes(journey: Journey, monkeypatch: pytest.MonkeyPatch) -> None:
    number = waiting(journey)
    journey.people.comment(number, "/approve")
    read = LocalPeople.__mro__ and journey.people.tracker.item

    def edited(repository: str, wanted: int):
        item = read(repository, wanted)
        return item.model_copy(
            update={"comments": tuple(one.model_copy(update={"edited": True}) for one in item.comments)}
        )

    monkeypatch.setattr(journey.people.tracker, "item", edited)
    assert journey.sync().decided == []


def test_the_shipped_policy_is_the_default() -> None:
    from resources.policy_files import load_policy  # noqa: PLC0415

    assert load_policy().tracking == TrackingPolicy()
