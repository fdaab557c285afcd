"""A breaker opens after failures in a row or too much money, rests, and is tried with one run."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from domain.candidates import Breaker
from domain.errors import taxonomy
from domain.execution import Usage
from domain.lifecycle import RunState
from domain.outcomes import RunOutcome
from policy.breakers import ANSWERED, INNOCENT, OF_HARNESS, BreakerPolicy, BreakerState, breaker
from tests.policy.facts import NOON

MINUTE = timedelta(minutes=1)
RULES = {
    "harness": {"failures": 3, "usd_per_hour": 10},
    "repository": {"failures": 3, "usd_per_hour": 10},
    "everything": {"failures": 3, "usd_per_hour": 10},
    "rest": "5m",
    "longest": "15m",
}
POLICY = BreakerPolicy.model_validate(RULES)
TRANSIENT = "harness.overloaded"


def run(minute: float, code: str | None = TRANSIENT, **told: Any) -> RunOutcome:
    """A run that ended so many minutes after noon; without a code it succeeded."""
    at = NOON + minute * MINUTE
    state = RunState.FAILED if code else RunState.SUCCEEDED
    ticket = f"T-{round(minute * 100)}"
    given = {
        "run_id": f"{ticket}-r1",
        "ticket_id": ticket,
        "repository": "calc",
        "harness": "codex",
        "attempt": 1,
        **told,
    }
    return RunOutcome.model_validate(
        {"state": state, "reason_code": code, "started_at": at - MINUTE, "ended_at": at, **given}
    )


def spent(minute: float, usd: float) -> RunOutcome:
    return run(minute, None, usage=Usage(cost_usd=usd))


def read(*runs: RunOutcome, at: float = 4, reset: float | None = None, harness: bool = True) -> BreakerState:
    now, reset_at = NOON + at * MINUTE, None if reset is None else NOON + reset * MINUTE
    causes = OF_HARNESS if harness else None
    return breaker(runs, POLICY.harness, POLICY, now=now, reset_at=reset_at, causes=causes)


FAILED = [run(minute) for minute in range(1, 30)]


@pytest.mark.parametrize(
    ("name", "runs", "at", "expected"),
    [
        ("nothing ran", [], 4, Breaker.CLOSED),
        ("one below the count", FAILED[:2], 4, Breaker.CLOSED),
        ("the count", FAILED[:3], 4, Breaker.OPEN),
        ("in any order", [FAILED[2], FAILED[0], FAILED[1]], 4, Breaker.OPEN),
        ("a moment before its rest ends", FAILED[:3], 7.99, Breaker.OPEN),
        ("after its rest", FAILED[:3], 8, Breaker.HALF_OPEN),
        ("the trial succeeded", [*FAILED[:3], run(9, None)], 9, Breaker.CLOSED),
        ("the trial failed", [*FAILED[:3], run(9)], 18.99, Breaker.OPEN),
        ("after twice its rest", [*FAILED[:3], run(9)], 19, Breaker.HALF_OPEN),
        ("a success between", [*FAILED[:2], run(3, None), run(4)], 5, Breaker.CLOSED),
        ("still running", [*FAILED[:2], run(3, ended_at=None, state=RunState.RUNNING)], 4, Breaker.CLOSED),
    ],
)
def test_failures_in_a_row_open_it(name: str, runs: list[RunOutcome], at: float, expected: Breaker) -> None:
    assert read(*runs, at=at).state is expected


@pytest.mark.parametrize(("failures", "minutes"), [(3, 5), (4, 10), (5, 15), (6, 15), (29, 15)])
def test_the_rest_doubles_with_each_further_failure_up_to_the_longest(failures: int, minutes: float) -> None:
    found = read(*FAILED[:failures], at=failures)
    assert found.until == NOON + (failures + minutes) * MINUTE
    assert f"{failures} runs in a row failed, the last with {TRANSIENT}" in found.reason


def test_retries_of_a_ticket_speak_once_of_its_repository_and_each_time_of_its_harness() -> None:
    retries = [run(minute, ticket_id="T-1") for minute in range(1, 4)]
    assert read(*retries).state is Breaker.OPEN
    assert read(*retries, harness=False).state is Breaker.CLOSED
    others = [run(4, ticket_id="T-2"), run(5, ticket_id="T-3")]
    found = read(*retries, *others, at=6, harness=False)
    assert found.until == NOON + 10 * MINUTE
    assert "3 tickets in a row failed" in found.reason


def test_thousands_of_failures_overflow_nothing() -> None:
    assert read(*[run(2)] * 5000, at=3).until == NOON + 17 * MINUTE


@pytest.mark.parametrize(("reset", "expected"), [(2.5, Breaker.CLOSED), (0.5, Breaker.OPEN), (3, Breaker.CLOSED)])
def test_what_ended_before_a_reset_does_not_count(reset: float, expected: Breaker) -> None:
    assert read(*FAILED[:3], reset=reset).state is expected


def test_a_reset_forgives_the_money_too() -> None:
    assert read(spent(1, 50)).state is Breaker.OPEN
    assert read(spent(1, 50), reset=2).state is Breaker.CLOSED


INNOCENT_CODES = [code for code, error in taxonomy().items() if error.cause in INNOCENT]


@pytest.mark.parametrize("code", INNOCENT_CODES)
@pytest.mark.parametrize("harness", [True, False])
def test_what_speaks_of_the_ticket_or_a_person_never_counts(code: str, harness: bool) -> None:
    assert read(*[run(minute, code) for minute in range(1, 4)], harness=harness).state is Breaker.CLOSED


def test_every_cause_named_is_one_of_the_taxonomy() -> None:
    known = {error.cause for error in taxonomy().values()} | set(taxonomy())
    assert known >= INNOCENT | OF_HARNESS | ANSWERED
    assert not ANSWERED & OF_HARNESS


@pytest.mark.parametrize(
    ("code", "of_harness", "elsewhere"),
    [
        ("harness.quota", True, True),
        ("harness.crashed", True, True),
        ("run.stalled", True, True),
        ("run.timed_out", True, True),
        ("run.worker_died", False, True),
        ("lease.expired", False, True),
        ("verify.failed", False, True),
        ("sandbox.failed", False, True),
        ("a.code.nobody.knows", False, True),
        ("", False, True),
    ],
)
def test_a_failure_counts_where_it_speaks_of(code: str, of_harness: bool, elsewhere: bool) -> None:
    runs = [run(minute, code, state=RunState.FAILED) for minute in range(1, 4)]
    assert (read(*runs).state is Breaker.OPEN) is of_harness
    assert (read(*runs, harness=False).state is Breaker.OPEN) is elsewhere


def test_a_harness_that_handed_its_work_on_is_no_fault_of_repository_or_factory() -> None:
    runs = [run(minute, "harness.quota", harness_until=NOON) for minute in range(1, 9)]
    assert read(*runs, at=9).state is Breaker.OPEN
    assert read(*runs, at=9, harness=False).state is Breaker.CLOSED


@pytest.mark.parametrize("code", ["verify.failed", "patch.empty", "harness.failed", "run.money_exceeded"])
def test_a_harness_that_did_its_work_answers_however_bad_the_work_was(code: str) -> None:
    runs = [*FAILED[:3], run(9, code)]
    assert read(*runs, at=10).state is Breaker.CLOSED
    assert read(*runs, at=10, harness=False).state is Breaker.OPEN


@pytest.mark.parametrize("code", ["run.canceled", "sandbox.failed", "run.worker_died"])
def test_what_says_nothing_of_the_harness_leaves_the_row_as_it_is(code: str) -> None:
    assert read(*FAILED[:2], run(2.5, code), run(3)).state is Breaker.OPEN


@pytest.mark.parametrize(
    ("runs", "at", "until"),
    [
        ([spent(1, 10)], 2, None),
        ([spent(1, 10), spent(2, 0.01)], 3, 61),
        ([spent(1, 0), spent(2, 11)], 3, 62),
        ([spent(1, 3), spent(2, 3), spent(3, 12)], 4, 63),
        ([spent(1, 11), spent(5, 1)], 61, None),
        ([run(1, "verify.failed", usage=Usage(cost_usd=11))], 3, 61),
    ],
)
def test_money_opens_it_until_what_is_left_of_the_hour_fits(runs: list[RunOutcome], at: float, until: Any) -> None:
    found = read(*runs, at=at)
    assert found.until == (None if until is None else NOON + until * MINUTE)
    assert (found.state, "USD in the last hour" in found.reason) == (
        (Breaker.CLOSED, False) if until is None else (Breaker.OPEN, True)
    )
    if until is not None:
        assert read(*runs, at=until).state is Breaker.CLOSED
        assert read(*runs, at=until - 0.01).state is Breaker.OPEN


@given(st.lists(st.tuples(st.floats(0, 120), st.floats(0, 9)), max_size=30), st.floats(0, 180))
def test_money_never_leaves_it_open_for_ever(told: list[tuple[float, float]], at: float) -> None:
    runs = [spent(minute, usd) for minute, usd in told if minute <= at]
    found = read(*runs, at=at)
    if found.state is Breaker.OPEN:
        assert found.until is not None
        later = breaker(runs, POLICY.harness, POLICY, now=found.until, causes=OF_HARNESS)
        assert later.state is Breaker.CLOSED


@pytest.mark.parametrize(
    "wrong",
    [
        {"harness": {"failures": 0, "usd_per_hour": 1}},
        {"harness": {"failures": 1, "usd_per_hour": 0}},
        {"harness": {"failures": 1, "usd_per_hour": float("inf")}},
        {"harness": {"failures": 1, "usd_per_hour": float("nan")}},
        {"harness": {"failures": "many", "usd_per_hour": 1}},
        {"everything": None},
        {"rest": "soon"},
        {"longest": "-1s"},
        {"rests": "1m"},
    ],
)
def test_wrong_rules_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        BreakerPolicy.model_validate({**RULES, **wrong})
