"""A key must not come back: what an answer holds of it, in any spelling, is replaced by stars of the same length.

A run of a key is starred from 12 characters on (three quarters of it, when that is less), wherever in the key it begins
and ends. Shorter runs pass: they stand in answers by chance too.
"""

import html
import json
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from math import ceil
from urllib.parse import quote, quote_plus

SHORTEST = 8  # characters of a key; a shorter one would be found in anything
WINDOW = 12  # characters of a run that is starred
WIDE = 4  # characters for one of the key, from which on a run must be longer: it would tell of two of them alone
OPEN_END = 8  # characters of a run that is starred where an answer ends
GRAM = 4  # characters looked at to find where a run may be
BETWEEN = b"\xff"  # two spellings; text never ends in it

#: What may stand for each character of a key, one after the other.
UNITS = (
    "%{:02x}", "%25{:02x}", "\\u{:04x}", "\\x{:02x}", "&#{};", "&#{:03};", "&#x{:x};", "{:02x}", "{:02x} ", "{:02x}:",
)  # fmt: skip


@dataclass(frozen=True)
class Needles:
    """What to look for: runs by their length, parts of the spellings by theirs, and the spellings themselves.

    Looking at every `stride`th place one sees a gram of every run; a half of the run lies before or after it.
    """

    windows: Mapping[int, frozenset[bytes]]
    grams: frozenset[bytes] = frozenset()
    halves: frozenset[bytes] = frozenset()
    text: bytes = b""

    @property
    def shortest(self) -> int:
        return min(self.windows)

    @property
    def stride(self) -> int:
        return self.shortest - GRAM + 1

    @property
    def half(self) -> int:
        return (self.shortest + GRAM) // 2


NOTHING = Needles({})


@lru_cache(maxsize=32)
def spellings(key: str) -> Needles:
    """Return what tells of a key of SHORTEST characters or more; in lower case, as answers are compared."""
    spelled = {spelling.lower() for spelling in _spelled(key)}
    sizes = {spelling: _size(len(spelling), len(key)) for spelling in spelled}
    windows = {size: _parts((one for one in spelled if sizes[one] == size), size) for size in set(sizes.values())}
    half = Needles(windows).half
    return Needles(windows, _parts(spelled, GRAM), _parts(spelled, half), BETWEEN.join(spelled))


def _size(length: int, letters: int) -> int:
    """Return how long a run of a spelling is starred."""
    return min(ceil(length * 3 / 4), WINDOW * ceil(length / letters / WIDE))


def _parts(texts: Iterable[bytes], size: int) -> frozenset[bytes]:
    return frozenset(text[at : at + size] for text in texts for at in range(len(text) - size + 1))


def _spelled(key: str) -> Iterator[bytes]:
    quoted = json.dumps(key)[1:-1]
    texts = (
        key, quote(key, safe=""), quote(key), quote_plus(key), quote(quote(key, safe="")), html.escape(key),
        quoted, quoted.replace("/", "\\/"), *("".join(map(unit.format, map(ord, key))) for unit in UNITS),
    )  # fmt: skip
    yield from (text.encode() for text in texts)
    yield from (key.encode("utf-16-le"), key.encode("utf-16-be"), *_base64(key.encode()))


def _base64(raw: bytes) -> Iterator[bytes]:
    """Yield what of the key stands in base64 text, for each of the three places it may begin at."""
    for offset in range(3):
        first, last = ceil(offset * 8 / 6), (offset + len(raw)) * 8 // 6
        for encode in (b64encode, urlsafe_b64encode):
            yield encode(bytes(offset) + raw)[first:last]


class Scrubber:
    """Scrubs a stream: feed() gives back all but an end that may be the beginning of a run."""

    def __init__(self, needles: Needles) -> None:
        self._needles = needles
        self._longest = max(needles.windows, default=1) - 1
        self._seen = b""
        self._shown = bytearray()

    def feed(self, data: bytes) -> bytes:
        if not self._needles.windows:
            return data
        self._seen += data.lower()
        self._shown += data
        self._star()
        return self._release(len(self._seen) - self._open_end())

    def flush(self) -> bytes:
        """Return what was held back: a run that the end of the answer cut is starred too."""
        size = len(self._seen)
        if size >= OPEN_END:
            self._shown[:] = b"*" * size
        return self._release(size)

    def _star(self) -> None:
        seen, near = self._seen, self._near()
        for size, windows in self._needles.windows.items():
            fresh = 0
            for at in near:
                for start in range(max(fresh, at + GRAM - size), min(at, len(seen) - size) + 1):
                    if seen[start : start + size] in windows:
                        self._shown[start : start + size] = b"*" * size
                fresh = at + 1

    def _near(self) -> list[int]:
        """Return places which every run lies around one of."""
        seen, grams, halves, half = self._seen, self._needles.grams, self._needles.halves, self._needles.half
        looked_at = range(0, len(seen) - GRAM + 1, self._needles.stride)
        found = [at for at in looked_at if seen[at : at + GRAM] in grams]
        return [
            at for at in found if seen[at : at + half] in halves or seen[max(0, at + GRAM - half) : at + GRAM] in halves
        ]

    def _open_end(self) -> int:
        """Return how many of the last characters may go on as a run."""
        size = 0
        while size < min(self._longest, len(self._seen)) and self._seen[-size - 1 :] in self._needles.text:
            size += 1
        return size

    def _release(self, count: int) -> bytes:
        out = bytes(self._shown[:count])
        self._seen, self._shown = self._seen[count:], self._shown[count:]
        return out


def scrubbed(data: bytes, needles: Needles) -> bytes:
    """Return a text that is complete, scrubbed."""
    scrubber = Scrubber(needles)
    return scrubber.feed(data) + scrubber.flush()
