"""Any git checkout on this machine → a mirror of ours with two of its commits; the checkout stays as it is."""

import hashlib
import os
from dataclasses import replace
from pathlib import Path
from typing import Final, NamedTuple

from adapters._vendor.files import locked
from adapters._vendor.git import Git, GitError, repository_of
from adapters.forge.local import LocalForge
from domain.errors import InvalidInput, RepositoryInvalid
from resources.settings import Settings
from resources.wiring import Factory

FORGE: Final = "checkout"  #: whose repositories are mirrors of checkouts
_REFS: Final = "refs/governance"


class Checkout(NamedTuple):
    """`remote` is the mirror, below a folder that a LocalForge can read."""

    top: Path
    remote: Path
    base_sha: str  #: the merge base
    head_sha: str


def mirror_checkout(settings: Settings, path: Path, name: str, base: str, head: str) -> Checkout:
    """Fetch two commits of the repository a path lies in, and find their merge base.

    Raises:
        RepositoryInvalid: no git repository, one of SHA-256, or no common history.
        InvalidInput: no such revision, or nothing to judge between them.
    """
    home = settings.governance_dir / ".git-home"
    top = find_top(path, home)
    theirs = Git(home, top / ".git" if (top / ".git").exists() else top)
    wanted = {"base": _commit(theirs, top, base), "head": _commit(theirs, top, head)}
    remote = _root(settings, top) / f"{name}.git"
    ours = Git(home, remote)
    with locked(remote.with_suffix(".lock")):
        _fetch(ours, theirs, wanted)
    return Checkout(top, remote, _merge_base(ours, wanted["base"], wanted["head"], top), wanted["head"])


def with_checkout(factory: Factory, checkout: Checkout) -> Factory:
    """Return the factory with a forge that can read the mirror; nobody else sees it."""
    forge = LocalForge(checkout.remote.parent)
    return replace(factory, forges={**factory.forges, FORGE: forge})


def find_top(path: Path, home: Path) -> Path:
    """Return the top of the repository a path lies in."""
    if not path.is_dir():
        raise RepositoryInvalid(f"no such folder: {path}")
    found = repository_of(path.resolve(), home)
    if found is None:
        raise RepositoryInvalid(f"{path} is not in a git repository")
    return found


def checkouts_dir(settings: Settings) -> Path:
    """Return where the mirrors lie, a folder each."""
    return settings.governance_dir / "checkouts"


def _root(settings: Settings, top: Path) -> Path:
    """One folder a checkout: what two of the same name hold does not mix."""
    folder = checkouts_dir(settings) / hashlib.sha256(str(top).encode()).hexdigest()[:16]
    folder.mkdir(parents=True, exist_ok=True)
    os.utime(folder)  # it is in use
    return folder


def _commit(git: Git, top: Path, revision: str) -> str:
    if not revision.strip() or not revision.isprintable():
        raise InvalidInput(f"{revision!r} is no revision")
    try:
        found = git.commit(revision)
    except GitError as error:
        raise RepositoryInvalid(f"{top} cannot be read: {error}") from error
    if found is None:
        raise InvalidInput(f"{top} has no commit {revision!r}")
    if len(found) != 40:
        raise RepositoryInvalid(f"{top} names its objects by SHA-256; only SHA-1 repositories are supported")
    return found


def _fetch(ours: Git, theirs: Git, wanted: dict[str, str]) -> None:
    """Take the objects as git hands them out, so that no setting or alternate of the checkout is ours."""
    if not (Path(str(ours.repository)) / "HEAD").is_file():
        ours.run("init", "--quiet", "--bare", "--template=", "--initial-branch=governance")
    specs = [f"+{commit}:{_REFS}/{commit}" for commit in dict.fromkeys(wanted.values())]
    options = ("--quiet", "--no-tags", "--no-write-fetch-head", "--no-recurse-submodules", "--update-shallow")
    try:
        ours.run("fetch", *options, "--", str(theirs.repository), *specs)
    except GitError as error:
        raise RepositoryInvalid(f"{theirs.repository} cannot be read: {error.words or error}") from error


def _merge_base(git: Git, base: str, head: str, top: Path) -> str:
    try:
        found = git.text("merge-base", base, head)
    except GitError as error:
        shallow = git.text("rev-parse", "--is-shallow-repository") == "true"
        more = ": it is a shallow clone, `git fetch --unshallow` brings the rest" if shallow else ""
        raise RepositoryInvalid(f"{base[:12]} and {head[:12]} of {top} have no common history{more}") from error
    if found == head:
        raise InvalidInput(f"head {head[:12]} is the base or behind it: there is no change to judge")
    return found
