"""governance_told: the report on the forge. Each call finds its own work again, so that a kill between two is harmless.

Before each it is asked anew whether this head is still ours to speak of.
"""

from domain.errors import NotFound
from domain.forge import PullHead
from domain.governance import Verdict
from domain.governed import GovernanceReport
from domain.heads import HeadState
from factory_pipelines.governance.stages.context import HeadContext, StageResult
from factory_pipelines.governance.stages.pulling import OVER, current
from factory_pipelines.governance.stages.weighing import weigh_merge
from policy.governance.report import MARKER, blockers, render
from policy.governance.reporting import checks_told, objection
from resources.artifact_links import links_to
from resources.governance.pulls import own_ticket
from sensors.rework import Rework


def governance_told(context: HeadContext) -> StageResult:
    report = _report(context)
    pull = current(context)
    if pull is None:
        _supersede(context, report)
        return OVER
    url = tell(context, pull, report)
    _want_rework(context, pull, report)
    weigh_merge(context, pull, report)
    context.settle(HeadState.TOLD, report.verdict.value)
    return StageResult({"url": url, "verdict": report.verdict.value, "report": report.id}, report=report)


def tell(context: HeadContext, pull: PullHead, report: GovernanceReport) -> str:
    """Say the report on the pull request: comment, checks, objection; return the comment's address."""
    factory = context.factory
    links = links_to(factory.settings, factory.artifacts, context.repository)
    stored = factory.artifacts.put(report.model_dump_json(indent=1).encode(), kind="report", name="report.json")
    text = render(report, links, top=factory.policy.governance.top, whole=links(stored))
    context.still_ours()
    url = context.desk.report(context.repository, pull.number, marker=MARKER, text=text)
    context.still_ours()
    context.desk.tell_checks(context.repository, report.head_sha, checks_told(report, links))
    context.still_ours()
    context.desk.object_to(context.repository, pull, objection(report))
    return url


def _report(context: HeadContext) -> GovernanceReport:
    if context.head.report_id is None:
        raise NotFound(f"{context.head.partition} has no report: an earlier stage did not finish")
    return context.factory.governance.find(context.head.report_id)


def _want_rework(context: HeadContext, pull: PullHead, report: GovernanceReport) -> None:
    """Our own change that fails is worked on again; of what is only unknown nobody can mend anything."""
    failed = [one.rule for one in blockers(report.verdicts) if one.verdict is Verdict.FAIL]
    if failed and own_ticket(context.factory.lookup, pull) is not None:
        Rework(context.factory).note(context.repository, pull, f"governance failed: {', '.join(failed)}")


def _supersede(context: HeadContext, report: GovernanceReport) -> None:
    """A head that moved before its report was told: the report says so."""
    now = context.factory.heads.find(context.head.repository, context.head.number)
    if now is not None and now.head_sha != report.head_sha:
        context.factory.governance.save(report.model_copy(update={"superseded_by": now.head_sha}))
