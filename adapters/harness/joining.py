"""Lines that a sandbox split because they are long, put together again: the terminal event may be one of them."""

from domain.sandbox import OutputLine

LONGEST = 64_000_000  #: characters; of a longer line only the first piece is kept


class Joiner:
    def __init__(self) -> None:
        self._pieces: list[str] = []
        self._size = 0

    def join(self, line: OutputLine) -> OutputLine | None:
        """Return a line of standard output whole, with its last piece; None while there is more of it to come."""
        if line.stream != "stdout" or not (self._pieces or line.goes_on):
            return line
        self._size += len(line.text)
        if self._size <= LONGEST or not self._pieces:
            self._pieces.append(line.text)
        if line.goes_on:
            return None
        pieces = self._pieces if self._size <= LONGEST else self._pieces[:1]
        self._pieces, self._size = [], 0
        return OutputLine(stream="stdout", text="".join(pieces))
