"""The local forge: bare git repositories and pull requests as files, on this machine, for anyone to clone and read."""

import errno
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, NoReturn

from pydantic import ValidationError

from adapters._vendor.files import locked
from adapters._vendor.git import Git, GitError
from adapters.forge.base_branch import advance_base, fetch_base
from adapters.forge.branches import move_branch, refuse_branch
from adapters.forge.protection import RefusedPush, protect, read_refused
from adapters.forge.pull_requests import PullRequests
from adapters.forge.reading import read_text
from adapters.forge.records import PullRecords
from adapters.forge.replay import commit_change
from adapters.forge.review_desk import Desk
from adapters.forge.source import find_source
from domain.errors import ForgeRefused, ForgeUnavailable, RepositoryInvalid, StorageFull
from domain.forge import ChangeRequest, CheckTold, PullHead, PullRequest, PullRequestRequest, Remark
from domain.repositories import Repository

_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_FULL: Final = {errno.ENOSPC, errno.EDQUOT}


def utc_now() -> datetime:
    return datetime.now(UTC)


@contextmanager
def forge_failures() -> Iterator[None]:
    """Everything that goes wrong below leaves as a FactoryError."""
    try:
        yield
    except GitError as error:
        _refuse(error)
    except OSError as error:
        kind = StorageFull if error.errno in _FULL else ForgeUnavailable
        raise kind(f"the local forge's files: {error}") from error
    except ValidationError as error:
        raise ForgeRefused(f"a record of the local forge cannot be read: {error}") from error


def _refuse(error: GitError) -> NoReturn:
    if "No space left on device" in error.words or "Disk quota exceeded" in error.words:
        raise StorageFull(str(error)) from error
    if "': '" in error.words and "exists; cannot create" in error.words:
        raise ForgeRefused(str(error)) from error
    raise ForgeUnavailable(str(error)) from error


