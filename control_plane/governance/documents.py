"""What `factory governance` tells: one JSON shape, and the lines that say the same to a person."""

from collections.abc import Sequence
from typing import Any, Final

from control_plane.runs.wording import harmless
from domain.governance import Verdict
from domain.governed import GovernanceReport, RuleVerdict
from policy.governance.report import SIGNS, blockers, tally

EXIT_CODES: Final = {Verdict.PASS: 0, Verdict.WARN: 0, Verdict.SKIP: 0, Verdict.UNDETERMINED: 3}  #: any other is 1
_FIELDS: Final = {"rule", "verdict", "severity", "mandatory", "message", "evidence", "command", "files_read", "seconds"}
_SHOWN: Final = 5  #: lines of evidence of one blocker; --json has all


def exit_code(report: GovernanceReport) -> int:
    return EXIT_CODES.get(report.verdict, 1)


def verdict_document(report: GovernanceReport) -> dict[str, Any]:
    """Return what `factory governance run --json` prints."""
    return {
        "verdict": report.verdict.value,
        "base_sha": report.base_sha,
        "head_sha": report.head_sha,
        "verdicts": [one.model_dump(mode="json", include=_FIELDS) for one in report.verdicts],
    }


def report_document(report: GovernanceReport) -> dict[str, Any]:
    """Return all of a stored report."""
    return report.model_dump(mode="json")


def report_line(report: GovernanceReport) -> dict[str, Any]:
    return {
        "id": report.id,
        "repository": report.repository,
        "number": report.number,
        "head_sha": report.head_sha,
        "verdict": report.verdict.value,
        "judged_at": report.judged_at.isoformat(),
        "superseded_by": report.superseded_by,
    }


def verdict_lines(report: GovernanceReport) -> list[str]:
    """Return the verdict, what blocks with the command that shows it again, and every rule in a line."""
    found = blockers(report.verdicts)
    rest = [one for one in report.verdicts if one not in found]
    return [
        f"{SIGNS[report.verdict]} {report.verdict}: {tally(report.verdicts)}",
        f"   head {report.head_sha[:12]} on merge base {report.base_sha[:12]}, {report.seconds:.1f} s",
        *(line for one in found for line in _blocker(one)),
        *(f"{SIGNS[one.verdict]} {one.rule}: {harmless(one.message)}" for one in rest),
    ]


def _blocker(one: RuleVerdict) -> list[str]:
    more = len(one.evidence) - _SHOWN
    return [
        f"{SIGNS[one.verdict]} {one.rule} ({one.severity}): {harmless(one.message)}",
        *(f"     {harmless(line)}" for line in one.evidence[:_SHOWN]),
        *([f"     and {more} more lines"] if more > 0 else []),
        f"     $ {harmless(one.command.splitlines()[0])}",
    ]


def differences(stored: Sequence[RuleVerdict], again: Sequence[RuleVerdict]) -> list[str]:
    """Return a line for each rule that two reports tell differently."""
    first, second = ({one.rule: one for one in told} for told in (stored, again))
    return [_difference(name, first.get(name), second.get(name)) for name in dict.fromkeys([*first, *second])
            if first.get(name) != second.get(name)]  # fmt: skip


def _difference(name: str, stored: RuleVerdict | None, again: RuleVerdict | None) -> str:
    if stored is None or again is None:
        before, now = (one.verdict if one else "not judged" for one in (stored, again))
        return f"{name}: {before}, now {now}"
    fields = [key for key, value in stored.model_dump().items() if value != again.model_dump()[key]]
    return f"{name}: {stored.verdict}, now {again.verdict} (differs in {', '.join(fields)})"
