"""A key must not come back: every spelling of it that an answer may hold is replaced by stars of the same length."""

import html
import json
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Iterator
from math import ceil
from urllib.parse import quote, quote_plus

SHORTEST = 8  # characters of a key; a shorter one would be found in anything


def spellings(key: str) -> frozenset[bytes]:
    """Return the key as it is and coded, in lower case: answers are compared so."""
    raw = key.encode()
    quoted = json.dumps(key)[1:-1]
    plain = {
        key,
        quote(key, safe=""),
        quote(key),
        quote_plus(key),
        html.escape(key),
        quoted,
        quoted.replace("/", "\\/"),
    }
    coded = {raw.hex().encode(), *_base64(raw)}
    return frozenset(one.lower() for one in {*(text.encode() for text in plain), *coded})


def _base64(raw: bytes) -> Iterator[bytes]:
    """Yield what of the key stands in base64 text, for each of the three places it may begin at."""
    for offset in range(3):
        first, last = ceil(offset * 8 / 6), (offset + len(raw)) * 8 // 6
        for encode in (b64encode, urlsafe_b64encode):
            yield encode(bytes(offset) + raw)[first:last]


class Scrubber:
    """Scrubs a stream: feed() gives back all but an end that may be the beginning of a key."""

    def __init__(self, needles: frozenset[bytes]) -> None:
        self._needles = needles
        self._beginnings = {needle[:size] for needle in needles for size in range(1, len(needle))}
        self._longest = max(map(len, needles), default=1) - 1
        self._seen = b""
        self._shown = bytearray()

    def feed(self, data: bytes) -> bytes:
        self._seen += data.lower()
        self._shown += data
        self._star()
        return self._release(len(self._seen) - self._open_end())

    def flush(self) -> bytes:
        return self._release(len(self._seen))

    def _star(self) -> None:
        for needle in self._needles:
            at = self._seen.find(needle)
            while at >= 0:
                self._shown[at : at + len(needle)] = b"*" * len(needle)
                at = self._seen.find(needle, at + 1)

    def _open_end(self) -> int:
        longest = min(self._longest, len(self._seen))
        return next((size for size in range(longest, 0, -1) if self._seen[-size:] in self._beginnings), 0)

    def _release(self, count: int) -> bytes:
        out = bytes(self._shown[:count])
        self._seen, self._shown = self._seen[count:], self._shown[count:]
        return out


def scrubbed(data: bytes, needles: frozenset[bytes]) -> bytes:
    """Return a text that is complete, scrubbed."""
    scrubber = Scrubber(needles)
    return scrubber.feed(data) + scrubber.flush()
