"""The review desk on GitHub. See `adapters.forge.contract.ReviewDesk`."""

from collections.abc import Sequence

import structlog
from github.PullRequest import PullRequest as Shown

from adapters.forge.github import objections
from adapters.forge.github.checks import tell
from adapters.forge.github.comments import keep_comment
from adapters.forge.github.mirror import bring_base, bring_pull
from adapters.forge.github.pulls import get
from adapters.forge.github.remarks import remarks
from adapters.forge.github.showing import pull_head
from adapters.forge.github.site import Site, hub_failures
from domain.errors import ForgeRefused, ForgeUnavailable
from domain.forge import CheckTold, PullHead, Remark
from domain.repositories import Repository

log = structlog.get_logger()


class GitHubDesk:
    def site(self, repository: Repository) -> Site:
        """Return the enrolled repository. Raises ForgeRefused when it is not enrolled here."""
        raise NotImplementedError

    def open_pulls(self, repository: Repository) -> list[PullHead]:
        """List them; pages that have not changed cost nothing of the rate limit."""
        site = self.site(repository)
        with hub_failures(site.manners):
            found = site.hub.get_pulls(state="open", sort="created", direction="asc")
            return [pull_head(site, pull) for pull in found]

    def pull(self, repository: Repository, number: int) -> PullHead | None:
        """Ask for it now."""
        site = self.site(repository)
        with hub_failures(site.manners):
            found = get(site, number)
            return None if found is None else pull_head(site, found)

    def obtain(self, repository: Repository, pull: PullHead) -> str:
        """Fetch `refs/pull/N/head` into the mirror. ForgeUnavailable: it has moved, and the old head is gone."""
        site = self.site(repository)
        with hub_failures(site.manners), site.locked():
            base = bring_base(site, pull.base)
            head = bring_pull(site, pull.number)
            if site.local.commit(pull.head_sha) is None:
                raise ForgeUnavailable(
                    f"pull request #{pull.number} is at {head[:12]} now, not at {pull.head_sha[:12]}"
                )
            if not site.local.holds("merge-base", base, pull.head_sha):
                raise ForgeRefused(f"pull request #{pull.number} and {pull.base} have no commit in common")
            return site.local.text("merge-base", base, pull.head_sha)

    def report(self, repository: Repository, number: int, *, marker: str, text: str) -> str:
        """Keep the comment, within GitHub's limit of 65,536 characters."""
        site = self.site(repository)
        with hub_failures(site.manners):
            return keep_comment(site, number, marker, text)

    def tell_checks(self, repository: Repository, head_sha: str, checks: Sequence[CheckTold]) -> None:
        """Tell them of the head of an open pull request; of any other commit nothing."""
        site = self.site(repository)
        with hub_failures(site.manners):
            if any(pull.head.sha == head_sha for pull in site.hub.get_pulls(state="open")):
                tell(site, head_sha, checks)
            else:
                log.info("checks_not_told", repository=repository.name, head_sha=head_sha, why="no open head")

    def object_to(self, repository: Repository, pull: PullHead, reason: str | None) -> None:
        """Request changes by a review; on what we opened ourselves by a failing check."""
        site = self.site(repository)
        with hub_failures(site.manners):
            now = get(site, pull.number)
            if now is None or now.head.sha != pull.head_sha:
                log.info("objection_not_told", repository=repository.name, number=pull.number, why="head moved")
                return
            objections.object_to(site, now, reason)

    def remarks(self, repository: Repository, number: int) -> list[Remark]:
        """Read comments, reviews, comments on lines and failed checks of the head."""
        site = self.site(repository)
        with hub_failures(site.manners):
            return remarks(site, _existing(site, number))


def _existing(site: Site, number: int) -> Shown:
    found = get(site, number)
    if found is None:
        raise ForgeRefused(f"there is no pull request #{number}")
    return found
