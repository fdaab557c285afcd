"""The bare mirror: what is fetched from GitHub, and the one push that moves a ticket's branch and mark together."""

from collections.abc import Mapping
from typing import Final

from adapters._vendor.git import Git, GitError
from adapters.forge.base_branch import fetch_base
from adapters.forge.github.marks import REFERENCES
from adapters.forge.github.site import Site, failure_of
from domain.errors import ForgeRefused, ForgeUnavailable

_QUIET: Final = ("fetch", "--quiet", "--no-write-fetch-head", "--no-recurse-submodules")
_OUTRUN: Final = ("stale info", "cannot lock ref", "reference already exists", "fetch first", "failed to update ref")


class Outrun(Exception):
    """Look again and push again: a reference moved between reading and pushing, or the push's answer was lost."""


def make_mirror(site: Site, base: str) -> None:
    site.local.run("init", "--quiet", "--bare", "--template=", f"--initial-branch={base}")
    site.local.run("config", "--replace-all", "remote.source.url", site.clone_url)


def bring_base(site: Site, base: str) -> str:
    """Put the mirror's base branch where GitHub's is, and return that: there is no other history than GitHub's."""
    theirs: list[str] = []

    def fetched() -> None:
        try:
            theirs.append(fetch_base(site.git, base))
        except ForgeUnavailable as error:
            raise error.__cause__ or error from None  # so that it is told and repeated as every failure of git is

    site.over_the_network(fetched)
    site.local.run("update-ref", f"refs/heads/{base}", theirs[-1])
    return theirs[-1]


def bring_ours(site: Site) -> None:
    """Make the factory's branches and marks here the same as on GitHub."""
    kinds = ("refs/heads/factory/", REFERENCES)
    site.over_the_network(
        lambda: site.git.run(*_QUIET, "--prune", "--no-tags", "source", *(f"+{kind}*:{kind}*" for kind in kinds))
    )


def bring_pull(site: Site, number: int) -> str:
    """Fetch a pull request's head, from a fork too; return its commit."""
    place = f"refs/pull/{number}/head"
    try:
        site.over_the_network(lambda: site.git.run(*_QUIET, "--no-tags", "source", f"+{place}:{place}"))
    except GitError as error:
        if "couldn't find remote ref" in error.words:
            raise ForgeRefused(f"GitHub has no {place}: pull request {number} is gone") from error
        raise
    return site.local.text("rev-parse", "--verify", place)


def move(site: Site, wanted: Mapping[str, str | None]) -> None:
    """Move these references on GitHub, all or none, from where the mirror knows them (None: away); then here.

    Raises:
        Outrun: one of them is elsewhere by now, or nobody knows whether they moved. GitError: GitHub said no.
    """
    known = {name: _where(site.local, name) for name in wanted}
    changed = {name: value for name, value in wanted.items() if value != known[name]}
    if not changed:
        return
    leases = (f"--force-with-lease={name}:{known[name] or ''}" for name in changed)
    specs = (f"{value or ''}:{name}" for name, value in changed.items())
    try:
        site.git.run("push", "--quiet", "--no-verify", "--atomic", *leases, "source", *specs)
    except GitError as error:
        if any(words in error.words for words in _OUTRUN):
            raise Outrun(error.words[-500:]) from error
        if failure_of(error) is ForgeUnavailable:
            site.manners.rest(site.manners.first_wait, "GitHub did not answer git")
            raise Outrun(error.words[-500:]) from error
        raise
    for name, value in changed.items():
        site.local.run("update-ref", *(("-d", name) if value is None else (name, value)))


def _where(git: Git, name: str) -> str | None:
    return git.commit(name)
