"""One repository on GitHub, as this factory holds it: the client, and a bare mirror that commits are made in."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NoReturn

from github.Commit import Commit
from github.Repository import Repository

from adapters._vendor.files import locked
from adapters._vendor.git import Git, GitError
from adapters._vendor.github import GitHub
from adapters._vendor.github_failures import github_failures
from adapters._vendor.github_limits import Manners, patience
from adapters._vendor.github_requests import PoliteRequester
from domain.errors import ForgeRefused, ForgeUnavailable, StorageFull

PASSWORD: Final = "FACTORY_GIT_PASSWORD"  #: environment variable; git's credential helper below reads it
_HELPER: Final = (
    '!f() { test "$1" = get && printf "username=x-access-token\\npassword=%s\\n" "$' + PASSWORD + '"; true; }; f'
)
_FULL: Final = ("No space left on device", "Disk quota exceeded")
_DENIED: Final = (
    "Authentication failed", "could not read Username", "returned error: 403", "returned error: 401",
    "not found", "Permission to", "denied to",
)  # fmt: skip
_SAID_NO: Final = ("remote rejected", "protected branch", "hook declined", "cannot lock ref")


@dataclass(frozen=True, slots=True)
class Site:
    name: str  #: as it is enrolled here
    full_name: str  #: OWNER/NAME
    github: GitHub
    folder: Path  #: of the mirror
    home: Path  #: of git's configuration
    clone_url: str

    @property
    def hub(self) -> Repository:
        return self.github.repository(self.full_name)

    @property
    def requester(self) -> PoliteRequester:
        return self.github.requester(self.full_name)

    @property
    def manners(self) -> Manners:
        return self.github.manners

    @property
    def owner(self) -> str:
        return self.full_name.partition("/")[0]

    @property
    def local(self) -> Git:
        """Git on the mirror alone: it holds no credential."""
        return Git(self.home, self.folder)

    @property
    def git(self) -> Git:
        """Git that may speak to GitHub. The token is in its environment only, and is told to this one host only."""
        web = self.github.addresses.web
        settings = (
            f"credential.{web}.helper={_HELPER}",
            "http.followRedirects=false",
            "http.lowSpeedLimit=100",
            "http.lowSpeedTime=60",
        )
        return Git(
            self.home,
            self.folder,
            settings=settings,
            surroundings={PASSWORD: self.github.token(self.full_name)},
        )

    def locked(self) -> AbstractContextManager[None]:
        return locked(self.folder.with_suffix(".hub") / "lock")

    def commit(self, sha: str) -> Commit:
        """Return PyGithub's object for a commit; nothing is asked yet."""
        attributes = {"url": f"/repos/{self.full_name}/commits/{sha}", "sha": sha}
        return Commit(self.requester, {}, attributes, completed=False)

    def is_mine(self, login: str | None) -> bool:
        return login is not None and login.lower() == self.github.login().lower()

    def over_the_network(self, work: Callable[[], object]) -> None:
        """Do a repeatable piece of git's work, again after a failure that may pass."""
        for attempt in range(1, self.manners.attempts):
            try:
                work()
                return
            except GitError as error:
                if failure_of(error) is not ForgeUnavailable:
                    raise
                self.manners.rest(self.manners.pause_after(attempt), "GitHub did not answer git")
        work()


@contextmanager
def hub_failures(manners: Manners) -> Iterator[None]:
    """Bound an operation in time; whatever goes wrong below leaves as a FactoryError."""
    with patience(manners.patience), github_failures():
        try:
            yield
        except GitError as error:
            _refuse(error)
        except OSError as error:
            raise ForgeUnavailable(f"the mirror's files: {error}") from error


def failure_of(error: GitError) -> type[StorageFull | ForgeRefused | ForgeUnavailable]:
    if any(words in error.words for words in _FULL):
        return StorageFull
    if any(words in error.words for words in (*_DENIED, *_SAID_NO)):
        return ForgeRefused
    return ForgeUnavailable


def _refuse(error: GitError) -> NoReturn:
    kind, hint = failure_of(error), ""
    if any(words in error.words for words in _DENIED):
        hint = "; renew the credential, or grant it `contents: write` on this repository"
    raise kind(f"{error}{hint}") from error
