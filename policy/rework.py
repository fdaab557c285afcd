"""What was said of our pull request → whether a follow-up run begins now, and what its agent is told."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Final

from domain.forge import Remark
from domain.governed import GovernanceReport
from domain.model import Instant, Value
from policy.commands import commands_in
from policy.governance.report import blockers
from policy.inbox import FAILED, FAILED_STATUS
from policy.pull_requests import ReworkPolicy
from policy.quoting import line_of, seen

EVIDENCE: Final = 20  #: lines of one rule
LONGEST: Final = 4_000  #: characters of one remark


class Move(StrEnum):
    NOTHING = "nothing"
    WAIT = "wait"
    BEGIN = "begin"
    GIVE_UP = "give_up"  #: a person's turn


class Asked(Value):
    """One wish for a follow-up, as the ledger has it."""

    at: Instant
    reason: str


def next_move(wishes: Sequence[Asked], begun: int, policy: ReworkPolicy, now: datetime) -> Move:
    """Decide on the wishes since the last follow-up began.

    Args:
        wishes: Oldest first.
        begun: Follow-ups that this pull request had.
        policy: The bounds.
        now: When it is asked.
    """
    if not wishes or not policy.enabled:
        return Move.NOTHING
    if begun >= policy.most:
        return Move.GIVE_UP
    waited_enough = now - wishes[-1].at >= policy.quiet or now - wishes[0].at >= policy.longest
    return Move.BEGIN if waited_enough else Move.WAIT


def why(wishes: Sequence[Asked]) -> str:
    """Return the reasons in one line, each once."""
    return line_of("; ".join(dict.fromkeys(wish.reason for wish in wishes)), 1_000)


def objection_in(remark: Remark) -> str | None:
    """Return why a remark asks for a follow-up, in the words that its webhook comes to; None when it does not."""
    match remark.kind:
        case "review" if remark.state == "changes_requested":
            return f"{remark.author} requested changes"
        case "review_comment" if not commands_in(remark.text):
            return f"{remark.author} commented on a line"
        case "check":
            return _failed(remark)
    return None


def _failed(remark: Remark) -> str | None:
    name = remark.text.partition("\n")[0]
    if remark.id.startswith("status-"):
        return f"the status {name} is {remark.state}" if remark.state in FAILED_STATUS else None
    return f"the check {name} ended in {remark.state}" if remark.state in FAILED else None


def objections(
    remarks: Sequence[Remark], report: GovernanceReport | None, since: datetime, policy: ReworkPolicy
) -> str:
    """Return what the agent reads: blockers of governance first, then the newest remarks; all of it is data.

    Args:
        remarks: Oldest first.
        report: Of the pull request's head; None: none was made.
        since: Earlier remarks were heard by an earlier run.
        policy: How much there is room for.
    """
    heard = [one for one in remarks if one.at >= since][-policy.remarks :]
    parts = [*_of_governance(report), *map(_told, heard)]
    return "\n\n".join(parts)[: policy.characters].strip()


def _of_governance(report: GovernanceReport | None) -> Iterator[str]:
    for one in blockers(report.verdicts) if report else ():
        evidence = [f"  {line_of(line, 500)}" for line in one.evidence[:EVIDENCE]]
        told = f"Governance rule {one.rule}: {one.verdict}: {line_of(one.message, 500)}"
        yield "\n".join([told, *evidence, f"  Run it again: {line_of(one.command, 500)}"])


def _told(one: Remark) -> str:
    place = f" on {line_of(one.path, 300)}:{one.line or '?'}" if one.path else ""
    state = f" ({line_of(one.state, 50)})" if one.state else ""
    return f"{one.kind} by {line_of(one.author, 100)}{place}{state}:\n{seen(one.text)[:LONGEST]}"