class LocalForge:
    """`root/NAME.git` is NAME's bare repository, `root/NAME.pulls` its pull requests. See `contract.Forge`.

    `protected` are branches (names or shell patterns) that, like every base branch, no push of the bot reaches.
    """

    def __init__(self, root: Path, *, now: Callable[[], datetime] = utc_now, protected: Sequence[str] = ()) -> None:
        self._root = root.absolute()
        self._home = self._root / ".git-home"
        self._now = now
        self._protected = tuple(protected)

    @forge_failures()
    def enrol(self, name: str, source: str, base: str | None) -> tuple[str, str]:
        """Make the bare repository, or bring one that exists up to its (perhaps new) source and base."""
        if not _NAME.fullmatch(name):
            raise RepositoryInvalid(f"{name!r} cannot name a repository: letters, digits, dot, underscore and hyphen")
        found = find_source(source, base, self._home)
        git = self._git(name)
        with locked(self._pulls(name) / "fetch.lock"):
            git.run("init", "--quiet", "--bare", "--template=", f"--initial-branch={found.base}")
            git.run("config", "--replace-all", "remote.source.url", found.url)
            theirs = fetch_base(git, found.base)
        with self._records(name).locked():
            advance_base(git, found.base, theirs)
            git.run("symbolic-ref", "HEAD", f"refs/heads/{found.base}")
            protect(git, (found.base, *self._protected))
        return str(self._bare(name)), found.base

    @forge_failures()
    def fetch(self, repository: Repository, base: str) -> str:
        """Bring the base branch up to date with the source that was enrolled."""
        git = self._enrolled(repository)
        with locked(self._pulls(repository.name) / "fetch.lock"):
            theirs = fetch_base(git, base)
        with self._records(repository.name).locked():
            return advance_base(git, base, theirs)

    @forge_failures()
    def read_file(self, repository: Repository, commit: str, path: str, *, limit: int) -> str | None:
        """Return a regular file's text; a symbolic link, a directory and a submodule are no files."""
        return read_text(self._enrolled(repository), commit, path, limit)

    @forge_failures()
    def publish(self, repository: Repository, change: ChangeRequest) -> str:
        """Replay the patch without a work tree and move the ticket's branch to the commit."""
        git = self._enrolled(repository)
        records = self._records(repository.name)
        refuse_branch(git, repository, change)
        records.mark_of(change.ticket_id, change.fence)
        commit = commit_change(git, change)
        with records.locked():
            protect(git, (repository.settings.base, change.base, *self._protected))
            return move_branch(git, records, change, commit)

    @forge_failures()
    def open_pull_request(self, repository: Repository, request: PullRequestRequest) -> PullRequest:
        """Write record and page under the lock that also hands out numbers."""
        if request.repository != repository.name:
            raise ForgeRefused(f"the request is for {request.repository!r}, not for {repository.name!r}")
        return self._pull_requests(repository).open(request, self._now())

    @forge_failures()
    def find_pull_request(self, repository: Repository, ticket_id: str) -> PullRequest | None:
        """Look through the records, newest first."""
        return self._pull_requests(repository).find(ticket_id)

    @forge_failures()
    def end_pull_request(
        self, repository: Repository, number: int, *, merge: bool, actor: str, reason: str
    ) -> PullRequest:
        """Merge by a merge commit in the actor's name, or close. The factory may close but not merge."""
        pulls = self._pull_requests(repository)
        if merge:
            return pulls.merge(number, actor, reason, self._now())
        return pulls.close(number, reason, self._now())

    @forge_failures()
    def open_pulls(self, repository: Repository) -> list[PullHead]:
        """Look through the records."""
        return self._desk(repository).open_pulls()

    @forge_failures()
    def pull(self, repository: Repository, number: int) -> PullHead | None:
        """Read its record."""
        return self._desk(repository).pull(number)

    @forge_failures()
    def obtain(self, repository: Repository, pull: PullHead) -> str:
        """Every head is here already; return its merge base."""
        return self._desk(repository).obtain(pull)

    @forge_failures()
    def report(self, repository: Repository, number: int, *, marker: str, text: str) -> str:
        """Keep `N/comments/MARKER.md`."""
        return self._desk(repository).report(number, marker, text)

    @forge_failures()
    def tell_checks(self, repository: Repository, head_sha: str, checks: Sequence[CheckTold]) -> None:
        """Keep `N/checks.json` of the open pull requests at this head."""
        self._desk(repository).tell_checks(head_sha, checks)

    @forge_failures()
    def object_to(self, repository: Repository, pull: PullHead, reason: str | None) -> None:
        """Keep `N/objection.md`, or remove it."""
        self._desk(repository).object_to(pull, reason)

    @forge_failures()
    def remarks(self, repository: Repository, number: int) -> list[Remark]:
        """Read `N/remarks.jsonl`, which people append to."""
        return self._desk(repository).remarks(number)

    def refused_pushes(self, name: str) -> list[RefusedPush]:
        """Return what the repository's hook refused, oldest first."""
        return read_refused(self._bare(name))

    def _bare(self, name: str) -> Path:
        return self._root / f"{name}.git"

    def _pulls(self, name: str) -> Path:
        return self._root / f"{name}.pulls"

    def _records(self, name: str) -> PullRecords:
        return PullRecords(self._pulls(name))

    def _git(self, name: str) -> Git:
        return Git(self._home, self._bare(name))

    def _enrolled(self, repository: Repository) -> Git:
        if not (self._bare(repository.name) / "HEAD").is_file():
            raise ForgeRefused(f"repository {repository.name!r} is not in the local forge at {self._root}")
        return self._git(repository.name)

    def _desk(self, repository: Repository) -> Desk:
        return Desk(self._enrolled(repository), self._records(repository.name))

    def _pull_requests(self, repository: Repository) -> PullRequests:
        name = repository.name
        return PullRequests(self._enrolled(repository), self._records(name), self._bare(name))
