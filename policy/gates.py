"""Gates: pure functions of the facts about one change. Unknown never passes."""

from collections.abc import Callable, Sequence
from typing import Final

from domain.governance import CheckResult, GateVerdict, Origin, Validation, Verdict
from domain.repositories import RepositorySettings
from policy.rules_model import GatePolicy
from policy.scopes import scope_report

Gate = Callable[[Validation, RepositorySettings, GatePolicy], GateVerdict]


def patch_replays(facts: Validation, _settings: RepositorySettings, _policy: GatePolicy) -> GateVerdict:
    same = facts.replayed_tree_sha == facts.tree_sha
    message = f"replaying the patch gives tree {facts.replayed_tree_sha[:12]}"
    if not same:
        message += f", but {facts.tree_sha[:12]} was collected"
    return GateVerdict(rule="replay", verdict=Verdict.PASS if same else Verdict.FAIL, message=message)


def tests_pass(facts: Validation, _settings: RepositorySettings, _policy: GatePolicy) -> GateVerdict:
    checks = [check for check in facts.checks if check.origin is not Origin.ACCEPTANCE]
    if not checks:
        return GateVerdict(
            rule="tests", verdict=Verdict.UNDETERMINED, message="the repository and the ticket name no verify command"
        )
    judged = [(*judge_check(check, facts.baseline), check.command) for check in checks]
    verdict, message, command = max(judged, key=lambda one: one[0].rank)
    evidence = tuple(check.log for check in checks if check.log)
    return GateVerdict(rule="tests", verdict=verdict, message=message, evidence=evidence, command=command)


def judge_check(check: CheckResult, baseline: tuple[CheckResult, ...] | None) -> tuple[Verdict, str]:
    if check.passed:
        count = f" ({check.tests_run} tests)" if check.tests_run is not None else ""
        return Verdict.PASS, f"`{check.command}` passed{count}"
    before = next((one for one in baseline or () if one.command == check.command), None)
    if check.origin is Origin.TICKET or before is None or before.passed:
        return Verdict.FAIL, f"`{check.command}` failed: {_why(check)}"
    return _compare(check, before)


def _compare(check: CheckResult, before: CheckResult) -> tuple[Verdict, str]:
    """Judge a check that is red on the base too: only newly failing tests count against the patch."""
    if not check.failed_tests or before.failed_tests is None:
        return Verdict.UNDETERMINED, f"`{check.command}` fails on the base too and names no tests to compare"
    new = sorted(set(check.failed_tests) - set(before.failed_tests))
    if new:
        return Verdict.FAIL, f"`{check.command}` newly fails: {', '.join(new[:10])}"
    return Verdict.WARN, f"`{check.command}` fails only tests that fail on the base too ({len(check.failed_tests)})"


def _why(check: CheckResult) -> str:
    if check.failed_tests:
        return f"{len(check.failed_tests)} failing: {', '.join(check.failed_tests[:10])}"
    return check.reason or f"exit code {check.exit_code}"


def acceptance_met(facts: Validation, _settings: RepositorySettings, _policy: GatePolicy) -> GateVerdict:
    checks = [check for check in facts.checks if check.origin is Origin.ACCEPTANCE]
    failed = [check for check in checks if not check.passed]
    if not checks:
        return GateVerdict(rule="acceptance", verdict=Verdict.SKIP, message="no acceptance item has a check")
    evidence = tuple(check.log for check in checks if check.log)
    if failed:
        return GateVerdict(
            rule="acceptance",
            verdict=Verdict.FAIL,
            message=f"`{failed[0].command}` failed: {_why(failed[0])}",
            evidence=evidence,
            command=failed[0].command,
        )
    return GateVerdict(
        rule="acceptance", verdict=Verdict.PASS, message=f"{len(checks)} acceptance checks passed", evidence=evidence
    )


def scope_kept(facts: Validation, settings: RepositorySettings, _policy: GatePolicy) -> GateVerdict:
    scopes = [scope for scope in (settings.scope, facts.allowed_scope) if scope]
    if not scopes:
        return GateVerdict(rule="scope", verdict=Verdict.SKIP, message="neither repository nor ticket sets a scope")
    outside = scope_report(facts.files, *scopes).outside
    if outside:
        return GateVerdict(
            rule="scope", verdict=Verdict.FAIL, message=f"outside of the allowed scope: {', '.join(outside[:10])}"
        )
    return GateVerdict(rule="scope", verdict=Verdict.PASS, message="every changed file is in scope")


def size_bounded(facts: Validation, _settings: RepositorySettings, policy: GatePolicy) -> GateVerdict:
    lines = facts.lines_added + facts.lines_removed
    big = [file.path for file in facts.files if file.size > policy.max_file_bytes]
    if big:
        verdict, message = Verdict.FAIL, f"larger than {policy.max_file_bytes} bytes: {', '.join(big[:5])}"
    elif len(facts.files) > policy.max_files or lines > policy.max_lines:
        verdict, message = (
            Verdict.FAIL,
            f"{len(facts.files)} files and {lines} lines, over {policy.max_files} files or {policy.max_lines} lines",
        )
    elif binary := [file.path for file in facts.files if file.binary]:
        verdict, message = Verdict.WARN, f"binary files a reviewer cannot read: {', '.join(binary[:5])}"
    else:
        verdict, message = Verdict.PASS, f"{len(facts.files)} files, {lines} lines"
    return GateVerdict(rule="size", verdict=verdict, message=message)


def no_secrets(facts: Validation, _settings: RepositorySettings, _policy: GatePolicy) -> GateVerdict:
    if facts.secrets is None:
        return GateVerdict(rule="secrets", verdict=Verdict.UNDETERMINED, message="the patch could not be scanned")
    if facts.secrets:
        first = facts.secrets[0]
        return GateVerdict(rule="secrets", verdict=Verdict.FAIL, message=f"{first.kind} in {first.path}:{first.line}")
    return GateVerdict(rule="secrets", verdict=Verdict.PASS, message="no secret in the added lines")


GATES: Final[tuple[Gate, ...]] = (
    patch_replays,
    tests_pass,
    acceptance_met,
    scope_kept,
    size_bounded,
    no_secrets,
)


def judge(facts: Validation, settings: RepositorySettings, policy: GatePolicy) -> tuple[GateVerdict, ...]:
    """Run every gate, never stopping early: a person wants the whole list at once."""
    verdicts = [gate(facts, settings, policy) for gate in GATES]
    return tuple(verdict.model_copy(update={"mandatory": verdict.rule not in policy.advisory}) for verdict in verdicts)


def overall(verdicts: Sequence[GateVerdict]) -> Verdict:
    """Return the worst mandatory verdict; no gates at all is an error, never a pass."""
    worst = max((one.verdict for one in verdicts if one.mandatory), key=lambda v: v.rank, default=Verdict.ERROR)
    advisory = [one for one in verdicts if not one.mandatory and one.verdict.rank > Verdict.WARN.rank]
    floor = Verdict.WARN if advisory else Verdict.PASS
    return max(worst, floor, key=lambda verdict: verdict.rank)


RULES: Final = ("replay", "tests", "acceptance", "scope", "size", "secrets")  #: the gates' names, in order
