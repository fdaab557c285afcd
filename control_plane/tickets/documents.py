"""The JSON documents that speak of tickets and runs. Their keys are part of the interface that stays."""

from collections.abc import Sequence
from typing import Any

from control_plane.desk import Reads
from control_plane.tickets.waiting import waiting_document, waiting_of
from domain.execution import Lease, Run
from domain.forge import PullRequest
from domain.governance import Approval, PolicyReport
from domain.lifecycle import RunState
from domain.tickets import NextAction, Ticket
from policy.attention import next_action

Document = dict[str, Any]


def ticket_document(factory: Reads, ticket: Ticket) -> Document:
    """Return what `factory ticket show` tells."""
    runs = factory.lookup.runs(ticket_id=ticket.id)
    return {
        "id": ticket.id,
        "title": ticket.manifest.title,
        "stage": ticket.stage.value,
        "next": next_of(factory, ticket, runs[-1] if runs else None).model_dump(mode="json"),
        "waiting_for": waiting_document(waiting_of(factory, [ticket]).get(ticket.id), factory.now()),
        "runs": [run_summary(run) for run in runs],
        "pull_request": pull_request_document(factory.lookup.pull_request(ticket.id)),
        "policy_report": report_document(newest_report(factory, runs)),
    }


def next_of(factory: Reads, ticket: Ticket, run: Run | None) -> NextAction:
    """Return who must act next on a ticket."""
    approval = newest_approval(factory, run) if run else None
    return next_action(ticket, run, approval, lease_of(factory, ticket.id))


def lease_of(factory: Reads, ticket_id: str) -> Lease | None:
    return next((lease for lease in factory.oversight.live_leases() if lease.ticket_id == ticket_id), None)


def newest_approval(factory: Reads, run: Run) -> Approval | None:
    if run.state is not RunState.AWAITING_APPROVAL:
        return None
    approvals = factory.oversight.approvals(run_id=run.id)
    return approvals[-1] if approvals else None


def newest_report(factory: Reads, runs: list[Run]) -> PolicyReport | None:
    for run in reversed(runs):
        report = factory.lookup.evidence(run.id)[1]
        if report is not None:
            return report
    return None


def run_summary(run: Run) -> Document:
    return {
        "id": run.id,
        "state": run.state.value,
        "reason": why(run),
        "fence": run.fence,
        "harness": run.harness,
        "dagster_run_ids": list(run.dagster_run_ids),
    }


def run_document(run: Run) -> Document:
    """Return what `factory runs` tells of a run."""
    return {
        **run_summary(run),
        "ticket": run.ticket_id,
        "attempt": run.attempt,
        "created_at": run.created_at.isoformat(),
        "finished_at": run.finished_at.isoformat() if run.finished_at else None,
        "finished_steps": [step.value for step in run.finished_steps],
    }


def why(run: Run) -> str | None:
    """Return code and text of why a run stands where it stands."""
    if run.reason_code and run.reason:
        return f"{run.reason_code}: {run.reason}"
    return run.reason or run.reason_code


def ticket_lines_of(factory: Reads, tickets: Sequence[Ticket]) -> list[Document]:
    """Return what `factory ticket list` tells."""
    waiting, now = waiting_of(factory, tickets), factory.now()
    return [{**ticket_line(one), "waiting_for": waiting_document(waiting.get(one.id), now)} for one in tickets]


def ticket_line(ticket: Ticket) -> Document:
    """Return what lists tell of a ticket."""
    return {
        "id": ticket.id,
        "title": ticket.manifest.title,
        "stage": ticket.stage.value,
        "repository": ticket.manifest.repository,
        "priority": ticket.manifest.priority.value,
        "risk": ticket.risk.value,
        "attempts": ticket.attempts,
        "blocked_on": list(ticket.blocked_on),
        "reason": ticket.reason,
        "created_at": ticket.created_at.isoformat(),
    }


def pull_request_document(found: PullRequest | None) -> Document | None:
    if found is None:
        return None
    return {
        "url": found.url,
        "number": found.number,
        "branch": found.branch,
        "base_sha": found.base_sha,
        "head_sha": found.head_sha,
    }


def report_document(report: PolicyReport | None) -> Document | None:
    if report is None:
        return None
    return {
        "verdict": report.verdict.value,
        "verdicts": [verdict.model_dump(mode="json") for verdict in report.verdicts],
    }
