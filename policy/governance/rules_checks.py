"""The repository's own checks on the head, against the same checks on the base."""

from domain.changes import ChangeFacts
from domain.governance import CheckResult, Origin, Verdict
from policy.gates import judge_check
from policy.governance.model import GovernancePolicy
from policy.governance.shape import Ruling, excluded
from policy.governance.visible import lines, named


def tests(facts: ChangeFacts, policy: GovernancePolicy) -> Ruling:
    """Judge every check that is no acceptance item; an exclusion's `finding` is a check's command."""
    ran = [check for check in facts.checks if check.origin is not Origin.ACCEPTANCE]
    checks = [one for one in ran if not excluded(policy, "tests", "", one.command, facts.now.date())]
    if not checks:
        why = f": {facts.checks_problem}" if facts.checks_problem else ""
        return Ruling(Verdict.UNDETERMINED, f"no check of the repository was run{why}")
    judged = [judge_check(check, facts.baseline) for check in checks]
    verdict, message = max(judged, key=lambda one: one[0].rank)
    return Ruling(verdict, message, lines([_summary(check) for check in checks]))


def _summary(check: CheckResult) -> str:
    end = check.reason or f"exit code {check.exit_code}"
    count = f", {check.tests_run} tests" if check.tests_run is not None else ""
    failed = f", failing: {named(check.failed_tests)}" if check.failed_tests else ""
    return f"{check.origin}: {check.command}: {end}{count}{failed}"
