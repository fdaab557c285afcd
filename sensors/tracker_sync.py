"""The tracker and the ledger brought together, from what both say now: repeat it, reorder it, kill it anywhere."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from adapters.tracker.contract import Tracker
from domain.errors import FactoryError, ForgeUnavailable
from domain.repositories import Repository
from domain.tickets import Ticket
from domain.tracking import Item
from policy.tracking import is_marked
from resources.tracking import has_items, trackers_of
from resources.wiring import Factory
from sensors.tracker_desk import TrackerDesk
from sensors.tracker_filing import end_unwanted, file_marked
from sensors.tracker_orders import obey
from sensors.tracker_telling import tell
from sensors.tracker_votes import decide_waiting

#: after these events there may be something to say of a ticket
CHANGES: Final = (
    "ticket_created", "tracker_filed", "stage_changed", "run_changed", "approval_requested", "approval_decided",
    "pull_request_saved", "rework_given_up", "tracker_order",
)  # fmt: skip
PAGE: Final = 10_000


@dataclass
class SyncReport:
    """What one look did, by ticket, run or item; `after_seq` is where the next one goes on from."""

    filed: list[str] = field(default_factory=list)
    canceled: list[str] = field(default_factory=list)
    orders: list[str] = field(default_factory=list)
    decided: list[str] = field(default_factory=list)
    told: list[str] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)
    after_seq: int = 0


class TrackerSync:
    """Every look is whole: it asks for what is, and does what is missing."""

    def __init__(self, factory: Factory, trackers: Mapping[str, Tracker] | None = None) -> None:
        """`trackers` by forge; those of the settings unless told."""
        self.factory = factory
        self._trackers = trackers_of(factory) if trackers is None else trackers

    def desk(self, repository: Repository) -> TrackerDesk | None:
        """Return the desk for one look at a repository; None when it has no tracker."""
        tracker = self._trackers.get(repository.forge)
        if tracker is None or not has_items(self.factory.settings, repository):
            return None
        return TrackerDesk(self.factory, tracker, repository, self.factory.policy.tracking)

    def sync(self, after_seq: int = 0, most: int = PAGE) -> SyncReport:
        """Look at every enabled repository that has a tracker, then tell what changed after an event.

        What fails for one item or repository leaves the others, and is looked at again next time; so is what there
        was to say beyond `most` tickets.
        """
        report = SyncReport(after_seq=after_seq)
        desks = {one.name: self.desk(one) for one in self.factory.oversight.repositories() if one.enabled}
        at_hand = {name: desk for name, desk in desks.items() if desk is not None}
        for name, desk in at_hand.items():
            try:
                self._look_around(desk, report)
            except FactoryError as error:
                report.failed[name] = error.message
        self._tell_changes(at_hand, report, most)
        return report

    def look(self, repository: Repository, number: int) -> SyncReport:
        """Look at one item, as a webhook asks; what counts is what the tracker says now."""
        report, desk = SyncReport(), self.desk(repository)
        if desk is None:
            return report
        item = desk.item(number, anew=True)
        reference = f"{repository.name}#{number}"
        if item is not None:
            self._heed(desk, item, report)
        ticket = desk.live_tickets().get(reference)
        if ticket is not None:
            self._end(desk, ticket, report)
        report.decided += decide_waiting(desk)
        for one in _spoken_of(desk, item, ticket):
            if tell(desk, self.factory.lookup.ticket(one.id)):
                report.told.append(one.id)
        return report

    def _look_around(self, desk: TrackerDesk, report: SyncReport) -> None:
        wanted = desk.tracker.wanted(desk.repository.name)
        for item in wanted:
            desk.remember(item)
            try:
                self._heed(desk, item, report)
            except FactoryError as error:
                report.failed[item.reference] = error.message
        seen = {item.reference for item in wanted if is_marked(item, desk.myself)}
        for reference, ticket in desk.live_tickets().items():
            if reference in seen:
                continue
            try:
                self._look_at_unmarked(desk, ticket, report)
            except FactoryError as error:
                report.failed[reference] = error.message
        report.decided += decide_waiting(desk)

    def _heed(self, desk: TrackerDesk, item: Item, report: SyncReport) -> None:
        report.orders += obey(desk, item)
        if desk.live_ticket(item) is None and is_marked(item, desk.myself):
            filed = file_marked(desk, item)
            report.filed += [filed.id] if filed else []

    def _look_at_unmarked(self, desk: TrackerDesk, ticket: Ticket, report: SyncReport) -> None:
        number = desk.number_of(ticket)
        item = None if number is None else desk.item(number)
        if item is not None:
            report.orders += obey(desk, item)
        self._end(desk, ticket, report)

    def _end(self, desk: TrackerDesk, ticket: Ticket, report: SyncReport) -> None:
        if end_unwanted(desk, ticket):
            report.canceled.append(ticket.id)

    def _tell_changes(self, desks: dict[str, TrackerDesk], report: SyncReport, most: int) -> None:
        """Tell tickets that something happened to; of one that was not told the events count as unseen."""
        if not desks:
            return
        unseen: list[int] = []
        silent: set[str] = set()  #: repositories whose tracker does not answer
        for ticket_id, first in self._changed(report).items():
            ticket = self.factory.lookup.ticket(ticket_id)
            desk = desks.get(ticket.manifest.repository)
            if desk is None or desk.number_of(ticket) is None:
                continue
            if len(report.told) >= most or desk.repository.name in silent:
                unseen.append(first)
                continue
            try:
                report.told += [ticket_id] if tell(desk, ticket) else []
            except ForgeUnavailable as error:
                unseen.append(first)
                silent.add(desk.repository.name)
                report.failed[ticket_id] = error.message
        report.after_seq = min([report.after_seq, *(seq - 1 for seq in unseen)])

    def _changed(self, report: SyncReport) -> dict[str, int]:
        """Return ticket → its first event since, and move on past the last event."""
        found: dict[str, int] = {}
        while True:
            events = self.factory.lookup.timeline(names=CHANGES, after_seq=report.after_seq, limit=PAGE)
            for event in events:
                if event.ticket_id is not None:
                    found.setdefault(event.ticket_id, event.seq)
                report.after_seq = event.seq
            if len(events) < PAGE:
                return found


def _spoken_of(desk: TrackerDesk, item: Item | None, live: Ticket | None) -> Iterable[Ticket]:
    """Return the ticket an item has, at work or dead."""
    if live is not None:
        return (live,)
    dead = None if item is None else desk.dead_ticket(item)
    return () if dead is None else (dead,)
