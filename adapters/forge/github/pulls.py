"""The one pull request of a ticket: found by its branches and marker, opened once, brought up to date in place."""

from collections.abc import Iterator

import structlog
from github.GithubException import GithubException, UnknownObjectException
from github.PullRequest import PullRequest as Shown

from adapters._vendor.github_limits import ensured
from adapters._vendor.github_markers import read_marker
from adapters.forge.edits import edits_of
from adapters.forge.github.bodies import Evidence, new_body, new_title, title_of
from adapters.forge.github.marks import TicketMark
from adapters.forge.github.mirror import bring_base
from adapters.forge.github.showing import own_marker, pull_request, state_of
from adapters.forge.github.site import Site
from domain.errors import ForgeFenced, ForgeRefused
from domain.forge import PullRequest, PullRequestRequest, PullRequestState

log = structlog.get_logger()


def get(site: Site, number: int) -> Shown | None:
    """Return a pull request as it is now; None when there is none."""
    try:
        pull = site.hub.get_pull(number)
        pull.complete()
    except UnknownObjectException:
        return None
    return pull


def newest_of(site: Site, mark: TicketMark) -> Shown | None:
    """Return the ticket's newest pull request: on one of its branches, with its marker or written by us."""
    found = max((pull.number for branch in mark.branches for pull in _on(site, branch, mark)), default=None)
    return None if found is None else get(site, found)


def open_or_update(site: Site, request: PullRequestRequest, mark: TicketMark, evidence: Evidence) -> PullRequest:
    """Open the ticket's pull request, or bring the open one up to date; return it as read back.

    Raises:
        ForgeFenced: a newer fence wrote the pull request. ForgeRefused: it has ended, or GitHub said no.
    """
    known = newest_of(site, mark)
    if known is not None:
        refuse_older(request, known, mark)
    if known is None or state_of(known) is not PullRequestState.OPEN or known.head.ref != request.branch:
        known = ensured(lambda: _open_on(site, request), lambda: _create(site, request, evidence), site.manners)
    _update(known, request, evidence)
    _ask_reviewers(known, request)
    return pull_request(site, _read_back(site, known.number), mark)


def ended(site: Site, request: PullRequestRequest, mark: TicketMark) -> PullRequest | None:
    """Return the ticket's pull request if it has ended and only a newer fence may open another."""
    known = newest_of(site, mark)
    if known is None or state_of(known) is PullRequestState.OPEN or request.fence > own_marker(known, mark).fence:
        return None
    if known.head.sha != request.head_sha:
        raise ForgeRefused(
            f"pull request #{known.number} of ticket {mark.ticket_id} is {state_of(known)}; "
            "only a newer run opens another"
        )
    return ticket_pull(site, known, mark)


def ticket_pull(site: Site, pull: Shown, mark: TicketMark) -> PullRequest:
    """Return a ticket's pull request; a merged one with what people made of the proposal."""
    shown = pull_request(site, pull, mark)
    if shown.merge_sha is None:
        return shown
    bring_base(site, shown.base)
    proposed = own_marker(pull, mark).more.get("head", shown.head_sha)
    return shown.model_copy(update={"edits": edits_of(site.local, shown.base_sha, proposed, shown.merge_sha)})


def refuse_older(request: PullRequestRequest, known: Shown, mark: TicketMark) -> None:
    newest = own_marker(known, mark).fence
    if request.fence < newest:
        raise ForgeFenced(
            f"fence {request.fence} of ticket {request.ticket_id} is older than {newest}, which wrote #{known.number}"
        )


def _on(site: Site, branch: str, mark: TicketMark) -> Iterator[Shown]:
    for pull in site.hub.get_pulls(state="all", head=f"{site.owner}:{branch}", sort="created", direction="desc"):
        marker = read_marker(pull.body)
        if (marker is not None and marker.ticket == mark.ticket_id) or (pull.user and site.is_mine(pull.user.login)):
            yield pull


def _open_on(site: Site, request: PullRequestRequest) -> Shown | None:
    """Return the open pull request from the branch to the base; GitHub allows one, whoever opened it."""
    found = site.hub.get_pulls(state="open", head=f"{site.owner}:{request.branch}", base=request.base)
    return next((get(site, pull.number) for pull in found), None)


def _create(site: Site, request: PullRequestRequest, evidence: Evidence) -> Shown:
    try:
        return site.hub.create_pull(
            base=request.base,
            head=request.branch,
            title=title_of(request),
            body=new_body(request, None, evidence),
            draft=request.draft,
        )
    except GithubException as error:
        found = _open_on(site, request) if error.status == 422 else None
        if found is None:
            raise
        return found


def _update(pull: Shown, request: PullRequestRequest, evidence: Evidence) -> None:
    current = (pull.body or "").replace("\r\n", "\n")
    title, body = new_title(request, pull.title, pull.body), new_body(request, pull.body, evidence)
    if (pull.title, current, pull.base.ref) != (title, body, request.base):
        pull.edit(title=title, body=body, base=request.base)


def _ask_reviewers(pull: Shown, request: PullRequestRequest) -> None:
    """Ask for reviews that nobody was asked for yet. Whom GitHub does not let us ask is told in the log only."""
    if not request.reviewers:
        return
    known = {user.login.lower() for user in pull.requested_reviewers}
    known |= {team.slug.lower() for team in pull.requested_teams}
    known |= {review.user.login.lower() for review in pull.get_reviews() if review.user}
    for name in request.reviewers:
        team, person = name.rpartition("/")[::2] if "/" in name else (None, name)
        if person.lstrip("@").lower() in known:
            continue
        try:
            asked = {"team_reviewers" if team else "reviewers": [person.lstrip("@")]}
            pull.create_review_request(**asked)
        except GithubException as error:
            if error.status not in {403, 404, 422}:
                raise
            log.warning("reviewer_refused", pull=pull.number, reviewer=name, status=error.status)


def _read_back(site: Site, number: int) -> Shown:
    found = get(site, number)
    if found is None:
        raise ForgeRefused(f"pull request #{number} is gone")
    return found
