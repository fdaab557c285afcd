"""Sources of known vulnerabilities."""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from domain.changes import Advisory, Ecosystem
from domain.model import Instant


class Subject(NamedTuple):
    ecosystem: Ecosystem
    name: str  #: as its registry normalises it
    version: str  #: one exact version


class Told(NamedTuple):
    """What a source says of its subjects, one entry each, in their order."""

    advisories: tuple[tuple[Advisory, ...] | None, ...]  #: None: it could not say
    source: str  #: where it was asked, without credentials
    as_of: Instant | None = None  #: the newest change the source knows of, as far as it was read
    reason: str = ""  #: why anything is None
    is_whole: bool = False  #: all the source knows was read


class AdvisorySource(Protocol):
    """Guarantees, proved by tests/adapters/advisory/conformance.py.

    An empty entry is said only by a source that knows vulnerabilities of that ecosystem; one that is not there, does
    not answer, is cut short, or holds a record it cannot read says None. Withdrawn advisories are none. It never
    raises. The same subjects give the same advisories in the same order.
    """

    def advisories(self, subjects: Sequence[Subject]) -> Told:
        """Return the advisories that affect each subject, in the order of their ids."""
