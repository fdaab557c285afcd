"""One line of what a repository needs for the factory to work on it."""

from typing import Final, NamedTuple

OK: Final = "ok"
MISSING: Final = "missing"
UNKNOWN: Final = "unknown"
MADE: Final = "made"  #: it was missing, and was mended just now
INFO: Final = "info"  #: nothing to mend, worth knowing


class Need(NamedTuple):
    what: str
    state: str  #: one of the above
    remedy: str = ""  #: how to fix it; of what is only worth knowing, what follows from it


def met(what: str, is_met: bool, remedy: str) -> Need:
    return Need(what, OK if is_met else MISSING, "" if is_met else remedy)


def unknown(what: str, remedy: str) -> Need:
    return Need(what, UNKNOWN, remedy)
