"""What a program that was started beside others left behind: how it ended, how long it took, what it wrote."""

import re
from typing import Final, NamedTuple

from domain.sandbox import Exit

KILLED: Final = 137  #: what `timeout --signal=KILL` ends with
SIGNAL: Final = 128  #: what a shell adds to a signal's number
_TIMES: Final = re.compile(r"(\d+)m([\d.]+)s (\d+)m([\d.]+)s")


class Streams(NamedTuple):
    """What it wrote; None: more than may be read."""

    stdout: bytes | None
    stderr: bytes | None


def read_account(account: bytes | None, allowed_seconds: float, streams: Streams) -> Exit | None:
    """Return how a program ended; None when its account is missing or unreadable."""
    try:
        told, *_, children = (account or b"").decode().splitlines()
        code, begin, end = told.split()
        seconds, number = float(end) - float(begin), int(code)
        spent = _TIMES.fullmatch(children)
    except ValueError:
        return None
    if spent is None:
        return None
    late = number == KILLED and seconds >= allowed_seconds - 0.5
    signal = number - SIGNAL if number > SIGNAL else None
    return Exit(
        code=None if signal else number,
        signal=signal,
        seconds=round(seconds, 3),
        timed_out=late,
        truncated=None in streams,
        cpu_seconds=round(sum(60 * int(spent[at]) + float(spent[at + 1]) for at in (1, 3)), 3),
    )
