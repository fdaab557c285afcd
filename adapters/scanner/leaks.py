"""Secrets of fixed shapes in any text, with their values: for whoever masks them or looks where else they stand."""

from collections.abc import Iterator
from functools import cache
from typing import Any, Final, NamedTuple

from adapters.scanner.secrets import DETECTORS

PIECE: Final = 8_000  #: characters of a long line that are looked at together
OVERLAP: Final = 500  #: characters that two pieces share: no secret is cut in two


class Sighted(NamedTuple):
    line: int
    kind: str
    value: str

    def __repr__(self) -> str:
        return f"Sighted(line={self.line}, kind={self.kind!r})"


def secrets_of(text: str) -> Iterator[Sighted]:
    """Yield what looks like a secret; nothing in the text can excuse itself."""
    for number, line in enumerate(text.splitlines(), 1):
        seen: set[tuple[str, str]] = set()
        for piece in _pieces(line):
            for detector in _detectors():
                for value in detector.analyze_string(piece):
                    if value and (found := (detector.secret_type, str(value))) not in seen:
                        seen.add(found)
                        yield Sighted(number, *found)


def _pieces(line: str) -> Iterator[str]:
    step = PIECE - OVERLAP
    for start in range(0, max(1, len(line) - OVERLAP), step):
        yield line[start : start + PIECE]


@cache
def _detectors() -> tuple[Any, ...]:
    from detect_secrets.core.plugins.util import (  # noqa: PLC0415 - it costs a quarter of a second
        get_mapping_from_secret_type_to_class,
    )

    classes: tuple[Any, ...] = tuple(get_mapping_from_secret_type_to_class().values())
    known = {one.__name__: one for one in classes}
    return tuple(known[name]() for name in DETECTORS)
