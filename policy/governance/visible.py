"""Text of tools and changes as one line that hides nothing."""

from collections.abc import Iterable, Sequence
from typing import Final

from policy.results import shown

LINES: Final = 80  #: of evidence that are kept
NAMED: Final = 10  #: of things a message lists


def visible(text: str) -> str:
    """Return a line with all that is not seen, or that reorders what is seen, as its number."""
    return "".join(one if one.isprintable() else ascii(one)[1:-1] for one in text)


def one_line(text: str) -> str:
    """Return at most 300 characters, with invisible, reordering and control characters as their numbers."""
    return shown(" ".join(text[:2000].encode("utf-8", "backslashreplace").decode().split()))


def lines(texts: Sequence[str], limit: int = LINES) -> tuple[str, ...]:
    """Return them as visible lines, and how many more there are."""
    more = (f"and {len(texts) - limit} more",) if len(texts) > limit else ()
    return (*(one_line(text) for text in texts[:limit]), *more)


def named(names: Iterable[str]) -> str:
    """Return the first few names, and how many more there are."""
    told = list(names)
    more = f" and {len(told) - NAMED} more" if len(told) > NAMED else ""
    return ", ".join(told[:NAMED]) + more


def counted(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
