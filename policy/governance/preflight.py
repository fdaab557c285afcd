"""What a ticket's wishes say before any work: where it may reach, and whether that is for it to ask."""

from collections.abc import Iterator, Sequence
from itertools import takewhile
from typing import Final

from domain.tickets import Manifest
from policy.governance.model import PathPolicy
from policy.governance.protected import REVIEWER

KEY: Final = "allowed-scope"
WILD: Final = "*?["


def preflight(manifest: Manifest, repository_scope: Sequence[str], paths: PathPolicy) -> Iterator[tuple[str, str]]:
    """Yield (key, what is wrong) for a scope that leads out of the repository, lies outside of what the factory may
    touch there, or reaches shared packages without the profile that may."""
    for pattern in manifest.allowed_scope:
        if _leads_out(pattern):
            yield KEY, f"{pattern!r} leads out of the repository"
        elif repository_scope and not _overlaps(pattern, repository_scope):
            yield KEY, f"{pattern!r} lies outside of the repository's scope: {', '.join(repository_scope)}"
        elif manifest.profile != REVIEWER and _overlaps(pattern, paths.shared):
            yield KEY, f"{pattern!r} reaches shared packages: only work by the profile `{REVIEWER}` may"


def may_touch_shared(manifest: Manifest, paths: PathPolicy) -> bool:
    """Tell whether a ticket may reach shared packages: such work waits for all other work on its repository."""
    scope = manifest.allowed_scope or ("*",)
    return any(_overlaps(pattern, paths.shared) for pattern in scope)


def _leads_out(pattern: str) -> bool:
    return pattern.startswith("/") or ".." in pattern.split("/")


def _overlaps(pattern: str, others: Sequence[str]) -> bool:
    """Tell whether two shell patterns could fit one path, by what they begin with: rather too often than too rarely."""
    own = _beginning(pattern)
    return any(own.startswith(one) or one.startswith(own) for one in map(_beginning, others))


def _beginning(pattern: str) -> str:
    return "".join(takewhile(lambda letter: letter not in WILD, pattern)).casefold()
