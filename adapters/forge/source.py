"""Where an enrolled repository comes from: is it git, has it a commit, which branch is its base."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NoReturn

from adapters._vendor.git import Git, GitError, repository_of
from domain.errors import ForgeUnavailable, RepositoryInvalid

_URL: Final = re.compile(r"^[A-Za-z][A-Za-z0-9+.-]*:(//|:)|^[^/\s]+@[^/\s:]+:")
_CREDENTIALS: Final = re.compile(r"^https?://[^/]*@", re.IGNORECASE)
_ABSENT: Final = ("not found", "does not exist", "does not appear to be a git repository", "not a git repository")
_NOT_ALLOWED: Final = ("transport", "not allowed")
_SHA1: Final = re.compile(r"^[0-9a-f]{40}$")


@dataclass(frozen=True, slots=True)
class Source:
    url: str  #: what git fetches from
    base: str


def find_source(source: str, base: str | None, home: Path) -> Source:
    """Return the validated source of a path or URL.

    Raises:
        RepositoryInvalid: no such path, not git, no commit, or no such base branch; the message says which, and
            `unreadable` is in the details of one that could not be read at all.
        ForgeUnavailable: the URL did not answer.
    """
    url = _locate(source, home)
    head, branches = _advertised(url, source, home)
    if not branches:
        raise RepositoryInvalid(f"{source} has no commit on any branch")
    chosen = base or head
    if chosen is None:
        raise RepositoryInvalid(f"{source} has no current branch (detached HEAD); name one with --base")
    if chosen not in branches:
        known = ", ".join(sorted(branches)[:5])
        raise RepositoryInvalid(f"{source} has no branch {chosen!r}; it has {known}")
    if not _SHA1.match(branches[chosen]):
        raise RepositoryInvalid(f"{source} names its objects by SHA-256; only SHA-1 repositories are supported")
    if chosen.startswith("factory/"):
        raise RepositoryInvalid(f"{chosen!r} cannot be a base branch: factory/ is where the factory publishes")
    return Source(url, chosen)


def _locate(source: str, home: Path) -> str:
    if "\n" in source or "\0" in source or not source.strip():
        raise RepositoryInvalid(f"{source!r} is not a path or URL")
    if _CREDENTIALS.match(source):
        raise RepositoryInvalid("the URL carries a credential, which would be stored and shown; give it without")
    return source if _URL.match(source) else _local(Path(source).expanduser(), home)


def _local(path: Path, home: Path) -> str:
    if not path.exists():
        raise RepositoryInvalid(f"no such path: {path}")
    if not path.is_dir():
        raise RepositoryInvalid(f"{path} is a file, not a git repository")
    found = repository_of(path.resolve(), home)
    if found is None:
        raise RepositoryInvalid(f"{path} is not a git repository")
    return str(found)


def _advertised(url: str, source: str, home: Path) -> tuple[str | None, dict[str, str]]:
    """Return the source's current branch and the commit of each of its branches."""
    try:
        answer = Git(home).text("ls-remote", "--symref", "--", url, "HEAD", "refs/heads/*")
    except GitError as error:
        _refuse(source, error)
    head: str | None = None
    branches: dict[str, str] = {}
    for line in answer.splitlines():
        value, _, name = line.partition("\t")
        if name == "HEAD" and value.startswith("ref: refs/heads/"):
            head = value.removeprefix("ref: refs/heads/")
        elif name.startswith("refs/heads/"):
            branches[name.removeprefix("refs/heads/")] = value
    return head, branches


def _refuse(source: str, error: GitError) -> NoReturn:
    if any(words in error.words for words in _ABSENT) or all(words in error.words for words in _NOT_ALLOWED):
        words = f"{source} is not a git repository that can be read: {error.words}"
        raise RepositoryInvalid(words, unreadable=True) from error
    raise ForgeUnavailable(f"{source} did not answer: {error.words or error}") from error
