"""What scanners quote of the source in what they write, taken out again: a line of it may be a secret."""

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any, Final

from adapters.scanner.contract import Lines
from adapters.scanner.reports import unquoted
from domain.findings import Finding

MASK: Final = "***"
#: keys of reports whose values repeat source, or are made of it
QUOTES: Final = frozenset(
    {"abstract_content", "code", "content", "dataflow_trace", "fix", "fixed_lines", "hashed_secret", "lines", "Match",
     "metavars", "Secret", "snippet", "value"}
)  # fmt: skip
SAYS: Final = frozenset({"issue_text", "message"})  #: keys of texts that may quote a value
#: rules that say: here stands a secret
PASSWORDS: Final = frozenset({"B105", "B106", "B107", "S105", "S106", "S107"})
FINDERS: Final = frozenset({"detect-secrets", "gitleaks"})
MOST: Final = 500  #: values
_QUOTED: Final = re.compile(r"""(["'`])((?:(?!\1).){4,400})\1""")
_TOLD: Final = re.compile(r"[:=]\s*([^\s\"'`]{4,400})")
_TOKEN: Final = re.compile(r"(?=[A-Za-z0-9+/_.=~-]*[0-9])[A-Za-z0-9+/_.=~-]{12,400}")


def without_source(report: str) -> str | None:
    """Return a JSON report without what it quotes; None when it is no JSON."""
    try:
        told = json.loads(report)
    except (ValueError, RecursionError):
        return None
    return json.dumps(_bare(told), indent=1)


def secret_values(scanner: str, findings: Iterable[Finding], lines: Lines) -> Iterator[str]:
    """Yield what may be the secrets that these findings are about."""
    for one in findings:
        if one.line is not None and (scanner in FINDERS or one.rule in PASSWORDS):
            yield from _values("".join(lines(one.path)[one.line - 1 : one.line]))


def masked(text: str, values: Iterable[str]) -> str:
    """Return a text without these values; the longest go first, so that none leaves its end behind."""
    for value in sorted(set(values), key=lambda one: (-len(one), one))[:MOST]:
        text = text.replace(value, MASK).replace(json.dumps(value)[1:-1], MASK)
    return text


def _bare(told: Any) -> Any:
    match told:
        case dict():
            return {key: _of(key, value) for key, value in told.items()}
        case list():
            return [_bare(one) for one in told]
        case _:
            return told


def _of(key: str, value: Any) -> Any:
    if key in QUOTES and value:
        return MASK
    return unquoted(value) if key in SAYS and isinstance(value, str) else _bare(value)


def _values(line: str) -> Iterator[str]:
    yield from (found for _, found in _QUOTED.findall(line))
    yield from _TOLD.findall(line)
    yield from _TOKEN.findall(line)
