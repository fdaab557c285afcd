"""A harness's own trouble hands the ticket on or parks it, and spends no attempt; all else is the retry policy's."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from domain.errors import (
    Canceled,
    CpuExceeded,
    FactoryError,
    GatesFailed,
    HarnessCrashed,
    HarnessUnavailable,
    ImageUnavailable,
    ModelOverloaded,
    ModelUnknown,
    MoneyExceeded,
    ProgramMissing,
    QuotaExceeded,
    RateLimited,
    SignInFailed,
    Stalled,
    StreamBroken,
    TimedOut,
    TokensExceeded,
    WorkerDied,
    taxonomy,
)
from domain.failures import AttemptEnd
from domain.lifecycle import RunState
from policy.failover import TOLD, end_or_hand_on, harness_until
from policy.retry import end_attempt, error_of
from policy.rules_model import OnBreach
from resources.policy_files import load_policy
from tests.policy.facts import NOON, manifest, ticket

POLICY = load_policy()
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
NOBODY: dict[str, datetime] = {}


def ends(error: FactoryError, resting: dict[str, datetime] | None, **told: Any) -> AttemptEnd:
    """How an attempt ends; `resting` None when somebody else can take over."""
    retry = told.pop("retry", {})
    subject = ticket(manifest=manifest(retry=retry), **told)
    return end_or_hand_on(error, subject, POLICY, resting=resting, now=NOON, jitter=0.5)


def as_retried(error: FactoryError, **told: Any) -> AttemptEnd:
    retry = told.pop("retry", {})
    return end_attempt(error, ticket(manifest=manifest(retry=retry), **told), POLICY.retry, now=NOON, jitter=0.5)


@pytest.mark.parametrize(
    ("error", "rests"),
    [
        (RateLimited("x"), MINUTE),
        (RateLimited("x", **{TOLD: 7}), timedelta(seconds=7)),
        (RateLimited("x", **{TOLD: 0.5}), timedelta(seconds=0.5)),
        (RateLimited("x", **{TOLD: 0}), timedelta()),
        (RateLimited("x", **{TOLD: 10**9}), timedelta(days=7)),
        (RateLimited("x", **{TOLD: 1e300}), timedelta(days=7)),
        (RateLimited("x", **{TOLD: 10**400}), timedelta(days=7)),
        (RateLimited("x", **{TOLD: float("inf")}), timedelta(days=7)),
        (RateLimited("x", **{TOLD: float("nan")}), MINUTE),
        (RateLimited("x", **{TOLD: -1}), MINUTE),
        (RateLimited("x", **{TOLD: "60"}), MINUTE),
        (RateLimited("x", **{TOLD: True}), MINUTE),
        (RateLimited("x", **{TOLD: None}), MINUTE),
        (QuotaExceeded("x"), HOUR),
        (QuotaExceeded("x", **{TOLD: 5 * 3600}), 5 * HOUR),
        (ModelOverloaded("x"), 2 * MINUTE),
        (StreamBroken("x"), MINUTE),
        (SignInFailed("x"), 10 * MINUTE),
        (ProgramMissing("x"), 10 * MINUTE),
        (ModelUnknown("x"), 10 * MINUTE),
    ],
)
def test_a_harness_rests_as_its_api_says_else_as_policy_says(error: FactoryError, rests: timedelta) -> None:
    assert harness_until(error, POLICY.retry, NOON) == NOON + rests


@pytest.mark.parametrize("code", sorted(taxonomy()))
def test_only_a_harness_that_cannot_work_rests(code: str) -> None:
    error = error_of(code, "x")
    assert (harness_until(error, POLICY.retry, NOON) is None) is (error.cause != "harness_unavailable")


@pytest.mark.parametrize("code", sorted(code for code, one in taxonomy().items() if one.cause == "harness_unavailable"))
def test_another_harness_takes_over_at_once_and_no_attempt_is_spent(code: str) -> None:
    end = ends(error_of(code, "x"), None, attempts=9)
    assert (end.retry_at, end.spends, end.run_state) == (NOON, False, RunState.FAILED)
    assert end.harness_until == harness_until(end.error, POLICY.retry, NOON)


@pytest.mark.parametrize(
    ("error", "resting", "at"),
    [
        (RateLimited("x", **{TOLD: 90}), {}, timedelta(seconds=90)),
        (RateLimited("x", **{TOLD: 90}), {"codex": NOON + MINUTE}, MINUTE),
        (RateLimited("x", **{TOLD: 90}), {"codex": NOON + HOUR}, timedelta(seconds=90)),
        (QuotaExceeded("x"), {}, HOUR),
        (QuotaExceeded("x"), {"codex": NOON + 2 * HOUR, "gemini_cli": NOON + 3 * HOUR}, HOUR),
        (SignInFailed("x"), {"codex": NOON + 2 * HOUR}, 2 * HOUR),
        (ModelOverloaded("x"), {"codex": NOON + HOUR, "gemini_cli": NOON + MINUTE}, MINUTE),
    ],
)
def test_when_nobody_can_the_ticket_is_parked_until_the_earliest_known_time(error, resting, at) -> None:
    end = ends(error, resting, attempts=9)
    assert (end.retry_at, end.spends) == (NOON + at, False)
    assert end.harness_until == harness_until(error, POLICY.retry, NOON)


@pytest.mark.parametrize(
    "error",
    [
        SignInFailed("x"),
        ProgramMissing("x"),
        HarnessUnavailable("x"),
        ModelUnknown("x"),
        ModelOverloaded("x"),
        RateLimited("x"),
        RateLimited("x", **{TOLD: "soon"}),
        SignInFailed("x", **{TOLD: -3}),
    ],
)
def test_when_nobody_knows_when_it_is_an_attempt_like_any_other(error: FactoryError) -> None:
    end = ends(error, NOBODY)
    assert end == as_retried(error)
    assert end.spends
    assert ends(error, NOBODY, attempts=3).retry_at is None


@pytest.mark.parametrize("resting", [None, NOBODY, {"codex": NOON + HOUR}])
@pytest.mark.parametrize(
    "error", [GatesFailed("x"), HarnessCrashed("x"), WorkerDied("x"), Canceled("x"), TimedOut("x", limit="wall")]
)
def test_what_is_no_fault_of_the_harness_is_the_retry_policys(error: FactoryError, resting: Any) -> None:
    assert ends(error, resting) == as_retried(error)


def test_a_canceled_run_is_canceled_and_nothing_else() -> None:
    end = ends(Canceled("x", **{TOLD: 5}), None)
    assert (end.run_state, end.retry_at, end.harness_until) == (RunState.CANCELED, None, None)


@pytest.mark.parametrize(
    ("on", "handed_on"), [(["harness_unavailable"], True), (["timeout"], False), ([], False), (["crash", "x"], False)]
)
def test_a_ticket_may_say_what_is_tried_again(on: list[str], handed_on: bool) -> None:
    end = ends(QuotaExceeded("x"), None, retry={"on": on})
    assert (end.retry_at == NOON, end.spends) == (handed_on, not handed_on)
    assert (end.retry_at is None) is not handed_on


def test_without_further_attempts_a_ticket_is_still_handed_on() -> None:
    assert ends(QuotaExceeded("x"), None, retry={"max": 0}).retry_at == NOON
    assert ends(WorkerDied("x"), None, retry={"max": 0}).retry_at is None


@pytest.mark.parametrize("attempts", [1, 3, 50])
def test_a_ticket_whose_image_is_not_here_rests_and_spends_nothing(attempts: int) -> None:
    end = ends(ImageUnavailable("x"), NOBODY, attempts=attempts, retry={"max": 0})
    assert (end.retry_at, end.spends, end.harness_until) == (NOON + 10 * MINUTE, False, None)
    assert end.run_state is RunState.FAILED
    assert ends(ImageUnavailable("x"), NOBODY, retry={"on": ["timeout"], "max": 5}).retry_at is None


def test_how_long_it_rests_is_policys_choice() -> None:
    retry = POLICY.retry.model_copy(update={"rests": {"sandbox.image_unavailable": HOUR}})
    told: dict[str, Any] = {"resting": {}, "now": NOON, "jitter": 0.5}
    end = end_or_hand_on(ImageUnavailable("x"), ticket(), POLICY.model_copy(update={"retry": retry}), **told)
    assert end.retry_at == NOON + HOUR


@pytest.mark.parametrize("error", [MoneyExceeded("x", limit="usd"), TokensExceeded("x", limit="tokens")])
@pytest.mark.parametrize("resting", [None, NOBODY])
def test_whoever_breaches_a_terminating_limit_gets_no_further_attempt(error: FactoryError, resting: Any) -> None:
    for retry in ({}, {"on": ["limit"]}):
        end = ends(error, resting, retry=retry)
        assert (end.retry_at, end.spends) == (None, True)


def test_what_a_breach_leads_to_is_policys_choice() -> None:
    stalled = Stalled("x", limit="inactivity")
    assert ends(stalled, NOBODY).retry_at is not None
    limits = POLICY.limits.model_copy(update={"on_breach": {"inactivity": OnBreach.TERMINATE}})
    strict = POLICY.model_copy(update={"limits": limits})
    told: dict[str, Any] = {"resting": {}, "now": NOON, "jitter": 0.5}
    assert end_or_hand_on(stalled, ticket(), strict, **told).retry_at is None
    cpu = CpuExceeded("x", limit="cpu")
    again = ticket(manifest=manifest(retry={"on": ["limit"]}))
    assert end_or_hand_on(cpu, again, strict, **told).retry_at is not None
    assert end_or_hand_on(cpu, again, POLICY, **told).retry_at is None
