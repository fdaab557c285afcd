"""Code, branches and pull requests. Every write carries a fence and is idempotent by its ticket marker."""

from collections.abc import Sequence
from typing import Protocol

from domain.forge import ChangeRequest, CheckTold, PullHead, PullRequest, PullRequestRequest, Remark
from domain.repositories import Repository


class Forge(Protocol):
    """Guarantees: one branch and at most one open pull request a ticket, whatever is repeated or killed when;
    a write with an older fence than the last accepted one of its ticket raises ForgeFenced and changes nothing;
    git never runs with a workspace's configuration, hooks or filters.

    Raises (any method): ForgeUnavailable for what may pass, ForgeRefused for what will not.
    """

    def enrol(self, name: str, source: str, base: str | None) -> tuple[str, str]:
        """Make the forge's repository from a path or URL; return (remote, base branch).

        Raises:
            RepositoryInvalid: not git, no commit, or no such base branch; the message says which.
        """

    def fetch(self, repository: Repository, base: str) -> str:
        """Bring the base branch up to date with the source and return its commit.

        Raises:
            RepositoryDiverged: source and forge each have commits that the other lacks.
        """

    def read_file(self, repository: Repository, commit: str, path: str, *, limit: int) -> str | None:
        """Return a text file of a commit; None when there is none. Larger than `limit` bytes: ForgeRefused."""

    def publish(self, repository: Repository, change: ChangeRequest) -> str:
        """Commit the patch on its base under the bot's identity, push the branch, and return the head commit read back.

        Raises:
            PatchDoesNotApply, TreeMismatch: the patch is not what was validated.
            ForgeRefused: the branch is the base branch or outside `factory/`.
        """

    def open_pull_request(self, repository: Repository, request: PullRequestRequest) -> PullRequest:
        """Open the ticket's pull request, or bring the open one up to date; return it as read back."""

    def find_pull_request(self, repository: Repository, ticket_id: str) -> PullRequest | None:
        """Return the ticket's newest pull request, found by its marker on the forge, not by our records."""

    def end_pull_request(
        self, repository: Repository, number: int, *, merge: bool, actor: str, reason: str
    ) -> PullRequest:
        """Merge (by a person) or close; repeating it changes nothing.

        Raises:
            ForgeRefused: the actor is the factory, or the merge has conflicts.
        """


class ReviewDesk(Protocol):
    """What governance reads and says on any pull request. Guarantees: what is ours is found by its marker, so that a
    crash between a call and our record finds its own work; repeating a call changes nothing more; nothing is said of a
    head that is no longer the pull request's.

    Raises (any method): ForgeUnavailable for what may pass, ForgeRefused for what will not.
    """

    def open_pulls(self, repository: Repository) -> list[PullHead]:
        """Return every open pull request, oldest first."""

    def pull(self, repository: Repository, number: int) -> PullHead | None:
        """Return a pull request as it is now; None when there is none."""

    def obtain(self, repository: Repository, pull: PullHead) -> str:
        """Bring the head commit into the repository's mirror, from a fork too; return its merge base with the base
        branch."""

    def report(self, repository: Repository, number: int, *, marker: str, text: str) -> str:
        """Keep exactly one comment with this marker, with this Markdown; return its address."""

    def tell_checks(self, repository: Repository, head_sha: str, checks: Sequence[CheckTold]) -> None:
        """Set one check run and one commit status a rule, named by it."""

    def object_to(self, repository: Repository, pull: PullHead, reason: str | None) -> None:
        """Request changes for this reason, or withdraw our request when there is none any more."""

    def remarks(self, repository: Repository, number: int) -> list[Remark]:
        """Return what was said of it that is not ours, oldest first."""
