"""Evidence for more autonomy: three figures, and what nobody knows is none."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest

from domain.governance import Verdict
from domain.lifecycle import RunState, Stage
from domain.outcomes import RunOutcome
from domain.stages import Judged
from domain.tickets import Manifest, Risk, Ticket, Tier
from policy.stages import LADDER, Evidence, StagePolicy, running_limit, stage_report, step_down, step_up
from resources.policy_files import load_policy

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
POLICY = StagePolicy(stage=Tier.CONSTRAINED, window=timedelta(days=30), least_runs=4, drop=0.1)


def outcome(number: int, *, verified: bool = True, **told: Any) -> RunOutcome:
    at = NOON + timedelta(minutes=number)
    given = {
        "run_id": f"T-{number}-r1", "ticket_id": f"T-{number}", "repository": "calc", "harness": "codex", "attempt": 1,
        "state": RunState.SUCCEEDED, "started_at": at, "ended_at": at, "verified": verified,
    }  # fmt: skip
    return RunOutcome.model_validate({**given, **told})


def ticket(number: int, title: str = "", stage: Stage = Stage.TESTING, **told: Any) -> Ticket:
    given = {"title": title or f"ticket {number}", "repository": "calc", **told}
    at = NOON + timedelta(minutes=number)
    return Ticket(
        id=f"T-{number}", stage=stage, manifest=Manifest.model_validate(given), manifest_sha256="0" * 64,
        idempotency_key=f"k{number}", lock="calc", risk=Risk.LOW, created_by="ann", created_at=at, updated_at=at,
        not_before=at,
    )  # fmt: skip


def judged(tree: str = "a", tests: Verdict = Verdict.PASS) -> Judged:
    return Judged(base_sha="b" * 40, tree_sha=tree * 40, verdict=tests, rules={"tests": tests})


def report(outcomes=(), tickets=(), judgements=(), policy: StagePolicy = POLICY):
    found = Evidence(outcomes=tuple(outcomes), tickets=tuple(tickets), judged=tuple(judgements))
    return stage_report(found, policy, repository="calc", since=NOON)


GOOD = [outcome(number) for number in range(4)]
TWICE = [judged(), judged()]


def test_good_runs_a_rerun_and_no_duplicates_are_evidence() -> None:
    found = report(GOOD, [ticket(1), ticket(2)], TWICE)
    assert (found.is_green, found.runs, found.duplicates, found.steady) == (True, 4, (), True)
    assert (found.reruns, found.equal_reruns, found.pass_rate_before, found.pass_rate_now) == (1, 1, 1.0, 1.0)
    assert found == report(reversed(GOOD), [ticket(2), ticket(1)], TWICE)


def test_what_nobody_knows_is_no_evidence_and_no_breach() -> None:
    found = report()
    assert (found.is_green, found.steady, found.breaches) == (False, None, ())
    assert found.lacking == (
        "0 runs of the 4 that evidence takes",
        "no change was judged twice, so that nobody knows whether a rerun comes to the same",
    )
    assert not report(GOOD[:3], [], TWICE).is_green
    assert not report(GOOD, [], [judged("a"), judged("c")]).is_green


@pytest.mark.parametrize(
    ("second", "breaches"),
    [
        (ticket(2, "Tidy  calc"), 0),
        (ticket(2, "tidy calc "), 1),
        (ticket(2, "tidy calc", repository="shop"), 0),
        (ticket(2, "tidy calc", body="Otherwise."), 0),
        (ticket(2, "tidy calc", **{"tracker-item": "calc#2"}), 0),
    ],
)
def test_a_duplicate_asks_for_the_same_again(second: Ticket, breaches: int) -> None:
    found = report(GOOD, [ticket(1, "Tidy calc"), second], TWICE)
    assert (len(found.breaches), found.duplicates) == (breaches, ("T-2",) if breaches else ())
    assert found.is_green is not bool(breaches)


def test_what_was_given_up_may_be_asked_for_again() -> None:
    assert report(GOOD, [ticket(1, "x", Stage.DEAD_LETTER), ticket(2, "x")], TWICE).is_green


@pytest.mark.parametrize("other", [judged(tests=Verdict.FAIL), judged(tests=Verdict.UNDETERMINED)])
def test_a_rerun_with_another_verdict_is_a_breach(other: Judged) -> None:
    found = report(GOOD, [], [*TWICE, other])
    assert (found.reruns, found.equal_reruns, found.is_green) == (1, 0, False)
    assert found.breaches == ("1 of 1 reruns came to another verdict",)


@pytest.mark.parametrize(("failed", "steady"), [((0, 1), True), ((2, 3), False), ((3,), False), ((0, 3), True)])
def test_the_pass_rate_may_rise_and_hold_but_not_fall(failed: tuple[int, ...], steady: bool) -> None:
    found = report([outcome(number, verified=number not in failed) for number in range(4)], [], TWICE)
    assert (found.steady, bool(found.breaches)) == (steady, not steady)


def test_who_was_canceled_or_not_served_or_is_at_work_counts_for_nothing() -> None:
    others = [
        outcome(9, verified=False, state=RunState.CANCELED),
        outcome(8, verified=False, state=RunState.FAILED, harness_until=NOON),
        outcome(7, verified=False, state=RunState.RUNNING, ended_at=None),
    ]
    assert report([*GOOD, *others], [], TWICE).runs == 4


def test_the_ladder_has_no_gap() -> None:
    assert LADDER == (Tier.CONSTRAINED, Tier.SUPERVISED, Tier.AUTONOMOUS)
    assert all((step_up(low), step_down(high)) == (high, low) for low, high in pairwise(LADDER))
    assert (step_up(Tier.AUTONOMOUS), step_down(Tier.CONSTRAINED)) == (None, None)


@pytest.mark.parametrize(("stage", "most"), [(Tier.CONSTRAINED, 1), (Tier.SUPERVISED, 7), (Tier.AUTONOMOUS, 7)])
def test_the_constrained_stage_has_one_worker(stage: Tier, most: int) -> None:
    assert running_limit(7, POLICY.model_copy(update={"stage": stage})) == most


@pytest.mark.parametrize(
    ("code", "tells"),
    [
        ("run.worker_died", False),
        ("lease.expired", False),
        ("sandbox.failed", False),
        ("ledger.unavailable", False),
        ("forge.unavailable", False),
        ("storage.full", False),
        ("harness.rate_limited", False),
        ("lease.conflict", False),
        ("verify.failed", True),
        ("patch.empty", True),
        ("harness.failed", True),
        ("run.timed_out", True),
        ("run.money_exceeded", True),
        ("approval.rejected", True),
        ("factory.unexpected", True),
        ("no.such_code", True),
        (None, True),
    ],
)
def test_a_run_that_lost_its_means_is_no_evidence(code: str | None, *, tells: bool) -> None:
    failed = [outcome(9 + n, verified=False, state=RunState.FAILED, reason_code=code) for n in range(4)]
    found = report([*GOOD, *failed])
    assert (found.runs, found.steady) == ((8, False) if tells else (4, True))
    assert bool(found.breaches) is tells


def test_the_shipped_policy_loads() -> None:
    assert load_policy().stages.stage is Tier.AUTONOMOUS
