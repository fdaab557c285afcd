"""Where a ticket stands → what the factory says of it on its item: one maintained comment, a status, labels."""

from collections.abc import Callable
from typing import Final

from domain.execution import Run
from domain.forge import PullRequest, PullRequestState
from domain.governance import Approval, ApprovalState, PolicyReport
from domain.lifecycle import RunState, Stage
from domain.model import Value
from domain.tickets import Ticket
from domain.tracking import FactoryLabel, ItemStatus
from policy.attention import is_pause
from policy.quoting import code, plain
from policy.votes import Tally

WORKING: Final = frozenset({FactoryLabel.RUN, FactoryLabel.WORKING})
REVIEW: Final = frozenset({FactoryLabel.RUN, FactoryLabel.REVIEW})
STUCK: Final = frozenset({FactoryLabel.RUN, FactoryLabel.NEEDS_HUMAN})
AGAIN: Final = "rework: "  #: how the reason of a ticket begins whose pull request is objected to
MOST_CHECKS: Final = 30
LONGEST: Final = 20_000  #: characters of the whole comment
SIGNS: Final = {"pass": "✅", "warn": "⚠️", "fail": "❌", "error": "❌", "undetermined": "❓", "skip": "·"}


class Standpoint(Value):
    """What is known of a ticket when its progress is told."""

    ticket: Ticket
    run: Run | None = None  #: its newest
    approval: Approval | None = None  #: the newest of that run
    pull_request: PullRequest | None = None
    report: PolicyReport | None = None
    tally: Tally | None = None  #: of the votes so far
    given_up: str | None = None  #: what is still objected to the pull request after the last follow-up
    notes: tuple[str, ...] = ()  #: what was passed over or refused


class Progress(Value):
    text: str
    status: ItemStatus
    labels: frozenset[FactoryLabel]


def progress_of(at: Standpoint) -> Progress:
    """Return what to say of a ticket now; the same standpoint always gives the same words."""
    text, status, labels = _told(at)
    notes = [f"- {plain(note)}" for note in at.notes]
    whole = "\n\n".join([f"**{at.ticket.id}** · {text}", *(["Passed over:\n\n" + "\n".join(notes)] if notes else [])])
    return Progress(text=whole if len(whole) <= LONGEST else whole[:LONGEST] + " …", status=status, labels=labels)


def refusal(reason: str) -> Progress:
    """Return what to say of an item that cannot become a ticket as it is."""
    text = f"The factory cannot take this up as it is: {plain(reason, 1_500)}\n\nEdited, it is looked at again."
    return Progress(text=text, status=ItemStatus.OPEN, labels=STUCK)


Told = tuple[str, ItemStatus, frozenset[FactoryLabel]]


def _told(at: Standpoint) -> Told:
    return _BY_STAGE[at.ticket.stage](at)


def _queued(at: Standpoint) -> Told:
    if at.run is None:
        return "In the queue of the factory.", ItemStatus.OPEN, frozenset({FactoryLabel.RUN})
    if (at.ticket.reason or "").startswith(AGAIN):
        why = plain((at.ticket.reason or "").removeprefix(AGAIN))
        return f"Its pull request is worked on again: {why}.", ItemStatus.IN_PROGRESS, WORKING
    return f"{_failure(at)} It is tried again{_when(at.ticket)}.", ItemStatus.IN_PROGRESS, WORKING


def _building(at: Standpoint) -> Told:
    run = at.run
    by = f": run {code(run.id)} by {plain(run.harness)}" if run else ""
    return f"Started on factory{by}.", ItemStatus.IN_PROGRESS, WORKING


def _failed(at: Standpoint) -> Told:
    return f"{_failure(at)} What follows is being decided.", ItemStatus.IN_PROGRESS, WORKING


def _review(at: Standpoint) -> Told:
    run, approval = at.run, at.approval
    if run is not None and run.state is RunState.AWAITING_APPROVAL and approval is not None:
        if approval.state is ApprovalState.APPROVED:
            words = f"Run {code(run.id)} was approved by {plain(approval.actor or 'a person')} and goes on."
            return words, ItemStatus.IN_PROGRESS, WORKING
        return _waiting(at, run, approval), ItemStatus.IN_PROGRESS, REVIEW
    if at.ticket.completed_at is not None:
        return _delivered(at)
    return f"{_building(at)[0]} Its change is being checked.", ItemStatus.IN_PROGRESS, WORKING


