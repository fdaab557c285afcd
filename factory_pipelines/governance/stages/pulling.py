"""pull_head: the pull request as it is now, its head and merge base in the mirror, and a word that it is judged."""

from domain.forge import PullHead, PullRequestState
from domain.governed import GovernanceReport
from domain.heads import HeadState
from factory_pipelines.governance.stages.context import HeadContext, StageResult
from policy.governance.report import MARKER, in_progress

OVER = StageResult({"judged": False}, cleared=False)


def pull_head(context: HeadContext) -> StageResult:
    pull = current(context)
    if pull is None:
        return OVER
    base_sha = context.desk.obtain(context.repository, pull)
    context.still_ours()
    text = in_progress(pull.head_sha, previous(context))
    context.desk.report(context.repository, pull.number, marker=MARKER, text=text)
    shown = {"url": pull.url, "author": pull.author, "branch": pull.branch, "head_sha": pull.head_sha}
    return StageResult({**shown, "number": pull.number, "base_sha": base_sha})


def current(context: HeadContext) -> PullHead | None:
    """Return the pull request while this is its head; else note what is to be done instead."""
    pull = context.desk.pull(context.repository, context.head.number)
    if pull is None or pull.state is not PullRequestState.OPEN:
        context.settle(HeadState.GONE, "the pull request is not open")
        return None
    if pull.head_sha != context.head.head_sha:
        heads, head = context.factory.heads, context.head
        heads.want(head.repository, head.number, pull.head_sha, head.policy_sha256, now=context.factory.now())
        return None
    return pull


def previous(context: HeadContext) -> GovernanceReport | None:
    """Return what the last other head of this pull request got."""
    head = context.head
    found = context.factory.governance.reports(repository=head.repository, number=head.number, limit=20)
    return next((report for report in found if report.head_sha != head.head_sha), None)
