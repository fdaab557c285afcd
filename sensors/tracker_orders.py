"""Orders in comments: obeyed once, when their author may give them; others are passed over, and that is kept."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from domain.errors import FactoryError, ForgeUnavailable
from domain.forge import PullRequestState
from domain.lifecycle import Stage
from domain.tickets import Ticket
from domain.tracking import Item, ItemComment
from policy.commands import Command, Verb, commands_in
from policy.tracking import Wish, wish_by_command, wish_of
from policy.votes import is_person, reviewers_of
from sensors.tracker_desk import TrackerDesk
from sensors.tracker_filing import bring_back, end, file
from sensors.tracker_telling import tell

HEARD: Final = "heard"
PASSED_OVER: Final = "passed over: "


@dataclass(frozen=True)
class Order:
    """One command of one comment; `place` is which of the comment's."""

    desk: TrackerDesk
    item: Item
    comment: ItemComment
    place: int
    command: Command

    @property
    def name(self) -> tuple[str, ...]:
        return (HEARD, self.item.reference, str(self.comment.id), str(self.place))


def obey(desk: TrackerDesk, item: Item) -> list[str]:
    """Carry out what comments of an item order and what was not heard yet; return what came of each.

    Done first, noted then: each order finds out by itself that it was carried out before.
    """
    return [_heed(order) for order in _orders(desk, item)]


def _orders(desk: TrackerDesk, item: Item) -> Iterator[Order]:
    for comment in item.comments:
        if comment.author.lower() == desk.myself.lower() or comment.edited:
            continue
        for place, command in enumerate(commands_in(comment.text)):
            order = Order(desk, item, comment, place, command)
            if not desk.knows(*order.name):
                yield order


def _heed(order: Order) -> str:
    desk, author = order.desk, order.comment.author
    ticket = desk.live_ticket(order.item) or desk.dead_ticket(order.item)
    against = _not_allowed(order, ticket)
    outcome = f"{PASSED_OVER}{against}" if against else _done(order)
    told = {"item": order.item.reference, "said": str(order.comment.id), "verb": order.command.verb.value}
    ticket = desk.live_ticket(order.item) or ticket
    desk.record("tracker_order", {**told, "outcome": outcome}, ticket=ticket, actor=author[:200] or "nobody")
    desk.note(*order.name)
    return outcome


def _not_allowed(order: Order, ticket: Ticket | None) -> str | None:
    """Return why somebody may not give an order; a named reviewer may decide without more."""
    desk, author = order.desk, order.comment.author
    if not is_person(author, desk.myself):
        return "only people give orders"
    decides = order.command.verb in (Verb.APPROVE, Verb.REJECT)
    named = reviewers_of(ticket.manifest.review_policy)[0] if ticket and decides else ()
    if named:
        return None if author.lower() in named else "the ticket names others to decide"
    return None if desk.standing(author).may_command else "its author may not write to the repository"


def _done(order: Order) -> str:
    try:
        return _BY_VERB[order.command.verb](order)
    except ForgeUnavailable:
        raise
    except FactoryError as error:
        return f"refused: {error.message}"[:1_000]


def _run(order: Order) -> str:
    desk, item = order.desk, order.item
    return _begin(order, wish_of(item, desk.standing(item.author), desk.policy)) or _retry(order)


def _work(order: Order) -> str:
    wish = wish_by_command(order.item, order.comment.id, order.command, order.desk.policy)
    return _begin(order, wish) or "refused: see the comment of the factory"


def _begin(order: Order, wish: Wish) -> str | None:
    """File a wish for an item that no ticket is at work for; None when no new ticket came of it."""
    at_work = order.desk.live_ticket(order.item)
    if at_work is not None:
        return f"{at_work.id} is at work already"
    if order.item.status.is_over:
        return "refused: the item is closed"
    filed = file(order.desk, order.item, wish, by=order.comment.author)
    return f"filed as {filed.id}" if filed else None


def _cancel(order: Order) -> str:
    desk, author = order.desk, order.comment.author
    ticket = desk.live_ticket(order.item)
    if ticket is None:
        return "nothing is at work"
    reason = order.command.argument or f"canceled by {author} in the tracker"
    end(desk, ticket, actor=author, reason=reason)
    return f"cancels {ticket.id}"


def _retry(order: Order) -> str:
    desk, author = order.desk, order.comment.author
    reason = f"comment {order.comment.id}: {order.command.argument or 'retry'}"
    ticket = desk.live_ticket(order.item)
    if ticket is not None:
        if not _came_to_nothing(desk, ticket):
            return f"{ticket.id} is at work already"
        end(desk, ticket, actor=author, reason=reason)
    dead = desk.dead_ticket(order.item)
    if dead is None:
        return "no ticket of this item waits for a person"
    if _requeued_by(desk, dead, reason):
        return f"{dead.id} was brought back already"
    bring_back(desk, dead, actor=author, reason=reason)
    return f"brings {dead.id} back"


def _came_to_nothing(desk: TrackerDesk, ticket: Ticket) -> bool:
    """Tell whether its pull request was closed without a merge."""
    pull = desk.factory.lookup.pull_request(ticket.id)
    delivered = ticket.completed_at is not None and ticket.stage in (Stage.REVIEW, Stage.TESTING)
    return delivered and pull is not None and pull.state is PullRequestState.CLOSED


def _requeued_by(desk: TrackerDesk, ticket: Ticket, reason: str) -> bool:
    events = desk.factory.lookup.timeline(ticket_id=ticket.id, names=("ticket_requeued",))
    return any(event.payload["reason"] == reason for event in events)


def _status(order: Order) -> str:
    ticket = order.desk.live_ticket(order.item) or order.desk.dead_ticket(order.item)
    return "told" if ticket is not None and tell(order.desk, ticket, again=True) else "there is no ticket of this item"


def _vote(_order: Order) -> str:
    return "counted"


_BY_VERB: Final[dict[Verb, Callable[[Order], str]]] = {
    Verb.RUN: _run,
    Verb.WORK: _work,
    Verb.CANCEL: _cancel,
    Verb.RETRY: _retry,
    Verb.STATUS: _status,
    Verb.APPROVE: _vote,
    Verb.REJECT: _vote,
}
