"""A pull request → the subject that is judged."""

from typing import Final, NamedTuple

from adapters.ledger.contract import Lookup
from domain.changes import Author
from domain.errors import ForgeUnavailable, NotFound
from domain.execution import Run
from domain.forge import PullHead, PullRequest
from domain.governance import ApprovalState
from domain.lifecycle import FINAL_RUN_STATES
from domain.repositories import Repository
from domain.tickets import Ticket
from policy.actions import Grant, grants_of
from policy.attention import is_pause
from resources.governance.subject import Subject
from resources.wiring import Factory

OURS: Final = "factory/"  #: where branches of the factory lie, and only they


class _Work(NamedTuple):
    """What our own record says of a pull request."""

    ticket: Ticket
    known: PullRequest
    run: Run | None  #: that brought it to where we know it


def subject_of_pull(
    factory: Factory, repository: Repository, pull: PullHead, base_sha: str, rules: tuple[str, ...] = ()
) -> Subject:
    """Return the subject of a pull request whose head is in the repository's mirror.

    A branch below `factory/` is judged as the factory's even when its text no longer names a ticket.

    Raises:
        ForgeUnavailable: the run that opened it has not recorded it yet.
    """
    work = _work(factory.lookup, pull)
    ours = work is not None or (pull.branch.startswith(OURS) and not pull.is_fork)
    subject = Subject(
        repository=repository,
        base_sha=base_sha,
        head_sha=pull.head_sha,
        number=pull.number,
        author=Author.FACTORY if ours else Author.PERSON,
        rules=rules,
    )
    if work is None:
        return subject
    order = work.run.assignment.order if work.run and work.run.assignment else None
    told = {
        "ticket_id": work.ticket.id,
        "run_id": work.known.run_id,
        "allowed_scope": order.allowed_scope if order else work.ticket.manifest.allowed_scope,
        "profile": order.profile.profile.name if order and order.profile else work.ticket.manifest.profile,
        "grants": _grants(factory, work.known) if work.known.head_sha == pull.head_sha else (),
    }
    return subject.model_copy(update=told)


def own_ticket(lookup: Lookup, pull: PullHead) -> Ticket | None:
    """Return the ticket whose pull request this is, by our own record: a marker alone can be forged.

    Raises:
        ForgeUnavailable: the run that opened it has not recorded it yet.
    """
    work = _work(lookup, pull)
    return work.ticket if work else None


def _work(lookup: Lookup, pull: PullHead) -> _Work | None:
    if pull.ticket_id is None:
        return None
    try:
        ticket = lookup.ticket(pull.ticket_id)
    except NotFound:
        return None
    known, runs = lookup.pull_request(ticket.id), lookup.runs(ticket_id=ticket.id)
    if known is not None:
        run = next((one for one in runs if one.id == known.run_id), None)
        same = (known.repository, known.number) == (pull.repository, pull.number)
        return _Work(ticket, known, run) if same else None
    if any(run.state not in FINAL_RUN_STATES for run in runs):
        raise ForgeUnavailable(f"the run of {ticket.id} has not recorded #{pull.number} yet")
    return None


def _grants(factory: Factory, known: PullRequest) -> tuple[Grant, ...]:
    """Return what people granted the run that made the head; a later head is another run's, or nobody's."""
    decided = factory.oversight.approvals(run_id=known.run_id)
    yes = [one for one in decided if one.state is ApprovalState.APPROVED and not is_pause(one)]
    return tuple(grant for approval in yes for grant in grants_of(approval, factory.policy.actions))
