"""GitHub as the forge: commits are made in a bare mirror here, pushed over HTTPS, read back from what GitHub shows."""

import re
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final, TypeVar

from github.GithubException import GithubException, UnknownObjectException

from adapters._vendor.github import GitHub
from adapters.forge.branches import refuse_branch
from adapters.forge.github import endings
from adapters.forge.github.bodies import Evidence
from adapters.forge.github.desk import GitHubDesk
from adapters.forge.github.marks import TicketMark, owner_of, read_mark, reference, written
from adapters.forge.github.mirror import Outrun, bring_base, bring_ours, make_mirror, move
from adapters.forge.github.pulls import ended, newest_of, open_or_update, ticket_pull
from adapters.forge.github.site import Site, hub_failures
from adapters.forge.reading import read_text
from adapters.forge.replay import commit_change
from domain.errors import ForgeRefused, ForgeUnavailable, RepositoryInvalid
from domain.forge import ChangeRequest, PullRequest, PullRequestRequest
from domain.repositories import Repository

RACES: Final = 5  #: pushes tried when somebody else is quicker, or when the answer is lost
T = TypeVar("T")
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


class GitHubForge(GitHubDesk):
    """`root/NAME.git` is the mirror of NAME. See `contract.Forge` and `contract.ReviewDesk`.

    `evidence` gives the public address of an artifact, None where there is none; `people` the GitHub of a person who
    merges, None where we hold nothing of theirs (then merging is refused with the address to do it at).
    """

    def __init__(
        self,
        root: Path,
        github: GitHub,
        *,
        evidence: Evidence = lambda link: None,
        people: endings.People = lambda actor: None,
    ) -> None:
        self._root = root.absolute()
        self._github = github
        self._evidence = evidence
        self._people = people

    def enrol(self, name: str, source: str, base: str | None) -> tuple[str, str]:
        """Make the mirror of `https://HOST/OWNER/NAME`, or bring the one that exists up to date."""
        if not _NAME.fullmatch(name):
            raise RepositoryInvalid(f"{name!r} cannot name a repository: letters, digits, dot, underscore and hyphen")
        site = self._site(name, source)
        with hub_failures(site.manners), site.locked():
            chosen = _base_of(site, base)
            make_mirror(site, chosen)
            bring_base(site, chosen)
            site.local.run("symbolic-ref", "HEAD", f"refs/heads/{chosen}")
            bring_ours(site)
        return str(site.folder), chosen

    def fetch(self, repository: Repository, base: str) -> str:
        """Bring the mirror's base branch to where GitHub's is."""
        site = self.site(repository)
        with hub_failures(site.manners), site.locked():
            return bring_base(site, base)

    def read_file(self, repository: Repository, commit: str, path: str, *, limit: int) -> str | None:
        """Return a regular file's text from the mirror; a symbolic link, a directory and a submodule are no files."""
        site = self.site(repository)
        with hub_failures(site.manners):
            return read_text(site.local, commit, path, limit)

    def publish(self, repository: Repository, change: ChangeRequest) -> str:
        """Replay the patch in the mirror, then move branch and mark on GitHub together, or neither."""
        site = self.site(repository)
        with hub_failures(site.manners), site.locked():
            refuse_branch(site.local, repository, change)
            commit = _outrunning(lambda: _published(site, change))
            return _read_back(site, change.branch, commit)

    def open_pull_request(self, repository: Repository, request: PullRequestRequest) -> PullRequest:
        """Raise the ticket's mark to this fence first: whoever is older is turned away from then on."""
        if request.repository != repository.name:
            raise ForgeRefused(f"the request is for {request.repository!r}, not for {repository.name!r}")
        site = self.site(repository)
        with hub_failures(site.manners), site.locked():
            bring_ours(site)
            mark = read_mark(site.local, request.ticket_id)
            mark.raised(request.run_id, request.fence, None)
            over = ended(site, request, mark)
            if over is not None:
                return over
            _refuse_unpublished(site, request)
            mark = _outrunning(lambda: _raised(site, request))
            return open_or_update(site, request, mark, self._evidence)

    def find_pull_request(self, repository: Repository, ticket_id: str) -> PullRequest | None:
        """Look on GitHub for the newest one on a branch of the ticket."""
        site = self.site(repository)
        with hub_failures(site.manners), site.locked():
            bring_ours(site)
            mark = read_mark(site.local, ticket_id)
            found = newest_of(site, mark)
            return None if found is None else ticket_pull(site, found, mark)

    def end_pull_request(
        self, repository: Repository, number: int, *, merge: bool, actor: str, reason: str
    ) -> PullRequest:
        """Close, or merge with the person's own credential; a merge that a person made on GitHub is found."""
        site = self.site(repository)
        with hub_failures(site.manners), site.locked():
            pull, ticket = endings.own_pull(site, number)
            if merge:
                endings.merge(site, pull, actor, self._people)
            else:
                endings.close(site, pull, reason)
            bring_ours(site)
            now, _ = endings.own_pull(site, number)
            bring_base(site, now.base.ref)
            return ticket_pull(site, now, read_mark(site.local, ticket))

    def site(self, repository: Repository) -> Site:
        """Return the enrolled repository. Raises ForgeRefused when it is not enrolled here."""
        site = self._site(repository.name, repository.source)
        if not (site.folder / "HEAD").is_file():
            raise ForgeRefused(f"repository {repository.name!r} has no mirror at {self._root}; enrol it again")
        return site

    def _site(self, name: str, source: str) -> Site:
        full_name = self._github.addresses.full_name(source)
        clone_url = self._github.addresses.clone_url(full_name)
        return Site(name, full_name, self._github, self._root / f"{name}.git", self._root / ".git-home", clone_url)


