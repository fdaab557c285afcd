"""What people and their checks say of a pull request; what is ours is left out."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, Final

import structlog
from github.CheckRun import CheckRun
from github.GithubException import GithubException
from github.PullRequest import PullRequest as Shown

from adapters._vendor.github_limits import limited_for
from adapters._vendor.github_markers import is_signed
from adapters.forge.github import checks
from adapters.forge.github.showing import NOBODY
from adapters.forge.github.site import Site
from domain.forge import Remark

TEXT_LIMIT: Final = 65_536  #: characters of one remark
FAILED: Final = frozenset({"failure", "timed_out", "cancelled", "action_required", "startup_failure"})
log = structlog.get_logger()
_LONG_AGO: Final = datetime(1970, 1, 1, tzinfo=UTC)


def remarks(site: Site, pull: Shown) -> list[Remark]:
    """Return them oldest first."""
    found = (
        *_comments(site, pull),
        *_reviews(site, pull),
        *_review_comments(site, pull),
        *_failed_runs(site, pull),
        *_failed_statuses(site, pull),
    )
    return sorted(found, key=lambda one: (one.at, one.id))


def _comments(site: Site, pull: Shown) -> Iterator[Remark]:
    for one in pull.get_issue_comments():
        if not _is_ours(site, one):
            yield Remark(
                id=f"comment-{one.id}", kind="comment", author=_author(one), text=_text(one.body), at=one.created_at,
                edited=_is_edited(one),
            )  # fmt: skip


def _reviews(site: Site, pull: Shown) -> Iterator[Remark]:
    for one in pull.get_reviews():
        says_something = one.state in {"APPROVED", "CHANGES_REQUESTED"} or bool((one.body or "").strip())
        if one.state == "PENDING" or not says_something or _is_ours(site, one):
            continue
        yield Remark(
            id=f"review-{one.id}", kind="review", author=_author(one), text=_text(one.body),
            at=one.submitted_at or _LONG_AGO, state=one.state.lower(), head_sha=one.commit_id,
        )  # fmt: skip


def _review_comments(site: Site, pull: Shown) -> Iterator[Remark]:
    for one in pull.get_review_comments():
        if _is_ours(site, one):
            continue
        yield Remark(
            id=f"review_comment-{one.id}", kind="review_comment", author=_author(one), text=_text(one.body),
            at=one.created_at, path=one.path, line=one.line or one.original_line, head_sha=one.commit_id,
            edited=_is_edited(one),
        )  # fmt: skip


def _failed_runs(site: Site, pull: Shown) -> Iterator[Remark]:
    for run in _runs(site, pull.head.sha):
        if run.conclusion not in FAILED or checks.is_ours(site, run):
            continue
        words = (run.name, run.output.title, run.output.summary, run.output.text, run.html_url)
        yield Remark(
            id=f"check-{run.id}", kind="check", author=run.app.name if run.app else run.name,
            text=_text("\n\n".join(filter(None, words))), at=run.completed_at or run.started_at or _LONG_AGO,
            state=run.conclusion, head_sha=run.head_sha,
        )  # fmt: skip


def _runs(site: Site, sha: str) -> list[CheckRun]:
    try:
        return list(site.commit(sha).get_check_runs())
    except GithubException as error:
        if error.status != 403 or limited_for(error, 0.0) is not None:
            raise
        log.warning("check_runs_not_readable", repository=site.full_name, grant="checks: read")
        return []


def _failed_statuses(site: Site, pull: Shown) -> Iterator[Remark]:
    latest = checks.newest(checks.statuses_of(site, pull.head.sha))
    for status in latest.values():
        if status.state not in {"failure", "error"} or (status.creator and site.is_mine(status.creator.login)):
            continue
        words = (status.context, status.description, status.target_url)
        yield Remark(
            id=f"status-{status.id}", kind="check", author=status.creator.login if status.creator else NOBODY,
            text=_text("\n\n".join(filter(None, words))), at=status.created_at, state=status.state,
            head_sha=pull.head.sha,
        )  # fmt: skip


def _is_ours(site: Site, said: Any) -> bool:
    """Ours carries our hidden line and our name: either alone is somebody else's."""
    return is_signed(said.body) and said.user is not None and site.is_mine(said.user.login)


def _is_edited(said: Any) -> bool:
    return bool(said.updated_at and said.updated_at > said.created_at)


def _author(said: Any) -> str:
    return said.user.login if said.user else NOBODY


def _text(text: str | None) -> str:
    return (text or "")[:TEXT_LIMIT]
