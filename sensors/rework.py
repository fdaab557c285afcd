"""Words on our open pull requests → bounded follow-up runs of the same tickets; beyond the bound, a person's turn."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

import structlog

from domain.errors import FactoryError, IllegalTransition
from domain.execution import Event, EventDraft
from domain.forge import PullHead, PullRequestState
from domain.lifecycle import Stage
from domain.repositories import Repository
from domain.tickets import Ticket
from policy.governance.markdown import plain
from policy.rework import Asked, Move, next_move, why
from resources.desks import review_desk
from resources.wiring import Factory

log = structlog.get_logger()

WANTED: Final = "rework_wanted"
BEGAN: Final = "rework_began"
GIVEN_UP: Final = "rework_given_up"
MARKER: Final = "rework"  #: of the one comment that says a person's turn has come


@dataclass
class ReworkReport:
    begun: list[str] = field(default_factory=list)
    given_up: list[str] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)


class Rework:
    def __init__(self, factory: Factory) -> None:
        self._factory = factory

    def note(self, repository: Repository, pull: PullHead, reason: str) -> str:
        """Record the wish for a follow-up, once a head and reason; return a line that says what came of it."""
        ticket_id = pull.ticket_id
        if ticket_id is None:
            return f"#{pull.number} of {repository.name} is not ours"
        told = {"head_sha": pull.head_sha, "reason": reason[:500], "number": pull.number}
        events = self._factory.lookup.timeline(ticket_id=ticket_id, names=(WANTED,))
        if any({key: event.payload.get(key) for key in told} == told for event in events):
            return f"{ticket_id}: heard before"
        self._record(ticket_id, WANTED, told)
        return f"{ticket_id}: noted, {reason}"

    def look(self) -> ReworkReport:
        """Begin what is due and give up what is spent."""
        report = ReworkReport()
        for ticket in self._delivered():
            try:
                self._look_at(ticket, report)
            except IllegalTransition:
                continue  # shipped or canceled meanwhile
            except FactoryError as error:
                report.failed[ticket.id] = error.message
                log.warning("rework_not_begun", ticket=ticket.id, code=error.code)
        return report

    def _look_at(self, ticket: Ticket, report: ReworkReport) -> None:
        events = self._factory.lookup.timeline(ticket_id=ticket.id, names=(WANTED, BEGAN, GIVEN_UP))
        wishes, begun = standing(events)
        policy = self._factory.policy.pull_requests.rework
        match next_move(wishes, begun, policy, self._factory.now()):
            case Move.BEGIN:
                self._factory.backlog.rework_ticket(ticket.id, reason=why(wishes), now=self._factory.now())
                report.begun.append(ticket.id)
            case Move.GIVE_UP:
                self._give_up(ticket, why(wishes), begun)
                report.given_up.append(ticket.id)

    def _give_up(self, ticket: Ticket, reason: str, begun: int) -> None:
        """Say it first: said twice is better than never."""
        pull = self._factory.lookup.pull_request(ticket.id)
        repository = self._factory.lookup.repository(ticket.manifest.repository)
        if pull is not None:
            text = f"**A person's turn.** The factory worked on this {begun + 1} times, and still: {plain(reason)}\n"
            review_desk(self._factory, repository).report(repository, pull.number, marker=MARKER, text=text)
        self._record(ticket.id, GIVEN_UP, {"reason": reason, "begun": begun})

    def _delivered(self) -> Iterator[Ticket]:
        """Yield tickets whose pull request is open and that nobody is at work on."""
        for stage in (Stage.TESTING, Stage.REVIEW):
            for ticket in self._factory.lookup.tickets(stage=stage):
                pull = self._factory.lookup.pull_request(ticket.id) if ticket.completed_at else None
                if pull is not None and pull.state is PullRequestState.OPEN:
                    yield ticket

    def _record(self, ticket_id: str, name: str, payload: dict[str, object]) -> None:
        draft = EventDraft(name=name, payload=payload, ticket_id=ticket_id, component="rework")
        self._factory.run_ledger.record_event(draft, lease=None, now=self._factory.now())


def standing(events: list[Event]) -> tuple[list[Asked], int]:
    """Return the wishes that no follow-up and no giving up has dealt with, and how many follow-ups there were."""
    dealt = max((event.seq for event in events if event.name in (BEGAN, GIVEN_UP)), default=0)
    open_ones = [event for event in events if event.name == WANTED and event.seq > dealt]
    wishes = [Asked(at=event.at, reason=str(event.payload["reason"])) for event in open_ones]
    return wishes, sum(event.name == BEGAN for event in events)
