"""Who may decide a waiting run, and when enough of them have."""

from datetime import timedelta

import pytest

from domain.tickets import Manifest
from domain.tracking import Standing
from policy.votes import Vote, Word, is_person, tally
from tests.policy.items import NOON

WRITERS = {"ann": Standing.WRITE, "bob": Standing.ADMIN, "eve": Standing.READ, "factory-app[bot]": Standing.WRITE}


def votes(*told: str) -> list[Vote]:
    """`+ann` is a yes of ann, `-ann` a no, in this order."""
    return [
        Vote(person=one[1:], approved=one[0] == "+", reason=f"said {one}", at=NOON + timedelta(seconds=number))
        for number, one in enumerate(told)
    ]


def review(names: tuple[str, ...], approvals: object = None):
    told = {"reviewers": list(names), **({} if approvals is None else {"approvals": approvals})}
    return Manifest.model_validate({"title": "x", "repository": "r", "review-policy": told}).review_policy


@pytest.mark.parametrize(
    ("names", "approvals", "said", "word"),
    [
        ((), None, [], Word.OPEN),
        ((), None, ["+ann"], Word.APPROVED),
        ((), None, ["-bob"], Word.REJECTED),
        ((), None, ["+eve"], Word.OPEN),
        ((), None, ["-eve"], Word.OPEN),
        ((), None, ["+stranger"], Word.OPEN),
        ((), None, ["+Factory-App[bot]"], Word.OPEN),
        ((), None, ["+factory"], Word.OPEN),
        ((), None, ["+eve", "+ann"], Word.APPROVED),
        (("ann", "bob"), None, ["+ann"], Word.OPEN),
        (("ann", "bob"), None, ["+ann", "+ann"], Word.OPEN),
        (("ann", "bob"), None, ["+ann", "+ANN"], Word.OPEN),
        (("ann", "bob"), None, ["+ann", "+bob"], Word.APPROVED),
        (("ann", "bob"), "all", ["+ann", "+bob"], Word.APPROVED),
        (("ann", "bob"), "any", ["+bob"], Word.APPROVED),
        (("ann", "bob", "cid"), 2, ["+bob"], Word.OPEN),
        (("ann", "bob", "cid"), 2, ["+bob", "+cid"], Word.APPROVED),
        (("ann", "bob"), 5, ["+ann", "+bob"], Word.APPROVED),
        (("ann",), None, ["+bob"], Word.OPEN),
        (("ann",), None, ["-bob"], Word.OPEN),
        (("eve",), None, ["+eve"], Word.APPROVED),  # named: reading is enough
        (("Ann",), None, ["+ann"], Word.APPROVED),
        (("ann", "ann"), None, ["+ann"], Word.APPROVED),
        (("ann", "bob"), "any", ["+ann", "-bob"], Word.REJECTED),
        (("ann", "bob"), None, ["+ann", "+bob", "-ann"], Word.REJECTED),
        (("ann", "bob"), None, ["-ann", "+ann", "+bob"], Word.APPROVED),
        (("factory", "ann"), None, ["+factory", "+ann"], Word.OPEN),
        (("claude",), "any", ["+claude"], Word.OPEN),
    ],
)
def test_tally(names, approvals, said, word) -> None:
    policy = review(names, approvals) if names else "auto"
    assert tally(votes(*said), policy, WRITERS, "factory-app[bot]").word is word


def test_a_decision_keeps_who_and_why() -> None:
    found = tally(votes("+ann", "+bob"), review(("ann", "bob")), {}, "agent")
    assert found.actor == "bob"
    assert found.reason == "said +bob (approved by ann, bob)"
    against = tally(votes("-ann"), "auto", WRITERS, "agent")
    assert (against.actor, against.reason) == ("ann", "said -ann")


def test_an_open_one_says_who_is_asked() -> None:
    found = tally(votes("+ann"), review(("ann", "bob")), {}, "agent")
    assert (found.approved_by, found.waits_for, found.needed) == (("ann",), ("bob",), 2)


@pytest.mark.parametrize("name", ["", " ", "agent", "AGENT", "factory", "x[bot]", "claude", "Codex"])
def test_who_is_nobody(name: str) -> None:
    assert not is_person(name, "agent")


@pytest.mark.parametrize(
    "told", [{"approvals": "all"}, {"reviewers": ["a"], "approvals": 0}, {"reviewers": ["a"], "x": 1}]
)
def test_a_wrong_review_policy_is_refused(told) -> None:
    with pytest.raises(ValueError, match="review-policy"):
        Manifest.model_validate({"title": "x", "repository": "r", "review-policy": told})
