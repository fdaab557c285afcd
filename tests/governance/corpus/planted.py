"""The shape of the corpus: pairs of pull requests, one with a planted defect and its clean twin."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from domain.governance import Verdict

BOT: Final = "factory-bot@localhost"
PERSON: Final = "ann@example.invalid"
TICKET: Final = "T-1"
TRAILERS: Final = "Factory-Ticket: T-1\nFactory-Run: T-1-r1"


@dataclass(frozen=True)
class Link:
    """A symbolic link, in place of a file's content."""

    target: str


Content = str | bytes | Link
Files = Mapping[str, Content]  #: what is not named stays as it is


@dataclass(frozen=True)
class Tree:
    """A released project as its repository has it, and where to change it."""

    files: Mapping[str, bytes]
    module: str  #: one of the package's modules
    package: str  #: folder of the package
    breaks: tuple[str, str]  #: text of the module → text with which its tests fail
    tidied: str  #: what the text may become as well

    def text(self, path: str) -> str:
        return self.files[path].decode()


Make = Callable[[Tree], Files]


@dataclass(frozen=True)
class Change:
    """One pull request: what it makes of the tree, in whose name."""

    make: Make
    ours: bool = False  #: a branch of the factory
    scope: bool = False  #: it may change the package alone
    author: str = PERSON
    trailers: str = ""

    def by_the_factory(self) -> "Change":
        return replace(self, ours=True, author=BOT, trailers=TRAILERS)


@dataclass(frozen=True)
class Pair:
    """A defect that `rule` must block, alone, and a similar change that nothing may block."""

    rule: str
    name: str
    bad: Change
    good: Change
    base: Files = field(default_factory=dict)  #: lies on the base of both beside the release
    verdict: Verdict = Verdict.FAIL
    unknown: frozenset[str] = frozenset()  #: further rules that the defect leaves without an answer


def pair(rule: str, name: str, bad: Make, good: Make, base: Files | None = None) -> Pair:
    """Return a pair of a person's pull requests."""
    return Pair(rule, name, Change(bad), Change(good), base or {})


def ours(rule: str, name: str, bad: Make, good: Make, *, scope: bool = False) -> Pair:
    """Return a pair of the factory's own, made by its bot."""
    worst, best = (replace(Change(make).by_the_factory(), scope=scope) for make in (bad, good))
    return Pair(rule, name, worst, best)


def added(files: Files) -> Make:
    """Add files, or put them in place of those that are there."""
    return lambda _: files


def appended(code: str) -> Make:
    """Add code to the end of the project's own module."""
    return lambda tree: {tree.module: f"{tree.text(tree.module).rstrip()}\n\n\n{code}"}
