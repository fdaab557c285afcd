"""Code, branches and pull requests. Every write carries a fence and is idempotent by its ticket marker."""

from typing import Protocol

from domain.forge import ChangeRequest, PullRequest, PullRequestRequest
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
