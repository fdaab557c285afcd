"""A governance report as the one comment a pull request has: blockers first, then everything, never too long."""

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

from domain.execution import ArtifactRef
from domain.governance import Verdict
from domain.governed import GovernanceReport, RuleVerdict
from policy.governance.markdown import NOTHING, fenced, linked, plain
from policy.governance.visible import one_line

LIMIT: Final = 60_000  #: characters
MARKER: Final = "governance"  #: the key under which a review desk keeps the comment
EVIDENCE: Final = 10  #: lines shown of one blocker; all are in its log
SIGNS: Final = {"pass": "✅", "warn": "⚠️", "fail": "❌", "error": "❌", "undetermined": "❓", "skip": "·"}
_TALLY: Final = {
    Verdict.ERROR: "broke", Verdict.FAIL: "failed", Verdict.UNDETERMINED: "undetermined",
    Verdict.WARN: "warned", Verdict.PASS: "passed", Verdict.SKIP: "skipped",
}  # fmt: skip
Links = Callable[[ArtifactRef], str | None]  #: where a reader can open an artifact; None: nowhere


class _Block(NamedTuple):
    full: str
    short: str = ""  #: when there is no room for all of it


def blockers(verdicts: Sequence[RuleVerdict]) -> list[RuleVerdict]:
    """Return the mandatory rules that stop the change, the most severe first."""
    stopping = [one for one in verdicts if one.mandatory and one.verdict.rank > Verdict.WARN.rank]
    return sorted(stopping, key=lambda one: (-one.severity.rank, -one.verdict.rank))


def render(report: GovernanceReport, link: Links, *, top: int = 5, whole: str | None = None) -> str:
    """Return the comment.

    Args:
        report: Of one head.
        link: Gives the address of an artifact.
        top: Blockers told in full.
        whole: Address of the full report, for what finds no room.
    """
    left_out = f"\n\n… left out for length: {linked('the full report', whole) if whole else 'see the stored report'}"
    table = _fit(_table(report, link), 20_000, left_out, "\n")
    smaller = [_fit(part, 4_000, left_out) for part in (_exclusions(report), _costs(report), _advice(report))]
    opening, ending = _opening(report), _ending(report)
    used = sum(map(len, (opening, table, *smaller, ending))) + 20 * len(smaller)
    first = _fit(_blockers(report, link, top), LIMIT - used - 2 * len(left_out), left_out)
    return "\n\n".join(part for part in (opening, first, table, *smaller, ending) if part) + "\n"


def in_progress(head_sha: str, previous: GovernanceReport | None = None) -> str:
    """Return the comment while a head is being judged; what an older head got is told as old."""
    told = [f"**⏳ Governance: judging** `{head_sha}`"]
    if previous is not None:
        told.append(
            f"The verdict on `{previous.head_sha}` was {_said(previous.verdict)}; it does not hold for this head."
        )
    return "\n\n".join([*told, f"<!-- factory: report=pending head={head_sha} -->"]) + "\n"


def tally(verdicts: Sequence[RuleVerdict]) -> str:
    """Return how many rules ended how, the worst first."""
    counts = Counter(one.verdict for one in verdicts)
    return " · ".join(f"{counts[one]} {word}" for one, word in _TALLY.items() if counts[one]) or "no rule judged"


def _said(verdict: Verdict) -> str:
    return f"{SIGNS[verdict]} {verdict}"


def _opening(report: GovernanceReport) -> str:
    summary = f"**{SIGNS[report.verdict]} Governance: {report.verdict}** · {tally(report.verdicts)}"
    if report.superseded_by is not None:
        summary = f"**Superseded** by head `{report.superseded_by}`; before: {summary}"
    place = (
        f"Head `{report.head_sha}` on merge base `{report.base_sha}`, policy `{_letters(report.policy_sha256)[:12]}`."
    )
    return f"{summary}\n\n{place}"


