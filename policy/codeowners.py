"""Who owns a path, by a CODEOWNERS file; the last line that matches decides."""

import re
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

PLACES: Final = (".github/CODEOWNERS", "CODEOWNERS", "docs/CODEOWNERS")  #: the first that is there counts
LIMIT: Final = 3_000_000  #: bytes; GitHub ignores larger files
_LOGIN: Final = re.compile(r"@[A-Za-z0-9][A-Za-z0-9_-]{0,99}(?:/[A-Za-z0-9][A-Za-z0-9._-]{0,99})?")
_REFUSED: Final = re.compile(r"^!|[\[\]\\]")  #: what GitHub's syntax does not know


class Line(NamedTuple):
    pattern: str
    owners: tuple[str, ...]


def read_codeowners(text: str) -> tuple[Line, ...]:
    """Return the lines that say something; a pattern without owners takes owners away."""
    return tuple(_lines(text))


def owners_of(lines: Sequence[Line], paths: Sequence[str]) -> tuple[str, ...]:
    """Return logins and `org/team` of everybody who owns one of the paths, each once, in the order of the paths.

    E-mail addresses are left out: a forge asks accounts, not addresses, for a review.
    """
    found: dict[str, None] = {}
    for path in paths:
        owner = next((line.owners for line in reversed(lines) if _owns(line.pattern, path)), ())
        found.update(dict.fromkeys(one.removeprefix("@") for one in owner if _LOGIN.fullmatch(one)))
    return tuple(found)


def _lines(text: str) -> Iterator[Line]:
    for line in text.splitlines():
        words = re.sub(r"(^|\s)#.*", "", line).split()
        if words and not _REFUSED.search(words[0]):
            yield Line(words[0], tuple(words[1:]))


def _owns(pattern: str, path: str) -> bool:
    """Tell whether a pattern is of a path, as gitignore has it: a folder owns all below it. No pattern takes long."""
    wanted, parts = pattern.strip("/").split("/"), path.split("/")
    if "/" not in pattern.rstrip("/"):
        wanted = ["**", *wanted]
    reached = {0}  #: how many parts of the path are matched
    for place, one in enumerate(wanted):
        if one == "**":
            reached = set(range(min(reached) + (place == len(wanted) - 1), len(parts) + 1))
        else:
            reached = {at + 1 for at in reached if at < len(parts) and _is_like(one, parts[at])}
        if not reached:
            return False
    if len(parts) in reached:
        return not pattern.endswith("/") or bool(reached - {len(parts)})
    return not (len(wanted) > 1 and wanted[0] != "**" and wanted[-1] == "*")  # `docs/*` is of one folder's files only


def _is_like(pattern: str, name: str) -> bool:
    """Match `*` and `?` within one name, in steps no more than the product of both lengths."""
    at, star, retry, seen = 0, -1, 0, 0
    while seen < len(name):
        if at < len(pattern) and pattern[at] == "*":
            star, retry, at = at, seen, at + 1
        elif at < len(pattern) and pattern[at] in ("?", name[seen]):
            at, seen = at + 1, seen + 1
        elif star >= 0:
            retry += 1
            at, seen = star + 1, retry
        else:
            return False
    return not pattern[at:].strip("*")
