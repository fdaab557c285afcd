"""Cut a stream of bytes into bounded lines, keeping at most so many bytes of it."""

from domain.sandbox import OutputLine

LINE_LIMIT = 1_000_000  #: bytes; longer lines are split
CONTINUATION = range(0x80, 0xC0)  #: bytes that go on with a UTF-8 character


class LineBuffer:
    """`dropped` counts what came after the limit."""

    def __init__(self, stream: str, limit: int) -> None:
        self._stream, self._room = stream, limit
        self._pending = bytearray()
        self.dropped = 0

    def feed(self, chunk: bytes) -> list[OutputLine]:
        """Take bytes and return the lines they complete."""
        kept = chunk[: self._room]
        self._room -= len(kept)
        self.dropped += len(chunk) - len(kept)
        if b"\n" not in kept:
            self._pending += kept
            return self._overlong()
        first, *middle, last = kept.split(b"\n")
        self._pending += first
        found = self._overlong()
        found += [self._line(text) for text in (bytes(self._pending), *middle)]
        self._pending = bytearray(last)
        return found

    def rest(self) -> list[OutputLine]:
        """Return what the stream ended with, without a line end."""
        last, self._pending = bytes(self._pending), bytearray()
        return [self._line(last)] if last else []

    def _overlong(self) -> list[OutputLine]:
        found = []
        while len(self._pending) > LINE_LIMIT:
            cut = LINE_LIMIT
            while cut > LINE_LIMIT - 4 and self._pending[cut] in CONTINUATION:
                cut -= 1
            found.append(self._line(bytes(self._pending[:cut]), goes_on=True))
            del self._pending[:cut]
        return found

    def _line(self, text: bytes, *, goes_on: bool = False) -> OutputLine:
        return OutputLine(stream=self._stream, text=text.decode("utf-8", "replace"), goes_on=goes_on)
