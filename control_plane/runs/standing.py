"""What a ticket that is followed waits for, told once a change."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

from control_plane.desk import Reads
from control_plane.tickets.waiting import waiting_of, waiting_words
from policy.waiting import Waiting

EVERY: Final = timedelta(seconds=2)  #: between two looks: one reads the latest outcomes
HOW_TO_STOP: Final = "Ctrl-C stops waiting and leaves it as it is"


class Standing:
    """look() is called now and then, from the same thread as `tell` may be."""

    def __init__(self, factory: Reads, ticket_id: str, tell: Callable[[str], None]) -> None:
        self._factory = factory
        self._ticket_id = ticket_id
        self._tell = tell
        self._known: Waiting | None = None
        self._looked_at: datetime | None = None

    def is_told(self) -> None:
        """Somebody just told what it waits for: say how to stop waiting, and go on from there."""
        self._known = self._now()
        self._tell(HOW_TO_STOP)

    def look(self) -> None:
        now = self._factory.now()
        if self._looked_at is not None and now - self._looked_at < EVERY:
            return
        self._looked_at = now
        found = self._now()
        if found is not None and found != self._known:
            self._tell(f"{self._ticket_id} waits: {waiting_words(found, now)} ({HOW_TO_STOP})")
        self._known = found

    def _now(self) -> Waiting | None:
        ticket = self._factory.lookup.ticket(self._ticket_id)
        return waiting_of(self._factory, [ticket], served=True).get(ticket.id)
