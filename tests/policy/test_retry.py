"""One taxonomy, one decider."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import (
    Canceled,
    FactoryError,
    FailureClass,
    GatesFailed,
    HarnessUnavailable,
    LeaseLost,
    Stalled,
    TimedOut,
    WorkerDied,
    taxonomy,
)
from domain.lifecycle import RunState
from domain.tickets import RetrySettings
from policy.retry import classify, end_attempt, error_of, may_retry, retry_delay
from resources.policy_files import load_policy
from tests.policy.facts import NOON, manifest, ticket

POLICY = load_policy().retry
HOUR = timedelta(hours=1)


def ends(error: FactoryError, **told):
    retry = told.pop("retry", None)
    subject = ticket(**({"manifest": manifest(retry=retry)} if retry else {}), **told)
    return end_attempt(error, subject, POLICY, now=NOON, jitter=0.5)


@pytest.mark.parametrize("code", sorted(taxonomy()))
def test_every_code_has_a_class_a_remedy_and_an_end(code: str) -> None:
    error = error_of(code, "x")
    assert error.code == code
    assert isinstance(error.failure_class, FailureClass)
    assert error.remedy.endswith((".", ")"))
    assert ends(error).run_state in (RunState.FAILED, RunState.CANCELED, RunState.TIMED_OUT)


def test_transient_failures_are_retried_within_bounds() -> None:
    assert ends(WorkerDied("x")).retry_at is not None
    assert ends(WorkerDied("x"), attempts=3).retry_at is None


def test_non_retriable_failures_are_dead_at_once() -> None:
    assert ends(GatesFailed("x")).retry_at is None
    assert ends(HarnessUnavailable("x")).retry_at is None


def test_what_nobody_expected_is_unknown_and_bounded() -> None:
    error = classify(RuntimeError("boom"))
    assert (error.failure_class, "boom" in str(error)) == (FailureClass.UNKNOWN, True)
    assert ends(error).retry_at is not None
    assert ends(error, attempts=3).retry_at is None


def test_the_tickets_own_list_is_obeyed() -> None:
    listed = {"max": 2, "backoff": "5m", "on": ["timeout", "verify_failed"]}
    assert ends(TimedOut("x"), retry=listed).retry_at is not None
    assert ends(GatesFailed("x"), retry=listed).retry_at is not None
    assert ends(WorkerDied("x"), retry=listed).retry_at is None


def test_a_revived_ticket_counts_its_attempts_anew() -> None:
    assert ends(WorkerDied("x"), attempts=5, attempts_base=4).retry_at is not None


@pytest.mark.parametrize("error", [Canceled("x"), LeaseLost("x")])
def test_nobody_retries_a_cancellation_or_a_lost_lease(error: FactoryError) -> None:
    assert not may_retry(error, RetrySettings(on=("canceled", "conflict")))


def test_run_states_follow_the_cause() -> None:
    assert ends(Stalled("x")).run_state is RunState.TIMED_OUT
    assert ends(Canceled("x")).run_state is RunState.CANCELED


def test_delays_double_up_to_the_cap() -> None:
    settings = RetrySettings(max=9, backoff=timedelta(minutes=5))
    delays = [retry_delay(n, settings, HOUR, 0.0).total_seconds() for n in range(1, 7)]
    assert delays == [150, 300, 600, 1200, 1800, 1800]


@given(st.integers(1, 10_000), st.floats(0, 1, exclude_max=True))
def test_delay_is_bounded(failures: int, jitter: float) -> None:
    delay = retry_delay(failures, RetrySettings(backoff=timedelta(seconds=10)), HOUR, jitter)
    assert timedelta(seconds=5) <= delay <= HOUR


@pytest.mark.parametrize(("failures", "jitter"), [(0, 0.5), (1, 1.0), (1, -0.1)])
def test_a_wrong_draw_is_refused(failures: int, jitter: float) -> None:
    with pytest.raises(ValueError, match="failures starts at 1"):
        retry_delay(failures, RetrySettings(), HOUR, jitter)
