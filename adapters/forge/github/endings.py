"""How a pull request on GitHub ends: closed by us, or merged by a person with that person's own credential."""

from collections.abc import Callable

from github.GithubException import GithubException
from github.PullRequest import PullRequest as Shown

from adapters._vendor.github import GitHub
from adapters._vendor.github_failures import told
from adapters._vendor.github_markers import read_marker
from adapters.forge.github.comments import keep_comment
from adapters.forge.github.mirror import bring_base, bring_pull
from adapters.forge.github.pulls import get
from adapters.forge.github.showing import state_of
from adapters.forge.github.site import Site
from adapters.forge.merging import conflicting, refuse_factory
from domain.errors import ForgeRefused
from domain.forge import PullRequestState

#: Gives the GitHub of a person who merges; None when we hold nothing of theirs.
People = Callable[[str], GitHub | None]


def own_pull(site: Site, number: int) -> tuple[Shown, str]:
    """Return a pull request of the factory and its ticket.

    Raises:
        ForgeRefused: there is none, or it is not the factory's.
    """
    pull = get(site, number)
    if pull is None:
        raise ForgeRefused(f"there is no pull request #{number}")
    marker = read_marker(pull.body)
    if marker is None or not pull.head.ref.startswith("factory/"):
        raise ForgeRefused(f"pull request #{number} is not the factory's; it ends on GitHub: {pull.html_url}")
    return pull, marker.ticket


def merge(site: Site, pull: Shown, actor: str, people: People) -> None:
    """Merge as the person, at the head that was brought up to date; what is merged already stays so.

    Raises:
        ForgeRefused: the actor is the factory or a person whose credential we do not hold, or GitHub said no.
    """
    refuse_factory(actor)
    if state_of(pull) is PullRequestState.MERGED:
        return
    if state_of(pull) is PullRequestState.CLOSED:
        raise ForgeRefused(f"pull request #{pull.number} is closed and cannot be merged")
    marker = read_marker(pull.body)
    if marker is None or marker.more.get("head") != pull.head.sha:
        raise ForgeRefused(f"branch {pull.head.ref!r} moved after the pull request was brought up to date")
    person = people(actor)
    if person is None:
        raise ForgeRefused(f"only people merge, and they do it on GitHub: {pull.html_url}")
    theirs = person.repository(site.full_name).get_pull(pull.number)
    try:
        theirs.merge(merge_method="merge", sha=pull.head.sha)
    except GithubException as error:
        if error.status not in {405, 409}:
            raise
        now = get(site, pull.number)
        if now is None or state_of(now) is not PullRequestState.MERGED:
            raise ForgeRefused(_why_not(site, pull, told(error).message)) from error


def close(site: Site, pull: Shown, reason: str) -> None:
    """Close, and say why in one comment."""
    if state_of(pull) is PullRequestState.MERGED:
        raise ForgeRefused(f"pull request #{pull.number} is merged and cannot be closed")
    if reason.strip():
        keep_comment(site, pull.number, "closed", f"Closed by the factory: {_quoted(reason)}")
    if state_of(pull) is PullRequestState.OPEN:
        pull.edit(state="closed")


def _why_not(site: Site, pull: Shown, words: str) -> str:
    base, head = bring_base(site, pull.base.ref), bring_pull(site, pull.number)
    if site.local.holds("merge-tree", "--write-tree", "--no-messages", base, head):
        return words
    return f"{words}; merging conflicts in {conflicting(site.local, base, head)}"


def _quoted(reason: str) -> str:
    return " ".join(reason.replace("@", "@\u200b").replace("<", "&lt;").split())[:2_000]
