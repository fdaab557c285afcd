"""What deliveries come to in this factory: tracker, governance and rework, wired."""

from domain.errors import NotFound
from domain.forge import Edits, PullHead
from domain.repositories import Repository
from domain.tickets import Ticket
from policy.effects import CancelTicket, FileTicket, ObeyCommand
from policy.inbox import Ourselves
from resources.desks import review_desk
from resources.forges import has_github
from resources.github_access import ourselves_on
from resources.wiring import Factory
from sensors.heads import HeadWatch
from sensors.inbox_effects import Asked, ForgeEffects
from sensors.rework import Rework
from sensors.tracker_sync import SyncReport, TrackerSync


def effects_of(factory: Factory) -> ForgeEffects:
    """Return the effects; each is done once however often it is asked for."""
    wired = Wired(factory)
    asked = Asked(
        reconcile=wired.reconcile,
        obey=wired.obey,
        judge=wired.judge,
        rework=Rework(factory).note,
        edits=wired.edits,
    )
    return ForgeEffects(factory, lambda repository: review_desk(factory, repository), asked)


def ourselves(factory: Factory) -> Ourselves:
    """Return as whom this factory acts on forges that send webhooks. Raises ForgeUnavailable, ForgeRefused."""
    return ourselves_on(factory.settings) if has_github(factory.settings) else Ourselves()


class Wired:
    def __init__(self, factory: Factory) -> None:
        self._factory = factory
        self._sync = TrackerSync(factory)
        self._watch = HeadWatch(factory)

    def reconcile(self, repository: Repository, wish: FileTicket | CancelTicket) -> str:
        return told(self._sync.look(repository, wish.number))

    def obey(self, repository: Repository, order: ObeyCommand) -> str:
        """Look at the item where the order stands, or that the pull request is for: what stands there counts."""
        number = self._item_of(repository, order.number) if order.is_pull else order.number
        return "this pull request is of no item" if number is None else told(self._sync.look(repository, number))

    def judge(self, repository: Repository, pull: PullHead, again: bool) -> str:
        new = self._watch.want(repository, pull, again=again)
        return f"#{pull.number} at {pull.head_sha[:12]} {'is to be judged' if new else 'is known'}"

    def edits(self, repository: Repository, ticket: Ticket, pull: PullHead) -> Edits | None:
        """Ask the forge, which has the commits."""
        shown = self._factory.forges[repository.forge].find_pull_request(repository, ticket.id)
        return shown.edits if shown is not None and shown.merge_sha == pull.merge_sha else None

    def _item_of(self, repository: Repository, number: int) -> int | None:
        pull = review_desk(self._factory, repository).pull(repository, number)
        if pull is None or pull.ticket_id is None:
            return None
        try:
            ticket, desk = self._factory.lookup.ticket(pull.ticket_id), self._sync.desk(repository)
        except NotFound:
            return None
        return None if desk is None else desk.number_of(ticket)


def told(report: SyncReport) -> str:
    """Return one line that says what a look at an item came to."""
    parts = {
        "filed": report.filed, "canceled": report.canceled, "obeyed": report.orders, "decided": report.decided,
        "told": report.told, "failed": [f"{where}: {why}" for where, why in report.failed.items()],
    }  # fmt: skip
    return "; ".join(f"{word} {', '.join(found)}" for word, found in parts.items() if found) or "nothing to do"
