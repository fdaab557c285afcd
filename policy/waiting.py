"""Why a queued ticket does not go, in few words: the first reason that holds, the lasting ones first."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from domain.model import Instant, Value
from domain.repositories import RepositorySettings
from domain.tickets import Ticket
from policy.breakers import BreakerState
from policy.readiness import missing_for

NAMED: Final = 3  #: dependencies told by name


class Waiting(Value):
    """What a ticket waits for. `kind` is one word that stays; `text` is for people, without the time."""

    kind: str
    text: str
    until: Instant | None = None  #: when that passes by itself, where it is known


@dataclass(frozen=True)
class Room:
    """One look at what can hold tickets back."""

    now: datetime
    running: int  #: leases not released
    max_running: int
    pauses: Mapping[str, str]  #: scope → reason
    locks: Mapping[str, str]  #: lock → the ticket that holds it
    repositories: Mapping[str, RepositorySettings]
    breakers: Mapping[str, tuple[str, BreakerState]]  #: repository → scope and state of the breaker in its way


Check = Callable[[Ticket, Room], Waiting | None]


def _deps(ticket: Ticket, _room: Room) -> Waiting | None:
    names, more = ticket.blocked_on[:NAMED], len(ticket.blocked_on) - NAMED
    if not names:
        return None
    return Waiting(kind="deps", text=f"{', '.join(names)}{f' and {more} more' if more > 0 else ''} not done")


def parked(ticket: Ticket) -> Waiting:
    """Return how a ticket stands that rests until its not-before time."""
    code = (ticket.reason or "").partition(":")[0]
    return Waiting(kind="parked", text=f"parked after {code}" if code else "parked", until=ticket.not_before)


def _parked(ticket: Ticket, room: Room) -> Waiting | None:
    return parked(ticket) if ticket.not_before > room.now else None


def _lacks(ticket: Ticket, room: Room) -> Waiting | None:
    settings = room.repositories.get(ticket.manifest.repository)
    missing = missing_for(ticket.manifest, settings) if settings else ()
    return Waiting(kind="lacks", text=f"it lacks {', '.join(missing)}") if missing else None


def _paused(ticket: Ticket, room: Room) -> Waiting | None:
    for scope, name in (("*", "everything"), (ticket.manifest.repository, ticket.manifest.repository)):
        if scope in room.pauses:
            return Waiting(kind="paused", text=f"{name} paused: {room.pauses[scope]}")
    return None


def _breaker(ticket: Ticket, room: Room) -> Waiting | None:
    scope, state = room.breakers.get(ticket.manifest.repository, ("", None))
    if state is None:
        return None
    if state.until is not None and state.until > room.now:
        return Waiting(kind="breaker", text=f"breaker {scope} open", until=state.until)
    return Waiting(kind="breaker", text=f"breaker {scope} half open, another ticket is its trial")


def _lock(ticket: Ticket, room: Room) -> Waiting | None:
    holder = room.locks.get(ticket.lock)
    return Waiting(kind="lock", text=f"lock {ticket.lock} held by {holder}") if holder else None


def _full(_ticket: Ticket, room: Room) -> Waiting | None:
    full = room.running >= room.max_running
    return Waiting(kind="full", text=f"{room.running} of {room.max_running} runs at work") if full else None


CHECKS: Final[tuple[Check, ...]] = (_deps, _parked, _lacks, _paused, _breaker, _lock, _full)


def held_back(ticket: Ticket, room: Room) -> Waiting | None:
    """Return what holds a queued ticket back, whoever were to work on it; None when nothing does."""
    return next((found for check in CHECKS if (found := check(ticket, room)) is not None), None)
