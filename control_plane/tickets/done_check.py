"""Is a ticket really delivered? Each fact is looked up anew, the pull request at the forge itself."""

from typing import Any

from control_plane.tickets.documents import newest_report
from domain.errors import FactoryError
from domain.execution import Run
from domain.forge import PullRequest, PullRequestState
from domain.governance import PolicyReport, Verdict
from domain.lifecycle import RunState, Stage
from domain.tickets import Ticket
from resources.wiring import Factory

HARMLESS = (Verdict.PASS, Verdict.WARN, Verdict.SKIP)


def done_check(factory: Factory, ticket: Ticket) -> dict[str, Any]:
    """Return `{"done", "ticket", "checks": [{"name", "ok", "detail"}]}`."""
    runs = factory.lookup.runs(ticket_id=ticket.id)
    report = newest_report(factory, runs)
    recorded = factory.lookup.pull_request(ticket.id)
    checks = [
        _check("stage", ticket.stage in (Stage.TESTING, Stage.SHIPPED), f"the ticket is {ticket.stage}"),
        _run_check(runs[-1] if runs else None),
        _report_check(report),
        _forge_check(factory, ticket, recorded),
        _commit_check(report, recorded),
    ]
    return {"ticket": ticket.id, "done": all(check["ok"] for check in checks), "checks": checks}


def _check(name: str, ok: bool, detail: str) -> dict[str, Any]:
    return {"name": name, "ok": ok, "detail": detail}


def _run_check(run: Run | None) -> dict[str, Any]:
    if run is None:
        return _check("run", False, "nothing has run yet")
    return _check("run", run.state is RunState.SUCCEEDED, f"{run.id} is {run.state}")


def _report_check(report: PolicyReport | None) -> dict[str, Any]:
    if report is None:
        return _check("policy_report", False, "no policy report")
    blocking = [one.rule for one in report.verdicts if one.mandatory and one.verdict not in HARMLESS]
    detail = f"verdict {report.verdict}" + (f"; not passed: {', '.join(blocking)}" if blocking else "")
    return _check("policy_report", report.verdict in HARMLESS, detail)


def _forge_check(factory: Factory, ticket: Ticket, recorded: PullRequest | None) -> dict[str, Any]:
    try:
        repository = factory.lookup.repository(ticket.manifest.repository)
        found = factory.forges[repository.forge].find_pull_request(repository, ticket.id)
    except FactoryError as error:
        return _check("pull_request", False, str(error))
    if found is None:
        return _check("pull_request", False, "the forge has no pull request of this ticket")
    same = recorded is not None and found.head_sha == recorded.head_sha
    detail = f"#{found.number} is {found.state} at {found.head_sha[:12]}" + ("" if same else "; the ledger differs")
    return _check("pull_request", same and found.state is not PullRequestState.CLOSED, detail)


def _commit_check(report: PolicyReport | None, recorded: PullRequest | None) -> dict[str, Any]:
    if report is None or recorded is None:
        return _check("commit", False, "a report and a pull request are needed to compare commits")
    same = report.head_sha == recorded.head_sha
    return _check("commit", same, f"judged {report.head_sha or 'no commit'}, delivered {recorded.head_sha}")
