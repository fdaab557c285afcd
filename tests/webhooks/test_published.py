"""Every payload GitHub publishes, through the door and the drain: accepted, and the relevant ones with their effect."""

from collections import Counter

import pytest

from domain.deliveries import DeliveryState
from domain.webhooks import read_payload
from policy.effects import CancelTicket, FileTicket, FollowUp, JudgePull, Nothing, PullEnded
from policy.inbox import Ourselves, decide
from sensors.inbox import InboxDrain
from tests.support.webhooks.published import SERVERS, Example, published
from tests.support.webhooks.sending import SECRET, Sender, enrol
from tests.webhooks.carrying import Heard

US = Ourselves(logins=("factory[bot]",), apps=("software-factory", "4711"))
HEAD = "ec26c3e57ca3a959ca5aad62de7213c562f8c821"
#: what the examples of github.com ask for, event by event; every other one asks for nothing
ASKED = {
    ("check_run", "completed"): [FollowUp(number=2, head=HEAD, reason="the check Octocoders-linter ended in failure")],
    ("issues", "deleted"): [CancelTicket(number=1, by="Codertocat", reason="it was deleted")],
    ("issues", "transferred"): [CancelTicket(number=1, by="Codertocat", reason="it went to another repository")],
    ("pull_request", "opened"): [JudgePull(number=2, head=HEAD)] * 4,
    ("pull_request", "synchronize"): [JudgePull(number=2, head=HEAD)],
    ("pull_request", "reopened"): [JudgePull(number=2, head=HEAD, again=True)] * 2,
    ("pull_request", "ready_for_review"): [JudgePull(number=2, head=HEAD)] * 3,
    ("pull_request", "closed"): [PullEnded(number=2, merged=False, by="Codertocat")] * 2,
    ("pull_request_review_comment", "created"): [FollowUp(number=2, reason="Codertocat commented on a line")] * 3,
}


def test_all_of_them_are_here(examples: list[Example]):
    assert len(examples) == 329
    assert len({example.event for example in examples}) == 58


def test_each_asks_for_what_it_should(examples: list[Example]):
    asked: dict[tuple[str, str], list] = {}
    for example in examples:
        effects = decide(example.event, read_payload(example.body), US)
        assert effects
        wanted = [effect for effect in effects if not isinstance(effect, Nothing)]
        if wanted:
            asked.setdefault((example.event, example.payload.get("action", "")), []).extend(wanted)
    assert asked == ASKED


@pytest.mark.parametrize("place", SERVERS)
def test_those_of_enterprise_releases_are_read_too(place):
    kinds = Counter(
        type(effect).__name__
        for example in published(place)
        for effect in decide(example.event, read_payload(example.body), US)
    )
    assert kinds["JudgePull"] and kinds["FollowUp"] and kinds["Nothing"]


def test_each_is_received_and_settled_without_an_error(sender: Sender, examples: list[Example], monkeypatch):
    names = {example.payload["repository"]["full_name"] for example in examples if "repository" in example.payload}
    for number, name in enumerate(sorted(names)):
        monkeypatch.setenv(f"FACTORY_SECRET_WEBHOOK_R{number}", SECRET)
        host = "https://github.com"
        if name != "Codertocat/Hello-World":
            enrol(sender.factory, f"r{number}", f"{host}/{name}")
    for example in examples:
        answer = sender.send(example.event, example.body)
        assert answer.status == 202, (example.event, answer.body)
    heard = Heard()
    settled: Counter[DeliveryState] = Counter()
    while found := InboxDrain(sender.factory, heard, US).drain():
        settled.update(found)
    wanted = sum(map(len, ASKED.values()))
    assert settled == {DeliveryState.DONE: wanted, DeliveryState.IGNORED: 329 - wanted}
    told = Counter(repr(effect) for _, effect in heard.effects)
    assert told == Counter(repr(effect) for effects in ASKED.values() for effect in effects)
    counts = sender.factory.inbox.counts()
    assert sum(sum(one.values()) for one in counts.values()) == 329
    assert counts["star"] == {DeliveryState.IGNORED: 3}


def test_a_marked_issue_of_the_published_kind_is_filed(examples: list[Example]):
    """The published labels are not ours: the same payload with our label is a wish, taken off it is none any more."""
    labeled = next(one for one in examples if (one.event, one.payload.get("action")) == ("issues", "labeled"))
    for action, kind in (("labeled", FileTicket), ("unlabeled", CancelTicket)):
        told = {**labeled.payload, "action": action, "label": {**labeled.payload["label"], "name": "agent:run"}}
        [effect] = decide("issues", read_payload(Example("issues", told).body), US)
        assert (type(effect), effect.number) == (kind, labeled.payload["issue"]["number"])
