"""Our one request for changes on a pull request: made once, kept up to date, withdrawn when nothing is wrong."""

from typing import Final

from github.PullRequest import PullRequest as Shown
from github.PullRequestReview import PullRequestReview

from adapters._vendor.github_limits import ensured
from adapters._vendor.github_markers import is_signed, signed
from adapters.forge.github import checks
from adapters.forge.github.showing import author_of
from adapters.forge.github.site import Site
from domain.forge import CheckTold

KEY: Final = "objection"
CHECK: Final = "factory/changes-requested"  #: says it where GitHub lets nobody review what they opened themselves
WITHDRAWN: Final = "Nothing is objected to any more."


def object_to(site: Site, pull: Shown, reason: str | None) -> None:
    if site.is_mine(author_of(pull)):
        _say_by_check(site, pull, reason)
    elif reason is None:
        for review in _standing(site, pull):
            review.dismiss(WITHDRAWN)
    else:
        _request_changes(site, pull, signed(reason.replace("\0", ""), KEY))


def _request_changes(site: Site, pull: Shown, body: str) -> None:
    def standing() -> PullRequestReview | None:
        found = _standing(site, pull)
        for double in found[1:]:
            double.dismiss(WITHDRAWN)
        return found[0] if found else None

    def create() -> PullRequestReview:
        return pull.create_review(commit=site.commit(pull.head.sha), body=body, event="REQUEST_CHANGES")

    review = ensured(standing, create, site.manners)
    if (review.body or "").replace("\r\n", "\n").rstrip() != body.rstrip():
        review.edit(body)


def _standing(site: Site, pull: Shown) -> list[PullRequestReview]:
    """Return our requests for changes that hold, oldest first."""
    return [
        review
        for review in pull.get_reviews()
        if review.state == "CHANGES_REQUESTED"
        and is_signed(review.body, KEY)
        and review.user is not None
        and site.is_mine(review.user.login)
    ]


def _say_by_check(site: Site, pull: Shown, reason: str | None) -> None:
    if reason is None and not _was_said(site, pull):
        return
    told = CheckTold(
        name=CHECK,
        conclusion="success" if reason is None else "failure",
        title=WITHDRAWN if reason is None else reason.strip().partition("\n")[0][:200],
        summary=reason or WITHDRAWN,
    )
    checks.tell(site, pull.head.sha, [told])


def _was_said(site: Site, pull: Shown) -> bool:
    return any(status.context == CHECK for status in checks.statuses_of(site, pull.head.sha))