def _waiting(at: Standpoint, run: Run, approval: Approval) -> str:
    what = "let the run go on" if is_pause(approval) else "let the change out"
    who = ""
    if at.tally is not None and at.tally.needed > 1:
        who = f"\n\n{len(at.tally.approved_by)} of {at.tally.needed} approvals so far."
    if at.tally is not None and at.tally.waits_for:
        who += f" Asked: {', '.join(plain(name) for name in at.tally.waits_for)}."
    return (
        f"Run {code(run.id)} waits for a person until {approval.deadline:%Y-%m-%d %H:%M} UTC: "
        f"{plain(approval.request_reason)} (rule {code(approval.rule)}).{who}\n\n"
        f"To {what}, comment `/approve {run.id}`; to end it, `/reject {run.id} REASON`."
    )


def _delivered(at: Standpoint) -> Told:
    pull = at.pull_request
    if pull is None or pull.state is PullRequestState.CLOSED:
        words = "Its pull request was closed without a merge. `/factory retry` begins anew, `/factory cancel` ends it."
        return words, ItemStatus.IN_PROGRESS, STUCK
    words = f"Pull request {_link(pull)} is open at {code(pull.head_sha)}. A person reviews and merges it."
    if at.given_up is not None:
        words = f"{words}\n\n**A person's turn:** the factory follows up no more, and still: {plain(at.given_up)}."
    labels = REVIEW if at.given_up is None else REVIEW | STUCK
    return f"{words}\n\n{_verdict(at.report)}", ItemStatus.IN_PROGRESS, labels


def _shipped(at: Standpoint) -> Told:
    pull = at.pull_request
    if pull is None:
        return f"Shipped.\n\n{_verdict(at.report)}", ItemStatus.DONE, frozenset({FactoryLabel.DONE})
    merge = f", merged as {code(pull.merge_sha)}" if pull.merge_sha else ""
    by = f" by {plain(pull.merged_by)}" if pull.merged_by else ""
    words = f"Shipped with pull request {_link(pull)}: {code(pull.head_sha)}{merge}{by}."
    return f"{words}\n\n{_verdict(at.report)}", ItemStatus.DONE, frozenset({FactoryLabel.DONE})


def _dead(at: Standpoint) -> Told:
    reason = at.ticket.reason or ""
    if reason.startswith("run.canceled"):
        return f"Canceled: {plain(reason.partition(': ')[2])}.", ItemStatus.OPEN, frozenset()
    if reason.startswith("approval.rejected"):
        words = f"Rejected: {plain(reason.partition(': ')[2])}."
    else:
        words = f"{_failure(at)} No further attempt is made without a person."
    return (
        f"{words}\n\nA person may comment `/factory retry`, edit this item, which makes it a new ticket, or close it.",
        ItemStatus.IN_PROGRESS,
        STUCK,
    )


_BY_STAGE: Final[dict[Stage, Callable[[Standpoint], Told]]] = {
    Stage.QUEUED: _queued,
    Stage.ASSIGNED: _queued,
    Stage.BUILDING: _building,
    Stage.REVIEW: _review,
    Stage.TESTING: _delivered,
    Stage.SHIPPED: _shipped,
    Stage.FAILED: _failed,
    Stage.DEAD_LETTER: _dead,
}


def _failure(at: Standpoint) -> str:
    attempt = f"Attempt {at.run.attempt}" if at.run else "It"
    run = at.run
    why = ": ".join(part for part in (run.reason_code, run.reason) if part) if run else ""
    return f"{attempt} failed: {plain(why or at.ticket.reason or 'for a reason nobody noted')}."


def _when(ticket: Ticket) -> str:
    return f", not before {ticket.not_before:%Y-%m-%d %H:%M:%S} UTC" if ticket.not_before > ticket.updated_at else ""


def _link(pull: PullRequest) -> str:
    address = pull.url.replace(" ", "%20").replace("(", "%28").replace(")", "%29").replace("<", "%3C")
    return f"[number {pull.number}](<{address}>)" if address.isprintable() else f"number {pull.number}"


def _verdict(report: PolicyReport | None) -> str:
    if report is None:
        return "No check is on record."
    rows = [f"| {code(one.rule)} | {SIGNS[one.verdict]} {one.verdict} |" for one in report.verdicts[:MOST_CHECKS]]
    return "\n".join(
        [f"Verified: {SIGNS[report.verdict]} {report.verdict}", "", "| check | verdict |", "|---|---|", *rows]
    )
