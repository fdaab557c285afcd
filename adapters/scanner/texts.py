"""Possible secrets in what the factory itself keeps or shows: logs, metadata, manifests, events, artifacts."""

from collections.abc import Iterator

from adapters.scanner.secrets import LINE_LIMIT, secrets_in
from domain.governance import SecretFinding

OVERLAP = 1_000  #: characters that two pieces of a long line share, longer than any shape looked for


def secrets_of_text(place: str, content: bytes) -> tuple[SecretFinding, ...]:
    """Return possible secrets of a text, whatever its form; `place` is how the findings name it. Every byte is read."""
    return tuple(dict.fromkeys(secrets_in(_pieces(place, content.decode("utf-8", "replace")))))


def _pieces(place: str, text: str) -> Iterator[tuple[str, int, str]]:
    for number, line in enumerate(text.split("\n"), 1):
        for start in range(0, max(len(line), 1), LINE_LIMIT - OVERLAP):
            yield place, number, line[start : start + LINE_LIMIT]
