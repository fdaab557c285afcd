"""Approvals from the forge: comments and reviews of people decide a waiting run."""

from collections.abc import Iterator

from domain.errors import ApprovalRefused
from domain.execution import Run
from domain.forge import PullRequestState, Remark
from domain.governance import Approval
from domain.lifecycle import RunState
from domain.tickets import Ticket
from domain.tracking import ItemComment
from policy.commands import Verb, commands_in
from policy.votes import Tally, Vote, Word, is_person, reviewers_of, tally
from resources.tracking import remarks_on
from sensors.tracker_desk import TrackerDesk

DECISIONS = (Verb.APPROVE, Verb.REJECT)


def decide_waiting(desk: TrackerDesk) -> list[str]:
    """Decide every run of the repository that people have decided; return their ids."""
    decided = []
    for run in desk.factory.lookup.runs(state=RunState.AWAITING_APPROVAL):
        ticket = desk.factory.lookup.ticket(run.ticket_id)
        if ticket.manifest.repository == desk.repository.name and decide_run(desk, ticket, run):
            decided.append(run.id)
    return decided


def decide_run(desk: TrackerDesk, ticket: Ticket, run: Run) -> bool:
    """Decide one waiting run if enough people said so; a repeat after a crash finds it decided and changes nothing."""
    count = tally_of(desk, ticket, run)
    if count is None or count.word is Word.OPEN:
        return False
    try:
        desk.factory.operators.decide_approval(
            run.id,
            approved=count.word is Word.APPROVED,
            actor=count.actor,
            reason=count.reason[:2_000],
            now=desk.factory.now(),
        )
    except ApprovalRefused:  # somebody decided it meanwhile
        return False
    return True


def tally_of(desk: TrackerDesk, ticket: Ticket, run: Run) -> Tally | None:
    """Count what people said since the run waits; None when it waits for no decision."""
    pending = desk.pending(run)
    if run.state is not RunState.AWAITING_APPROVAL or pending is None:
        return None
    review = ticket.manifest.review_policy if run.assignment is None else run.assignment.order.review_policy
    votes = list(_votes(desk, ticket, run, pending))
    named, _ = reviewers_of(review)
    voters = {vote.person for vote in votes if is_person(vote.person, desk.myself)} if not named else set()
    standings = {person.lower(): desk.standing(person) for person in sorted(voters)}
    return tally(votes, review, standings, desk.myself)


def _votes(desk: TrackerDesk, ticket: Ticket, run: Run, pending: Approval) -> Iterator[Vote]:
    """Yield votes said after the question was asked; trackers tell whole seconds."""
    since = pending.requested_at.replace(microsecond=0)
    item = desk.item_of(ticket)
    for comment in item.comments if item else ():
        if comment.at >= since and not comment.edited:
            yield from _said(comment, run)
    pull = desk.factory.lookup.pull_request(ticket.id)
    if pull is None or pull.state is not PullRequestState.OPEN:
        return
    for remark in remarks_on(desk.factory, desk.repository, pull.number):
        if remark.at >= since and remark.kind in ("comment", "review"):
            yield from () if remark.edited else _said(remark, run)
            if remark.state.lower() == "approved" and remark.head_sha == pull.head_sha:
                yield Vote(person=remark.author, approved=True, reason="approving review", at=remark.at)


def _said(one: ItemComment | Remark, run: Run) -> Iterator[Vote]:
    for command in commands_in(one.text):
        names_it = command.run_id is None or command.run_id.lower() == run.id.lower()
        if command.verb in DECISIONS and names_it:
            approved = command.verb is Verb.APPROVE
            yield Vote(person=one.author, approved=approved, reason=command.argument, at=one.at)