def _base_of(site: Site, base: str | None) -> str:
    try:
        chosen = base or site.hub.default_branch
        site.hub.get_branch(chosen)
    except UnknownObjectException as error:
        raise RepositoryInvalid(_what_is_missing(site, base)) from error
    except GithubException as error:
        if error.status != 404:
            raise
        raise RepositoryInvalid(_what_is_missing(site, base)) from error
    if chosen.startswith("factory/"):
        raise RepositoryInvalid(f"{chosen!r} cannot be a base branch: factory/ is where the factory publishes")
    return chosen


def _what_is_missing(site: Site, base: str | None) -> str:
    try:
        default = site.hub.default_branch
    except UnknownObjectException:
        return f"GitHub shows no {site.full_name}: check the address, and that the token or the App may see it"
    if base and base != default:
        return f"{site.full_name} has no branch {base!r}; its default branch is {default!r}"
    return f"{site.full_name} has no commit on {default!r}"


def _outrunning(work: Callable[[], T]) -> T:
    """Do it again on what is there now, as long as somebody else is quicker or the answer is lost."""
    for _ in range(RACES - 1):
        with suppress(Outrun):
            return work()
    try:
        return work()
    except Outrun as error:
        raise ForgeUnavailable(f"the push did not come through: {error}") from error


def _published(site: Site, change: ChangeRequest) -> str:
    bring_ours(site)
    before = read_mark(site.local, change.ticket_id)
    mark = before.raised(change.run_id, change.fence, change.branch)
    owner = owner_of(site.local, change.branch)
    if owner not in {None, change.ticket_id}:
        raise ForgeRefused(f"branch {change.branch!r} belongs to ticket {owner}")
    commit = commit_change(site.local, change)
    former = {f"refs/heads/{name}": None for name in before.branches if name != change.branch}
    ours = {f"refs/heads/{change.branch}": commit, reference(change.ticket_id): written(site.local, mark)}
    move(site, {**former, **ours})
    return commit


def _raised(site: Site, request: PullRequestRequest) -> TicketMark:
    bring_ours(site)
    mark = read_mark(site.local, request.ticket_id).raised(request.run_id, request.fence, None)
    move(site, {reference(request.ticket_id): written(site.local, mark)})
    return mark


def _refuse_unpublished(site: Site, request: PullRequestRequest) -> None:
    if not request.branch.startswith("factory/") or request.branch == request.base:
        raise ForgeRefused(f"{request.branch!r} is not a branch of the factory")
    published = site.local.commit(f"refs/heads/{request.branch}")
    if published != request.head_sha:
        raise ForgeRefused(f"branch {request.branch!r} is at {published}, not at {request.head_sha}")
    if site.local.commit(request.base_sha) is None or site.local.commit(f"refs/heads/{request.base}") is None:
        raise ForgeRefused(f"base {request.base!r} at {request.base_sha[:12]} is not in the forge")


def _read_back(site: Site, branch: str, commit: str) -> str:
    shown = site.hub.get_branch(branch).commit.sha
    if shown != commit:
        raise ForgeUnavailable(f"GitHub shows {branch!r} at {shown[:12]}, not at {commit[:12]}")
    return shown
