"""What both registries share: the shelf before the question, and a known name behind every 404."""

from abc import ABC, abstractmethod
from datetime import UTC, datetime
from functools import cached_property
from typing import Final, NamedTuple

from adapters._vendor.fetching import Fetcher, Offline
from adapters.registry.shelf import Kept, Shelf
from domain.changes import Ecosystem, Known, Package


class Found(NamedTuple):
    package: Package
    etag: str = ""  #: of the page that existence was read from


class Unchanged(Exception):
    """The page is as it was when the kept answer was read from it."""


class Unheard(Exception):
    """The registry has no such name."""


class AskedRegistry(ABC):
    """The part of a look-up that no registry does otherwise; `known` is a name that every such registry has."""

    ecosystem: Ecosystem
    known: str

    def __init__(self, fetcher: Fetcher, shelf: Shelf) -> None:
        self._fetcher = fetcher
        self._shelf = shelf

    def look_up(self, name: str, version: str | None = None, specifier: str = "") -> Package:
        question = (self.ecosystem.value, self._fetcher.address, name, version or "", specifier)
        kept, fresh = self._shelf.find(*question)
        if kept and fresh:
            return kept.package
        try:
            found = self._ask(name, version, specifier, kept)
        except Unheard:
            known = Known.ABSENT if self._answers else Known.OFFLINE
            return Package(ecosystem=self.ecosystem, name=name, version=version, known=known, version_known=known)
        except Offline:
            return Package(ecosystem=self.ecosystem, name=name, version=version, known=Known.OFFLINE)
        if found.package.version_known is Known.FOUND:
            self._shelf.keep(found.package, found.etag, *question)
        return found.package

    def _ask(self, name: str, version: str | None, specifier: str, kept: Kept | None) -> Found:
        try:
            return self.read(name, version, specifier, kept.etag if kept else "")
        except Unchanged:
            if kept is None:
                raise Offline("the registry says unchanged of what it was not asked before") from None
            return Found(kept.package, kept.etag)

    @cached_property
    def _answers(self) -> bool:
        """A registry that knows not even what everybody knows is broken, or is none."""
        try:
            return self.knows(self.known)
        except (Offline, Unheard):
            return False

    @abstractmethod
    def knows(self, name: str) -> bool: ...

    @abstractmethod
    def read(self, name: str, version: str | None, specifier: str, etag: str) -> Found:
        """Ask the registry.

        Raises:
            Offline: it did not answer as registries do.
            Unheard: it has no such name.
            Unchanged: the page still has this ETag.
        """


LONGEST_TEXT: Final = 300


def instant(told: object) -> datetime | None:
    """Read a time as registries write it; one without a zone is UTC."""
    if not isinstance(told, str):
        return None
    try:
        found = datetime.fromisoformat(told)
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def sentence(told: object, otherwise: str) -> str:
    """Return what a stranger wrote as one short line."""
    text = " ".join(told.split()) if isinstance(told, str) else ""
    return "".join(one for one in text if one.isprintable())[:LONGEST_TEXT] or otherwise
