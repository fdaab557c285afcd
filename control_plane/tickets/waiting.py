"""Why queued tickets do not go: one look at the ledger, whatever their number."""

from collections import defaultdict
from collections.abc import Hashable, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from control_plane.desk import Reads
from control_plane.runs.wording import harmless
from control_plane.services.beat import is_alive
from domain.errors import InvalidInput, PolicyInvalid
from domain.lifecycle import Stage
from domain.outcomes import RunOutcome
from domain.tickets import Ticket
from policy.waiting import Room, Waiting, held_back

SOON: Final = timedelta(minutes=10)
WRONG_POLICY: Final = Waiting(kind="policy", text="the policy files are wrong (`factory policy check`)")
UNSERVED: Final = Waiting(kind="unserved", text="nobody starts it (`factory up`)")


def waiting_of(factory: Reads, tickets: Sequence[Ticket], *, served: bool | None = None) -> dict[str, Waiting]:
    """Return ticket → what it waits for, of those that are queued and held back by something.

    Args:
        factory: Where to look.
        tickets: In any stage.
        served: Whether somebody dispatches; None: look.
    """
    queued = [ticket for ticket in tickets if ticket.stage is Stage.QUEUED]
    if not queued:
        return {}
    try:
        room = _Waits(factory, {ticket.manifest.repository for ticket in queued})
        found = {ticket.id: room.of(ticket) for ticket in queued}
    except PolicyInvalid:
        return {ticket.id: WRONG_POLICY for ticket in queued}
    alive = is_alive(factory) if served is None else served
    rest = {name: waiting or (None if alive else UNSERVED) for name, waiting in found.items()}
    return {name: waiting for name, waiting in rest.items() if waiting is not None}


def waiting_document(waiting: Waiting | None, now: datetime) -> dict[str, Any] | None:
    """Return `{"kind", "text", "until"}`; the text has the time as the reader's clock shows it."""
    if waiting is None:
        return None
    until = waiting.until.isoformat() if waiting.until else None
    return {"kind": waiting.kind, "text": waiting_words(waiting, now), "until": until}


def waiting_words(waiting: Waiting, now: datetime) -> str:
    if waiting.until is None:
        return harmless(waiting.text)
    word = ", trial at" if waiting.kind == "breaker" else " until"
    return harmless(f"{waiting.text}{word} {_clock(waiting.until, now)}")


def _clock(at: datetime, now: datetime) -> str:
    local = at.astimezone()
    if local.date() != now.astimezone().date():
        return f"{local:%Y-%m-%d %H:%M}"
    return f"{local:%H:%M:%S}" if at - now < SOON else f"{local:%H:%M}"


class _Waits:
    """What one look at the ledger and the policy says of tickets of these repositories."""

    def __init__(self, factory: Reads, repositories: set[str]) -> None:
        from sensors.routing import Router  # noqa: PLC0415 - lists without queued tickets do not pay for it

        self._router = Router(factory)
        leases = factory.oversight.live_leases()
        blockers = {name: self._router.blocker_of(name) for name in repositories}
        self._room = Room(
            now=factory.now(),
            running=len(leases),
            max_running=factory.settings.max_running,
            pauses=factory.oversight.pauses(),
            locks={lease.lock: lease.ticket_id for lease in leases},
            repositories={one.name: one.settings for one in factory.oversight.repositories()},
            breakers={name: blocker for name, blocker in blockers.items() if blocker is not None},
        )
        self._past: dict[str, list[RunOutcome]] = defaultdict(list)
        for outcome in reversed(self._router.outcomes):
            self._past[outcome.ticket_id].append(outcome)
        self._nobody: dict[Hashable, str | None] = {}

    def of(self, ticket: Ticket) -> Waiting | None:
        held = held_back(ticket, self._room)
        if held is not None:
            return held
        nobody = self._nobody_for(ticket)
        return Waiting(kind="harness", text=nobody) if nobody else None

    def _nobody_for(self, ticket: Ticket) -> str | None:
        """Say why nobody can; tickets that ask for the same have one answer."""
        past, told = self._past.get(ticket.id, []), ticket.manifest
        asked = (told.engine, told.engine_class, told.profile, told.capabilities, told.prefers, told.budget)
        key = (*asked, bool(told.commands), ticket.id if past else None)
        if key not in self._nobody:
            self._nobody[key] = self._ask(ticket, past)
        return self._nobody[key]

    def _ask(self, ticket: Ticket, past: Sequence[RunOutcome]) -> str | None:
        try:
            found = self._router.route_after(ticket, past)
        except InvalidInput as error:
            return error.message
        return None if found.chosen else found.reason
