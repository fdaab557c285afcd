"""What deliveries come to: each effect reads what forge, tracker and ledger say now: repeating it changes nothing."""

from collections.abc import Callable
from dataclasses import dataclass

from adapters.forge.contract import ReviewDesk
from domain.errors import NotFound
from domain.forge import Edits, PullHead, PullRequestState
from domain.repositories import Repository
from domain.tickets import Ticket
from policy.effects import CancelTicket, FileTicket, FollowUp, JudgePull, ObeyCommand, PullEnded
from resources.wiring import Factory


@dataclass(frozen=True)
class Asked:
    """What the rest of the factory does when asked. Asked twice for the same, each does it once; each says in a line
    what came of it."""

    reconcile: Callable[[Repository, FileTicket | CancelTicket], str]  #: an item, with its ticket, as it is now
    obey: Callable[[Repository, ObeyCommand], str]
    judge: Callable[[Repository, PullHead, bool], str]  #: this head, though it was judged where told so
    rework: Callable[[Repository, PullHead, str], str]  #: our pull request, and what somebody objects to
    edits: Callable[[Repository, Ticket, PullHead], Edits | None]  #: what people made of it before they merged it


class ForgeEffects:
    def __init__(self, factory: Factory, desk: Callable[[Repository], ReviewDesk], asked: Asked) -> None:
        self._factory = factory
        self._desk = desk
        self._asked = asked

    def file(self, repository: Repository, wish: FileTicket) -> str:
        return self._asked.reconcile(repository, wish)

    def cancel(self, repository: Repository, wish: CancelTicket) -> str:
        return self._asked.reconcile(repository, wish)

    def obey(self, repository: Repository, order: ObeyCommand) -> str:
        return self._asked.obey(repository, order)

    def judge(self, repository: Repository, wish: JudgePull) -> str:
        pull = self._desk(repository).pull(repository, wish.number)
        if pull is None or pull.state is not PullRequestState.OPEN:
            return f"#{wish.number} is not open"
        return self._asked.judge(repository, pull, wish.again)

    def follow_up(self, repository: Repository, wish: FollowUp) -> str:
        said = [self._asked.rework(repository, pull, wish.reason) for pull in self._objected_to(repository, wish)]
        return "; ".join(said) or "no open pull request of ours is meant"

    def end_pull(self, repository: Repository, end: PullEnded) -> str:
        pull = self._desk(repository).pull(repository, end.number)
        if pull is None or pull.state is PullRequestState.OPEN:
            return f"#{end.number} is {'unknown' if pull is None else 'open again'}"
        ticket = self._undecided(pull)
        if ticket is None:
            return f"#{end.number} is not ours, or its end is known"
        if pull.state is PullRequestState.MERGED:
            actor = pull.merged_by or end.by or "somebody on the forge"
            edits = self._asked.edits(repository, ticket, pull)
            self._factory.operators.ship(
                ticket.id, actor=actor, merge_sha=pull.merge_sha, now=self._factory.now(), edits=edits
            )
            return f"{ticket.id} shipped: {actor} merged #{end.number}"
        reason = f"its pull request #{end.number} was closed"
        actor = end.by or "somebody on the forge"
        self._factory.operators.request_cancel(ticket.id, actor=actor, reason=reason, now=self._factory.now())
        return f"{ticket.id} canceled: {reason}"

    def _objected_to(self, repository: Repository, wish: FollowUp) -> list[PullHead]:
        desk = self._desk(repository)
        found = desk.open_pulls(repository) if wish.number is None else [desk.pull(repository, wish.number)]
        return [
            pull
            for pull in found
            if pull is not None
            and pull.state is PullRequestState.OPEN
            and (wish.head is None or pull.head_sha == wish.head)
            and self._undecided(pull) is not None
        ]

    def _undecided(self, pull: PullHead) -> Ticket | None:
        """Return the ticket whose open pull request this is, by our own record too: a marker can be forged, and an end
        that is recorded was dealt with."""
        if pull.ticket_id is None:
            return None
        try:
            ticket = self._factory.lookup.ticket(pull.ticket_id)
        except NotFound:
            return None
        known = self._factory.lookup.pull_request(ticket.id)
        is_ours = known is not None and (known.repository, known.number) == (pull.repository, pull.number)
        return ticket if is_ours and known is not None and known.state is PullRequestState.OPEN else None
