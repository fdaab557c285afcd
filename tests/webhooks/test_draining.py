"""The drain: oldest first, each settled last, failures bounded and told, kills and repeats harmless."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from domain.alerts import Alert
from domain.deliveries import DeliveryState
from domain.errors import ForgeRefused, ForgeUnavailable, LedgerUnavailable
from policy.effects import JudgePull
from policy.inbox import Ourselves
from policy.redelivery import LONGEST_REST, TRIES, next_try
from sensors.inbox import InboxDrain
from tests.support.factory import Clock
from tests.support.webhooks.sending import Sender, enrol
from tests.webhooks.carrying import Heard

REPOSITORY = {"full_name": "Codertocat/Hello-World", "html_url": "https://github.com/Codertocat/Hello-World"}
US = Ourselves(logins=("factory[bot]",))


class Told:
    """Stand-in for an operator's pager."""

    def __init__(self) -> None:
        self.alerts: list[Alert] = []

    def alert(self, alert: Alert) -> bool:
        self.alerts.append(alert)
        return True


class Room:
    def __init__(self, sender: Sender) -> None:
        self.sender, self.heard, self.told, self.clock = sender, Heard(), Told(), Clock()
        self.factory = replace(sender.factory, notifier=self.told, now=self.clock, jitter=lambda: 0.5)

    def opened(self, number: int = 2) -> str:
        told = {"action": "opened", "pull_request": {"number": number}, "repository": REPOSITORY}
        return str(self.sender.send("pull_request", told).document["delivery"])

    def drain(self, **more: int) -> dict[DeliveryState, int]:
        return InboxDrain(self.factory, self.heard, US).drain(**more)

    def find(self, name: str):
        return self.factory.inbox.find(name)


@pytest.fixture
def room(sender: Sender) -> Room:
    return Room(sender)


def test_what_waits_is_carried_out_oldest_first_and_once(room: Room):
    names = [room.opened(number) for number in (1, 2, 3)]
    assert room.drain(limit=2) == {DeliveryState.DONE: 2}
    assert room.drain() == {DeliveryState.DONE: 1}
    assert room.drain() == {}
    assert room.heard.effects == [("hello", JudgePull(number=number)) for number in (1, 2, 3)]
    assert {room.find(name).outcome for name in names} == {"heard JudgePull"}


def test_what_nobody_wants_is_ignored_with_its_reason(room: Room):
    name = room.sender.send("star", {"action": "created", "repository": REPOSITORY}).document["delivery"]
    assert room.drain() == {DeliveryState.IGNORED: 1}
    assert (room.find(name).outcome, room.heard.effects) == ("no use for star", [])


@pytest.mark.parametrize("error", [ForgeUnavailable("offline"), ForgeRefused("no"), ValueError("a bug \0")])
def test_a_failure_rests_and_holds_nobody_up(room: Room, error: Exception):
    first, second = room.opened(1), room.opened(2)
    room.heard.failing = [error]
    assert room.drain() == {DeliveryState.WAITING: 1, DeliveryState.DONE: 1}
    found = room.find(first)
    assert (found.state, found.attempts, room.find(second).state) == (DeliveryState.WAITING, 1, DeliveryState.DONE)
    assert found.retry_at is not None and found.retry_at > room.clock()
    assert room.drain() == {}
    room.clock.move(16)
    assert room.drain() == {DeliveryState.DONE: 1}
    assert room.told.alerts == []


def test_after_its_last_try_it_has_failed_and_the_operator_is_told_once(room: Room):
    name = room.opened()
    room.heard.failing = [ForgeUnavailable("offline") for _ in range(TRIES)]
    for _ in range(TRIES - 1):
        assert room.drain() == {DeliveryState.WAITING: 1}
        assert room.told.alerts == []
        room.clock.move(LONGEST_REST.total_seconds())
    assert room.drain() == {DeliveryState.FAILED: 1}
    room.clock.move(1_000_000)
    assert room.drain() == {}
    [alert] = room.told.alerts
    assert (alert.kind, alert.details["retry"]) == ("delivery_failed", f"factory webhook replay {name}")
    assert (room.find(name).attempts, room.find(name).outcome) == (TRIES, "forge.unavailable: offline")
    room.factory.inbox.replay(name)
    assert room.drain() == {DeliveryState.DONE: 1}


def test_a_ledger_that_is_gone_stops_the_drain(room: Room):
    room.opened()
    room.heard.failing = [LedgerUnavailable("gone")]

    class Gone:
        def __getattr__(self, name: str):
            def ask(*_words, **_more):
                if name == "waiting":
                    return room.factory.inbox.waiting(now=room.clock())
                raise LedgerUnavailable("gone")

            return ask

    with pytest.raises(LedgerUnavailable):
        InboxDrain(replace(room.factory, inbox=Gone()), room.heard, US).drain()


def test_a_body_that_is_gone_or_unreadable_fails_at_once(room: Room):
    name = room.opened()
    for path in room.factory.settings.artifacts_dir.rglob("*.json"):
        path.unlink()
    assert room.drain() == {DeliveryState.FAILED: 1}
    assert room.find(name).outcome.startswith("input.not_found")
    body = room.factory.artifacts.put(b"[]", kind="json", name="x.json")
    delivery = room.find(name).model_copy(update={"id": "d-2", "body": body})
    assert room.factory.inbox.take(delivery)
    assert room.drain() == {DeliveryState.FAILED: 1}
    assert len(room.told.alerts) == 2


def test_a_repository_that_left_gets_nothing_more(room: Room):
    name = room.opened()
    enrol(room.factory, "hello", "https://github.com/Codertocat/Hello-World", enabled=False)
    assert room.drain() == {DeliveryState.DONE: 1}
    assert (room.find(name).outcome, room.heard.effects) == ("hello is not enrolled any more", [])


def test_two_orders_of_one_comment_are_both_carried_out_though_the_second_failed_first(room: Room):
    ann = {"login": "ann", "type": "User"}
    told = {
        "action": "created",
        "sender": ann,
        "repository": REPOSITORY,
        "issue": {"number": 7},
        "comment": {"id": 5, "user": ann, "body": "/factory run\n/factory status"},
    }
    room.sender.send("issue_comment", json.dumps(told).encode())

    class Second(Heard):
        def obey(self, repository, effect):
            if effect.place == 1 and self.failing:
                raise self.failing.pop()
            return self._hear(repository, effect)

    room.heard = Second()
    room.heard.failing = [ForgeUnavailable("offline")]
    assert room.drain() == {DeliveryState.WAITING: 1}
    room.clock.move(60)
    assert room.drain() == {DeliveryState.DONE: 1}
    assert {effect.place for _, effect in room.heard.effects} == {0, 1}


def test_rests_grow_to_a_bound_and_end():
    now = datetime(2026, 1, 1, tzinfo=UTC)
    rests = [next_try(failures, now=now, jitter=0.99) for failures in range(1, TRIES)]
    told = [rest - now for rest in rests if rest is not None]
    assert len(told) == TRIES - 1
    assert told == sorted(told)
    assert timedelta(seconds=10) <= told[0]
    assert told[-1] <= LONGEST_REST
    assert next_try(TRIES, now=now, jitter=0.0) is None
