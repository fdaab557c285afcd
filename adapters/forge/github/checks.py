"""One check run and one commit status a rule. A token that may not write checks leaves the statuses."""

from collections.abc import Iterable, Sequence
from typing import Final

import structlog
from github.CheckRun import CheckRun
from github.Commit import Commit
from github.CommitStatus import CommitStatus
from github.GithubException import GithubException
from github.PaginatedList import PaginatedList

from adapters._vendor.github_limits import ensured, limited_for
from adapters._vendor.github_markers import bounded
from adapters.forge.github.site import Site
from domain.forge import CheckTold

OURS: Final = "factory:"  #: how the external_id of our check runs begins
SUMMARY_LIMIT: Final = 65_535
DESCRIPTION_LIMIT: Final = 140
#: A status knows no doubt: what is not known blocks, what only warns does not.
STATES: Final = {"success": "success", "neutral": "success", "failure": "failure", "action_required": "failure"}
log = structlog.get_logger()


def tell(site: Site, head_sha: str, checks: Sequence[CheckTold]) -> None:
    """Bring check runs and statuses of a commit up to date; those that say it already are left alone."""
    commit = site.commit(head_sha)
    addresses = _tell_runs(site, commit, checks)
    latest = newest(statuses_of(site, commit.sha))
    for check in checks:
        if not _says(site, latest.get(check.name), check):
            _tell_status(site, commit, check, addresses.get(check.name))


def is_ours(site: Site, run: CheckRun) -> bool:
    """Ours carries our id; signed in as an App we know it by the App too, as anyone may write such an id."""
    named = (run.external_id or "").startswith(OURS)
    return named and (not site.github.is_app or (run.app is not None and site.is_mine(f"{run.app.slug}[bot]")))


def _tell_runs(site: Site, commit: Commit, checks: Sequence[CheckTold]) -> dict[str, str]:
    """Return the page of each check run; nothing where check runs may not be written."""
    try:
        known = [run for run in commit.get_check_runs() if is_ours(site, run)]
        return {check.name: _tell_run(site, commit, check, known) for check in checks}
    except GithubException as error:
        if error.status not in {403, 404} or limited_for(error, 0.0) is not None:
            raise
        log.info("check_runs_not_permitted", repository=site.full_name, status=error.status)
        return {}


def _tell_run(site: Site, commit: Commit, check: CheckTold, known: Iterable[CheckRun]) -> str:
    mark = f"{OURS}{check.name}"[:255]
    title, summary = check.title[:255] or check.name, bounded(check.summary, SUMMARY_LIMIT, "… cut here")
    ours = [run for run in known if run.external_id == mark]

    def find() -> CheckRun | None:
        if ours:
            return ours[0]
        found = commit.get_check_runs(check_name=check.name)
        return next((run for run in found if run.external_id == mark and is_ours(site, run)), None)

    def create() -> CheckRun:
        return site.hub.create_check_run(
            check.name,
            commit.sha,
            external_id=mark,
            status="completed",
            conclusion=check.conclusion,
            output={"title": title, "summary": summary},
        )

    run = ensured(find, create, site.manners)
    for one in ours or [run]:
        if (one.conclusion, one.output.title, one.output.summary) != (check.conclusion, title, summary):
            one.edit(status="completed", conclusion=check.conclusion, output={"title": title, "summary": summary})
    return run.html_url


def _tell_status(site: Site, commit: Commit, check: CheckTold, address: str | None) -> None:
    more = {} if address is None else {"target_url": address}
    ensured(
        lambda: _said(site, commit, check),
        lambda: commit.create_status(STATES[check.conclusion], description=_line(check), context=check.name, **more),
        site.manners,
    )


def _said(site: Site, commit: Commit, check: CheckTold) -> CommitStatus | None:
    found = newest(statuses_of(site, commit.sha)).get(check.name)
    return found if _says(site, found, check) else None


def _says(site: Site, status: CommitStatus | None, check: CheckTold) -> bool:
    """Tell whether the newest status of the name is ours and up to date: whoever may write can set any."""
    if status is None or status.creator is None or not site.is_mine(status.creator.login):
        return False
    return (status.state, status.description) == (STATES[check.conclusion], _line(check))


def statuses_of(site: Site, sha: str) -> Iterable[CommitStatus]:
    """Return a commit's statuses; PyGithub's own way asks at an address that GitHub no longer describes."""
    return PaginatedList(CommitStatus, site.requester, f"/repos/{site.full_name}/commits/{sha}/statuses")


def newest(statuses: Iterable[CommitStatus]) -> dict[str, CommitStatus]:
    """Return the status in force of each context."""
    found: dict[str, CommitStatus] = {}
    for status in sorted(statuses, key=lambda one: one.id):
        found[status.context] = status
    return found


def _line(check: CheckTold) -> str:
    line = " ".join(check.title.split()) or check.name
    return line if len(line) <= DESCRIPTION_LIMIT else line[: DESCRIPTION_LIMIT - 1] + "…"
