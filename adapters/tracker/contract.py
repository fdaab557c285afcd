"""Where tickets come from: items that people write, discuss and close."""

from collections.abc import Collection
from typing import Protocol

from domain.tracking import FactoryLabel, Item, ItemStatus, Standing


class Tracker(Protocol):
    """Guarantees: every write carries a marker, so that repeating it after a crash changes nothing more; text of ours
    is found by its marker and its author, never by our records: our marker in somebody else's words is not ours.

    Raises (any method): ForgeUnavailable for what may pass, ForgeRefused for what will not.
    """

    def myself(self, repository: str) -> str:
        """Return the login the factory writes under."""

    def item(self, repository: str, number: int) -> Item | None:
        """Return an item as it is now, with its newest comments, oldest first; None when there is none."""

    def wanted(self, repository: str) -> list[Item]:
        """Return every open item that is labelled or assigned for the factory, or that a recent comment may speak of
        with one of its commands; oldest first."""

    def standing(self, repository: str, login: str) -> Standing:
        """Return what a person may do in the repository; NONE for whom it does not know."""

    def say(self, repository: str, number: int, *, marker: str, text: str) -> str:
        """Keep exactly one comment with this marker, with this text; return its address."""

    def move(
        self, repository: str, number: int, status: ItemStatus, *, labels: Collection[FactoryLabel] | None = None
    ) -> None:
        """Bring the item to a status, and of the factory's labels to exactly these; None leaves them as they are.

        What a person closed is never opened again.
        """
