"""From when on a change would be fit to be merged without a person; that nothing does it is told by the night shift."""

import pytest

from domain.governance import Verdict
from domain.lifecycle import RunState
from domain.tickets import Risk
from policy.merging import MergePolicy, merge_eligibility
from tests.policy.test_stages import outcome

POLICY = MergePolicy(confidence=0.75, least_runs=4)
GOOD = [outcome(number) for number in range(4)]


def test_a_passed_change_of_low_risk_by_who_is_mostly_right_is_fit() -> None:
    found = merge_eligibility(
        POLICY, verdict=Verdict.PASS, risk=Risk.LOW, outcomes=[*GOOD[:3], outcome(9, verified=False)]
    )
    assert (found.eligible, found.confidence, found.against) == (True, 0.75, ())


@pytest.mark.parametrize("verdict", [one for one in Verdict if one is not Verdict.PASS])
def test_any_other_verdict_is_against_it(verdict: Verdict) -> None:
    found = merge_eligibility(POLICY, verdict=verdict, risk=Risk.LOW, outcomes=GOOD)
    assert (found.eligible, found.against) == (False, (f"governance: {verdict}",))


@pytest.mark.parametrize("risk", [Risk.MEDIUM, Risk.HIGH])
def test_so_is_a_higher_risk(risk: Risk) -> None:
    assert not merge_eligibility(POLICY, verdict=Verdict.PASS, risk=risk, outcomes=GOOD).eligible


def test_so_are_too_few_runs_and_too_many_failures() -> None:
    few = merge_eligibility(POLICY, verdict=Verdict.PASS, risk=Risk.LOW, outcomes=GOOD[:3])
    assert (few.eligible, few.confidence) == (False, None)
    bad = [outcome(number, verified=number > 1) for number in range(4)]
    assert merge_eligibility(POLICY, verdict=Verdict.PASS, risk=Risk.LOW, outcomes=bad).against == (
        "a confidence of 50%, below 75%",
    )


def test_runs_that_were_canceled_or_go_on_teach_nothing() -> None:
    others = [outcome(8, state=RunState.CANCELED), outcome(9, ended_at=None)]
    assert (
        merge_eligibility(POLICY, verdict=Verdict.PASS, risk=Risk.LOW, outcomes=[*GOOD[:3], *others]).confidence is None
    )


def test_so_do_runs_that_lost_their_means() -> None:
    lost = outcome(9, verified=False, state=RunState.FAILED, reason_code="run.worker_died")
    found = merge_eligibility(POLICY, verdict=Verdict.PASS, risk=Risk.LOW, outcomes=[*GOOD, lost])
    assert found.confidence == 1.0
