"""A follow-up run starts from the change it delivered before, and is told what is objected to it."""

from domain.execution import Handover, Run
from domain.forge import PullRequest, PullRequestState
from domain.lifecycle import RunState
from factory_pipelines.execution.stages.context import RunContext
from policy.rework import objections
from resources.desks import has_desk, review_desk


def delivered_before(context: RunContext) -> tuple[str, Handover] | None:
    """Return the run whose change is the open pull request, and that change; None when there is none."""
    last = _delivered(context)
    if last is None or last.patch is None:
        return None
    return last.id, Handover(harness=last.harness, patch=last.patch.artifact, base_sha=last.patch.base_sha)


def said_of(context: RunContext) -> str:
    """Return what is objected to the open pull request, kept as an artifact; empty when this is no follow-up.

    Raises:
        ForgeUnavailable, ForgeRefused.
    """
    last, pull = _delivered(context), _open_pull(context)
    if last is None or pull is None or not has_desk(context.factory, context.repository):
        return ""
    remarks = review_desk(context.factory, context.repository).remarks(context.repository, pull.number)
    found = context.factory.governance.reports(repository=pull.repository, number=pull.number, limit=20)
    report = next((one for one in found if one.head_sha == pull.head_sha), None)
    text = objections(remarks, report, last.created_at, context.factory.policy.pull_requests.rework)
    if text:
        context.keep(text.encode("utf-8", "replace"), kind="log", name="remarks.txt")
    return text


def _delivered(context: RunContext) -> Run | None:
    if _open_pull(context) is None:
        return None
    runs = context.factory.lookup.runs(ticket_id=context.ticket.id)
    before = [one for one in runs if one.attempt < context.run.attempt and one.state is RunState.SUCCEEDED]
    return before[-1] if before else None


def _open_pull(context: RunContext) -> PullRequest | None:
    found = context.factory.lookup.pull_request(context.ticket.id)
    return found if found is not None and found.state is PullRequestState.OPEN else None
