"""Tell an operator. An alert that cannot be delivered is logged; it never stops the work it is about."""

from typing import Protocol

from domain.alerts import Alert


class Notifier(Protocol):
    def alert(self, alert: Alert) -> bool:
        """Return whether it was delivered."""
