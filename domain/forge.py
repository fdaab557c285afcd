"""Code, branches and pull requests, as any forge has them."""

from enum import StrEnum

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
