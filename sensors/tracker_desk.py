"""One repository's tracker beside the ledger: who stands where, which ticket an item has, what was heard already."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final

from adapters.tracker.contract import Tracker
from domain.execution import EventDraft, Run
from domain.governance import Approval, ApprovalState
from domain.lifecycle import RESTING_STAGES, Stage
from domain.repositories import Repository
from domain.tickets import Ticket
from domain.tracking import Item, Standing
from policy.tracker_hints import TrackingPolicy
from resources.wiring import Factory

ACTOR: Final = "tracker"  #: who does what no person said in words: a label, a closed item
COMPONENT: Final = "tracking"
MOST: Final = 100_000
LIVE: Final = tuple(stage for stage in Stage if stage not in RESTING_STAGES)


@dataclass
class TrackerDesk:
    """What one look at one repository works with; its answers are kept for that look only."""

    factory: Factory
    tracker: Tracker
    repository: Repository
    policy: TrackingPolicy
    _standings: dict[str, Standing] = field(default_factory=dict)
    _items: dict[int, Item | None] = field(default_factory=dict)
    _tickets: dict[Stage, list[Ticket]] = field(default_factory=dict)

    @cached_property
    def myself(self) -> str:
        return self.tracker.myself(self.repository.name)

    def standing(self, login: str) -> Standing:
        if login not in self._standings:
            self._standings[login] = self.tracker.standing(self.repository.name, login)
        return self._standings[login]

    def item(self, number: int, *, anew: bool = False) -> Item | None:
        if anew or number not in self._items:
            self._items[number] = self.tracker.item(self.repository.name, number)
        return self._items[number]

    def item_of(self, ticket: Ticket) -> Item | None:
        number = self.number_of(ticket)
        return None if number is None else self.item(number)

    def number_of(self, ticket: Ticket) -> int | None:
        """Return the number of the item a ticket stands for; None when it is none of this repository's."""
        name, _, number = (ticket.manifest.tracker_item or "").rpartition("#")
        return int(number) if name == self.repository.name and number.isdecimal() and len(number) < 16 else None

    def remember(self, item: Item) -> None:
        self._items[item.number] = item

    def live_tickets(self) -> dict[str, Ticket]:
        """Return the tickets at work for items, by item."""
        found = [one for stage in LIVE for one in self._in(stage)]
        return {one.manifest.tracker_item: one for one in found if one.manifest.tracker_item}

    def live_ticket(self, item: Item) -> Ticket | None:
        return self.live_tickets().get(item.reference)

    def dead_ticket(self, item: Item) -> Ticket | None:
        """Return the newest ticket of an item that no further attempt is made at."""
        return next(
            (one for one in reversed(self._in(Stage.DEAD_LETTER)) if one.manifest.tracker_item == item.reference), None
        )

    def tickets_changed(self) -> None:
        """Look tickets up anew from now on: this look filed, canceled or brought back one of them."""
        self._tickets.clear()

    def _in(self, stage: Stage) -> list[Ticket]:
        if stage not in self._tickets:
            found = self.factory.lookup.tickets(stage=stage, repository=self.repository.name, limit=MOST)
            self._tickets[stage] = [one for one in found if one.manifest.tracker_item]
        return self._tickets[stage]

    def newest_run(self, ticket: Ticket) -> Run | None:
        runs = self.factory.lookup.runs(ticket_id=ticket.id)
        return runs[-1] if runs else None

    def pending(self, run: Run) -> Approval | None:
        approvals = self.factory.oversight.approvals(run_id=run.id)
        return next((one for one in reversed(approvals) if one.state is ApprovalState.PENDING), None)

    def knows(self, *words: str) -> bool:
        """Tell whether these words were noted."""
        return self.factory.oversight.last_beat(_name(self.repository.name, words)) is not None

    def note(self, *words: str) -> None:
        """Note words for ever; noting them again changes nothing."""
        if not self.knows(*words):
            self.factory.oversight.beat(_name(self.repository.name, words), now=self.factory.now())

    def record(self, name: str, payload: Mapping[str, Any], *, ticket: Ticket | None, actor: str = ACTOR) -> None:
        draft = EventDraft(
            name=name,
            payload=dict(payload),
            ticket_id=None if ticket is None else ticket.id,
            actor=actor,
            component=COMPONENT,
        )
        self.factory.run_ledger.record_event(draft, lease=None, now=self.factory.now())


def _name(repository: str, words: tuple[str, ...]) -> str:
    digest = hashlib.sha256("\0".join(words).encode("utf-8", "replace")).hexdigest()
    return f"tracker {repository} {words[0]} {digest}"