def _letters(text: str) -> str:
    return "".join(character for character in text if character.isalnum())


def _ending(report: GovernanceReport) -> str:
    told = {"report": report.id, "head": report.head_sha, "policy": _letters(report.policy_sha256)}
    return (
        "<!-- factory:" + "".join(f" {key}={value}" for key, value in told.items()) + f" verdict={report.verdict} -->"
    )


def _blockers(report: GovernanceReport, link: Links, top: int) -> list[_Block]:
    found = blockers(report.verdicts)
    if not found:
        return []
    more = f" (the first {top} of {len(found)}; all are in the table)" if len(found) > top else ""
    return [_Block(f"### What blocks{more}"), *(_blocker(one, report, link) for one in found[:top])]


def _blocker(one: RuleVerdict, report: GovernanceReport, link: Links) -> _Block:
    title = f"#### {_said(one.verdict)}: `{one.rule}` ({one.severity})\n\n{plain(one.message)}"
    more = [f"and {len(one.evidence) - EVIDENCE} more lines"] if len(one.evidence) > EVIDENCE else []
    evidence = fenced([*(one_line(line) for line in one.evidence[:EVIDENCE]), *more])
    commands = one.command.splitlines()
    again = f"Evidence: {_evidence(one, report, link)}. Run it again:"
    return _Block(
        "\n\n".join([title, evidence, again, fenced(commands, "sh")]),
        "\n\n".join([title, again, fenced(commands[:1], "sh")]),
    )


def _table(report: GovernanceReport, link: Links) -> list[_Block]:
    names = ("rule", "status", "severity", "mandatory", "seconds", "why", "evidence")
    head = f"### All rules\n\n| {' | '.join(names)} |\n{'|---' * len(names)}|"
    rows = [
        f"| `{one.rule}` | {_said(one.verdict)} | {one.severity} | {'yes' if one.mandatory else 'no'} "
        f"| {one.seconds:.1f} | {plain(one.message[:120])} | {_evidence(one, report, link)} |"
        for one in report.verdicts
    ]
    return [_Block(head), *map(_Block, rows)]


def _evidence(one: RuleVerdict, report: GovernanceReport, link: Links) -> str:
    """Return links to the raw logs of a rule; one without has the facts that it judged."""
    if one.logs:
        return " ".join(linked(f"log {number}", link(log)) for number, log in enumerate(one.logs[:4], 1))
    return linked("facts", link(report.facts)) if report.facts else NOTHING


def _exclusions(report: GovernanceReport) -> list[_Block]:
    told = [f"- `{one.rule}`: {plain(text)}" for one in report.verdicts for text in one.exclusions]
    return [_Block("### Exclusions"), _Block("\n".join(told[:20]), "\n".join(told[:3]))] if told else []


def _costs(report: GovernanceReport) -> list[_Block]:
    told = [
        f"{plain(tool.scanner)} {tool.seconds:.1f} s"
        + ("" if tool.cpu_seconds is None else f" ({tool.cpu_seconds:.1f} s of CPU)")
        for tool in report.tools
    ]
    return [_Block(f"### Cost\n\n{report.seconds:.1f} s in all: {', '.join(told[:30])}.")] if told else []


def _advice(report: GovernanceReport) -> list[_Block]:
    lines = [one_line(line) for line in report.advice[:3_000].splitlines()]
    told = "### Advice of a model\n\nNo verdict reads it."
    return [_Block(told), _Block(fenced(lines))] if lines else []


def _fit(blocks: Sequence[_Block], room: int, left_out: str, between: str = "\n\n") -> str:
    """Join as many blocks as there is room for, whole or short, and say so when some are left out."""
    told = ""
    for block in blocks:
        joined = next(
            (
                text
                for part in (block.full, block.short)
                if part and len(text := told + (between if told else "") + part) <= room
            ),
            None,
        )
        if joined is None:
            return told + left_out
        told = joined
    return told
