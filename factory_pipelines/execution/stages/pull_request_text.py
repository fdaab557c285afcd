"""The words of a pull request: commit message, body, evidence. Text from tickets and tools is escaped."""

import html
import re

from domain.execution import Run
from domain.forge import Link
from domain.governance import CheckResult, Origin, PolicyReport, Validation
from domain.tickets import Ticket

GREEN_LIMIT = 50  #: names listed of tests that turned green
SIGNS = {"pass": "✅", "warn": "⚠️", "fail": "❌", "error": "❌", "undetermined": "❓", "skip": "·"}


def branch_name(ticket: Ticket) -> str:
    """One branch a ticket, whatever the attempt."""
    words = re.sub(r"[^a-z0-9]+", "-", ticket.manifest.title.lower()).strip("-")[:40].strip("-")
    return f"factory/{ticket.id}-{words}".rstrip("-")


def commit_message(ticket: Ticket, run: Run) -> str:
    """Subject, body and the trailers that lead back to the ticket and the run."""
    return f"{ticket.manifest.title}\n\nFactory-Ticket: {ticket.id}\nFactory-Run: {run.id}\n"


def plain(text: str) -> str:
    """Return hostile text as one harmless line of Markdown."""
    line = html.escape(" ".join(text.split()), quote=False)
    return re.sub(r"([\\`*_\[\]#|@!])", r"\\\1", line)


def code(text: str) -> str:
    return "`` " + " ".join(text.split()).replace("`", "'") + " ``"


def body(ticket: Ticket, run: Run, report: PolicyReport, facts: Validation, links: tuple[Link, ...]) -> str:
    """Return the pull request's Markdown body."""
    parts = [
        f"**Ticket** {ticket.id} · **Run** {run.id} · **Harness** {plain(run.harness)} · "
        f"**Risk** {run.risk or ticket.risk} · **Verdict** {SIGNS[report.verdict]} {report.verdict}",
    ]
    if ticket.manifest.body.strip():
        quoted = "\n".join(f"> {plain(line)}" for line in ticket.manifest.body.strip().splitlines()[:60])
        parts.append(f"## What was wanted\n\n{quoted}")
    if ticket.manifest.acceptance:
        parts.append("## Acceptance\n\n" + "\n".join(_criteria(ticket, facts)))
    parts.append("## Checks\n\n" + _verdict_table(report))
    parts.append("## Evidence\n\n" + _evidence(facts, links))
    return "\n\n".join(parts) + "\n"


def _criteria(ticket: Ticket, facts: Validation) -> list[str]:
    passed = {c.command for c in facts.checks if c.origin is Origin.ACCEPTANCE and c.passed}
    lines = []
    for item in ticket.manifest.acceptance:
        box = "x" if item.check and item.check in passed else " "
        how = f" ({code(item.check)})" if item.check else " (for a person to confirm)"
        lines.append(f"- [{box}] {plain(item.text)}{how}")
    return lines


def _verdict_table(report: PolicyReport) -> str:
    rows = [
        (one.rule, f"{SIGNS[one.verdict]} {one.verdict}", "yes" if one.mandatory else "no", plain(one.message))
        for one in report.verdicts
    ]
    return "\n".join(
        ["| rule | verdict | mandatory | why |", "|---|---|---|---|", *(f"| {' | '.join(row)} |" for row in rows)]
    )


def _evidence(facts: Validation, links: tuple[Link, ...]) -> str:
    summary = (
        f"{len(facts.files)} files changed, +{facts.lines_added} -{facts.lines_removed}, on base `{facts.base_sha}`."
    )
    listed = [f"- {plain(link.label)} · sha256 `{link.artifact.sha256}`" for link in links]
    return "\n".join([summary, "", *_green(facts), *listed])


def _green(facts: Validation) -> list[str]:
    names = sorted({name for check in facts.checks for name in check.turned_green})
    if not names:
        return []
    more = [f"- and {len(names) - GREEN_LIMIT} more"] if len(names) > GREEN_LIMIT else []
    return [
        f"Red on the base, green now ({len(names)}):",
        "",
        *(f"- {code(n)}" for n in names[:GREEN_LIMIT]),
        *more,
        "",
    ]


def check_label(check: CheckResult, number: int) -> str:
    state = "passed" if check.passed else "failed"
    return f"check {number}, {check.origin}, {state}: {check.command[:80]}"
