"""Why a queued ticket does not go: each reason alone, their order, and room for all."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from domain.candidates import Breaker
from domain.repositories import RepositorySettings
from domain.tickets import Ticket
from policy.breakers import BreakerState
from policy.waiting import CHECKS, Room, Waiting, held_back
from tests.policy import facts

NOW = facts.NOON
LATER = NOW + timedelta(hours=2)
FREE = Room(
    now=NOW, running=0, max_running=2, pauses={}, locks={}, repositories={"shop": RepositorySettings()}, breakers={}
)
OPEN = BreakerState(state=Breaker.OPEN, reason="x", until=LATER)
TRIED = BreakerState(state=Breaker.HALF_OPEN, reason="x", until=NOW)
STRICT = {"shop": RepositorySettings.model_validate({"require": ["owner", "milestone"]})}


def ticket(**told: Any) -> Ticket:
    return facts.ticket(stage="queued", manifest=facts.manifest(repository="shop"), lock="shop", **told)


CASES: list[tuple[dict[str, Any], dict[str, Any], Waiting]] = [
    ({"blocked_on": ("T-7", "T-8")}, {}, Waiting(kind="deps", text="T-7, T-8 not done")),
    ({"not_before": LATER, "reason": "harness.quota: used up"}, {},
     Waiting(kind="parked", text="parked after harness.quota", until=LATER)),
    ({}, {"repositories": STRICT}, Waiting(kind="lacks", text="it lacks owner, milestone")),
    ({}, {"pauses": {"shop": "release"}}, Waiting(kind="paused", text="shop paused: release")),
    ({}, {"breakers": {"shop": ("repository:shop", OPEN)}},
     Waiting(kind="breaker", text="breaker repository:shop open", until=LATER)),
    ({}, {"locks": {"shop": "T-4"}}, Waiting(kind="lock", text="lock shop held by T-4")),
    ({}, {"running": 2}, Waiting(kind="full", text="2 of 2 runs at work")),
]  # fmt: skip


@pytest.mark.parametrize(("told", "room", "waiting"), CASES, ids=[one[2].kind for one in CASES])
def test_each_reason_alone(told: dict[str, Any], room: dict[str, Any], waiting: Waiting) -> None:
    assert held_back(ticket(**told), replace(FREE, **room)) == waiting


def test_what_nothing_holds_back_does_not_wait() -> None:
    assert held_back(ticket(), FREE) is None
    elsewhere = replace(FREE, pauses={"other": "x"}, locks={"other": "T-9"}, breakers={"other": ("x", OPEN)}, running=1)
    assert held_back(ticket(), elsewhere) is None


@pytest.mark.parametrize("first", range(len(CASES)))
def test_of_several_reasons_the_first_is_told(first: int) -> None:
    told = {key: value for one in CASES[first:] for key, value in one[0].items()}
    room = {key: value for one in CASES[first:] for key, value in one[1].items()}
    assert held_back(ticket(**told), replace(FREE, **room)) == CASES[first][2]
    assert len(CASES) == len(CHECKS)


@pytest.mark.parametrize(
    ("told", "room", "text"),
    [
        ({"blocked_on": tuple(f"T-{n}" for n in range(2, 12))}, {}, "T-2, T-3, T-4 and 7 more not done"),
        ({"not_before": LATER}, {}, "parked"),
        ({}, {"pauses": {"*": "fire", "shop": "x"}}, "everything paused: fire"),
        (
            {},
            {"breakers": {"shop": ("everything", TRIED)}},
            "breaker everything half open, another ticket is its trial",
        ),
        ({}, {"running": 5}, "5 of 2 runs at work"),
    ],
)
def test_few_words(told: dict[str, Any], room: dict[str, Any], text: str) -> None:
    found = held_back(ticket(**told), replace(FREE, **room))
    assert found is not None
    assert found.text == text


def test_a_repository_nobody_knows_demands_nothing() -> None:
    assert held_back(ticket(), replace(FREE, repositories={})) is None


def test_a_time_that_has_come_holds_nothing_back() -> None:
    assert held_back(ticket(not_before=NOW), FREE) is None
