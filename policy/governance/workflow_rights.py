"""What the jobs of a GitHub workflow may do with its token."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

LEVELS: Final = {"none": 0, "read": 1, "write": 2}
EVERYTHING: Final = "*"
Rights = Mapping[str, int]  #: scope → level; EVERYTHING stands for those not named

#: what a repository gives at least and at most to a workflow that asks for nothing
LEAST_DEFAULT: Final[Rights] = {"contents": 1, "packages": 1, "metadata": 1}
MOST_DEFAULT: Final[Rights] = {EVERYTHING: 2}


class Unclear(ValueError):
    """The workflow says something of rights or triggers that GitHub would not take or we do not know."""


def read_rights(told: Any) -> Rights | None:
    """Read a `permissions:` value; None when there is none.

    Raises:
        Unclear: it is neither a known word nor scopes with known levels.
    """
    match told:
        case None:
            return None
        case "read-all":
            return {EVERYTHING: 1}
        case "write-all":
            return {EVERYTHING: 2}
        case dict() if all(isinstance(level, str) and level in LEVELS for level in told.values()):
            return {str(scope): LEVELS[level] for scope, level in told.items()}
        case _:
            raise Unclear("permissions")


def raised(before: Rights | None, after: Rights | None) -> Iterator[str]:
    """Yield each right that `after` has and `before` had not; None is what the repository gives by itself."""
    if after is None:
        if before is not None and any(raised(before, MOST_DEFAULT)):
            yield "whatever the repository gives by default (no permissions are named)"
        return
    had = LEAST_DEFAULT if before is None else before
    for scope in sorted({*had, *after}):
        level = _level(after, scope)
        if level > _level(had, scope):
            yield _spell(scope, level)


def _level(rights: Rights, scope: str) -> int:
    return rights.get(scope, rights.get(EVERYTHING, 0))


def _spell(scope: str, level: int) -> str:
    word = next(word for word, value in LEVELS.items() if value == level)
    return f"{word}-all" if scope == EVERYTHING else f"{scope}: {word}"
