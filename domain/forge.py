"""Code, branches and pull requests, as any forge has them."""

from enum import StrEnum
from typing import Annotated

from pydantic import Field, NonNegativeInt

from domain.execution import ArtifactRef, PatchRef
from domain.model import Instant, Name, Record, Sha1, Value


class PullRequestState(StrEnum):
    OPEN = "open"
    MERGED = "merged"
    CLOSED = "closed"


class Link(Value):
    """Evidence a reader can open: the artifact and the local file it is stored in."""

    label: str
    artifact: ArtifactRef
    path: str


class ChangeRequest(Value):
    """One commit to put on one branch. The same request always gives the same commit id."""

    repository: Name
    ticket_id: Name
    run_id: Name
    fence: int
    branch: str
    base: str
    patch: PatchRef
    patch_path: str
    message: str  #: subject, blank line, body, trailers
    authored_at: Instant


class PullRequestRequest(Value):
    """Open, or bring up to date, the one pull request of a ticket."""

    repository: Name
    ticket_id: Name
    run_id: Name
    fence: int
    title: str
    body: str  #: Markdown; hostile text inside is already escaped
    branch: str
    base: str
    base_sha: Sha1
    head_sha: Sha1
    links: tuple[Link, ...] = ()
    draft: bool = False
    reviewers: tuple[str, ...] = ()


class Edits(Value):
    """How what was merged differs from what the factory proposed, in lines added and removed.

    A file that changes without lines (binary, moved, mode) counts as one.
    """

    differing: NonNegativeInt  #: between what the proposal would have left and what the merge left
    merged: NonNegativeInt  #: of the whole change that was merged

    @property
    def rate(self) -> float:
        """Return the share of the merged change that people made, from 0 to 1; 1 when nothing of the proposal is left.

        >>> Edits(differing=1, merged=4).rate, Edits(differing=0, merged=0).rate, Edits(differing=2, merged=0).rate
        (0.25, 0.0, 1.0)
        """
        if self.differing >= self.merged:
            return 1.0 if self.differing else 0.0
        return self.differing / self.merged


class PullRequest(Record):
    repository: Name
    number: int
    url: str
    title: str
    branch: str
    base: str
    base_sha: Sha1
    head_sha: Sha1
    state: PullRequestState
    ticket_id: Name
    run_id: Name
    fence: int
    reviewers: tuple[str, ...] = ()
    created_at: Instant
    updated_at: Instant
    merged_by: str | None = None
    merge_sha: Sha1 | None = None
    edits: Edits | None = None  #: by people, of a merged one; None: not known


class PullHead(Value):
    """A pull request as the forge has it now, ours or a person's."""

    repository: Name
    number: int
    url: str
    title: str
    author: str
    branch: str  #: of its head
    base: str
    head_sha: Sha1
    state: PullRequestState
    draft: bool = False
    is_fork: bool = False
    ticket_id: Name | None = None  #: of our marker in it
    merged_by: str | None = None
    merge_sha: Sha1 | None = None


class CheckTold(Value):
    """One rule's result as the forge shows it on a commit."""

    name: str
    conclusion: Annotated[str, Field(pattern="^(success|failure|neutral|action_required)$")]
    title: str
    summary: str  #: Markdown


class Remark(Value):
    """What a person, or a check that is not ours, says of a pull request."""

    id: str
    kind: Annotated[str, Field(pattern="^(comment|review|review_comment|check)$")]
    author: str
    text: str
    at: Instant
    edited: bool = False  #: perhaps by somebody else: what it says now commands nothing
    path: str | None = None
    line: int | None = None
    state: str = ""  #: of a review or a check
    head_sha: Sha1 | None = None
