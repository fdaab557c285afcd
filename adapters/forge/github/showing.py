"""GitHub's pull requests as ours."""

from typing import Final

from github.PullRequest import PullRequest as Shown

from adapters._vendor.github_markers import Marker, read_marker
from adapters.forge.github.marks import TicketMark
from adapters.forge.github.site import Site
from domain.forge import PullHead, PullRequest, PullRequestState

NOBODY: Final = "ghost"  #: GitHub's own name for who has left


def pull_request(site: Site, pull: Shown, mark: TicketMark) -> PullRequest:
    """Return a ticket's pull request; what its marker does not tell is its mark's and GitHub's."""
    marker = own_marker(pull, mark)
    merged = bool(pull.merged)
    return PullRequest(
        repository=site.name,
        number=pull.number,
        url=pull.html_url,
        title=pull.title,
        branch=pull.head.ref,
        base=pull.base.ref,
        base_sha=marker.more.get("base", pull.base.sha),
        head_sha=pull.head.sha,
        state=state_of(pull),
        ticket_id=mark.ticket_id,
        run_id=marker.run,
        fence=marker.fence,
        reviewers=tuple(user.login for user in pull.requested_reviewers or ()),
        created_at=pull.created_at,
        updated_at=pull.updated_at,
        merged_by=_merged_by(pull) if merged else None,
        merge_sha=pull.merge_commit_sha if merged else None,
    )


def pull_head(site: Site, pull: Shown) -> PullHead:
    home = pull.head.repo
    is_fork = home is None or home.full_name.lower() != site.full_name.lower()
    marker = read_marker(pull.body)
    ours = marker is not None and not is_fork and pull.head.ref.startswith("factory/")
    merged = pull.merged_at is not None
    return PullHead(
        repository=site.name,
        number=pull.number,
        url=pull.html_url,
        title=pull.title,
        author=author_of(pull),
        branch=pull.head.ref,
        base=pull.base.ref,
        head_sha=pull.head.sha,
        state=state_of(pull),
        draft=bool(pull.draft),
        is_fork=is_fork,
        ticket_id=marker.ticket if marker and ours else None,
        merged_by=_merged_by(pull) if merged else None,
        merge_sha=pull.merge_commit_sha if merged else None,
    )


def own_marker(pull: Shown, mark: TicketMark) -> Marker:
    """Return the pull request's marker; when a person took it out, what the ticket's mark tells."""
    found = read_marker(pull.body)
    if found is not None and found.ticket == mark.ticket_id:
        return found
    return Marker(mark.ticket_id, mark.run_id or "unknown", mark.fence)


def state_of(pull: Shown) -> PullRequestState:
    if pull.merged_at is not None:
        return PullRequestState.MERGED
    return PullRequestState.OPEN if pull.state == "open" else PullRequestState.CLOSED


def author_of(pull: Shown) -> str:
    return pull.user.login if pull.user else NOBODY


def _merged_by(pull: Shown) -> str:
    return pull.merged_by.login if pull.merged_by else NOBODY
