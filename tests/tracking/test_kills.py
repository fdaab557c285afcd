"""Killed before and after every call to the tracker and every write to the ledger: one ticket, one comment, nothing lost."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from domain.lifecycle import Stage
from sensors.tracker_sync import TrackerSync
from tests.tracking.journey import Journey

MOST = 200
READS = ("item", "wanted", "standing", "myself", "last_beat", "approvals", "live_leases", "repositories", "pauses")


class Killed(BaseException):
    """Stands for the end of the process: no code of ours catches it."""


class Mortal:
    """Passes every call on, and dies before or after the n-th that changes something."""

    def __init__(self, inner: Any, countdown: list[int]) -> None:
        self._inner, self._countdown = inner, countdown

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._inner, name)
        if not callable(found) or name in READS:
            return found

        def call(*words: Any, **more: Any) -> Any:
            self._step()
            answer = found(*words, **more)
            self._step()
            return answer

        return call

    def _step(self) -> None:
        self._countdown[0] -= 1
        if self._countdown[0] == 0:
            raise Killed


def killed_at(journey: Journey, point: int) -> bool:
    """Let one look die at this point; return whether it got that far."""
    countdown = [point]
    parts = ("backlog", "operators", "oversight", "run_ledger")
    mortal = {part: Mortal(getattr(journey.factory, part), countdown) for part in parts}
    factory = replace(journey.factory, **mortal)
    try:
        TrackerSync(factory, {"local": Mortal(journey.people.tracker, countdown)}).sync(journey.seq)
    except Killed:
        return True
    return False


def everywhere(journey: Journey, begin: Callable[[], int], settled: Callable[[int], None]) -> None:
    """Kill one look at every point, each on an item of its own, then let two whole looks follow and check."""
    for point in range(1, MOST):
        number = begin()
        reached = killed_at(journey, point)
        journey.sync()
        settled(number)
        before = journey.people.comments(number)
        assert journey.sync().told == []
        assert journey.people.comments(number) == before
        if not reached:
            assert point > 4
            return
    pytest.fail("it never came to its end")


def tickets_of(journey: Journey, number: int) -> list[Any]:
    return [one for one in journey.tickets() if one.manifest.tracker_item == f"calc#{number}"]


def test_filing(journey: Journey) -> None:
    def settled(number: int) -> None:
        [ticket] = tickets_of(journey, number)
        assert ticket.stage is Stage.QUEUED
        assert "In the queue" in journey.said(number)
        assert journey.item(number).labels == ("agent:run",)

    everywhere(journey, journey.wanted, settled)


def test_a_command_that_begins_work(journey: Journey) -> None:
    def begin() -> int:
        number = journey.people.write()
        journey.people.comment(number, "/codex do it")
        return number

    def settled(number: int) -> None:
        [ticket] = tickets_of(journey, number)
        assert ticket.stage is Stage.QUEUED
        assert "In the queue" in journey.said(number)
        assert journey.item(number).labels == ("agent:run",)

    everywhere(journey, begin, settled)


def test_canceling_by_closing(journey: Journey) -> None:
    def begin() -> int:
        number = journey.wanted()
        journey.sync()
        journey.people.edit(number, status="closed")
        return number

    def settled(number: int) -> None:
        [ticket] = tickets_of(journey, number)
        assert ticket.stage is Stage.DEAD_LETTER
        assert "Canceled" in journey.said(number)
        assert journey.item(number).labels == ()

    everywhere(journey, begin, settled)


def test_an_order_to_try_again(journey: Journey) -> None:
    def begin() -> int:
        number = journey.wanted()
        journey.sync()
        [ticket] = tickets_of(journey, number)
        journey.factory.operators.request_cancel(ticket.id, actor="ann", reason="enough", now=journey.factory.now())
        journey.sync()
        journey.people.comment(number, "/factory retry")
        return number

    def settled(number: int) -> None:
        [ticket] = tickets_of(journey, number)
        assert ticket.stage is Stage.QUEUED
        assert journey.world.names(ticket).count("ticket_requeued") == 1
        assert "In the queue" in journey.said(number)

    everywhere(journey, begin, settled)
