"""finalize: outcome, stage, lease released."""

from domain.errors import NotFound
from domain.execution import RunFacts, Step
from domain.governance import Verdict
from factory_pipelines.execution.stages.context import RunContext, StepResult

VERIFIED = frozenset({Verdict.PASS, Verdict.WARN})


def finalize(context: RunContext) -> StepResult:
    _artifacts, report = context.factory.lookup.evidence(context.run.id)
    if report is None:
        raise NotFound(f"{context.run.id} has no policy report")
    context.record(RunFacts(), Step.FINALIZE)
    ticket = context.factory.backlog.complete_ticket(
        context.lease, verified=report.verdict in VERIFIED, now=context.factory.now()
    )
    return StepResult(metadata={"ticket": ticket.id, "stage": ticket.stage, "cost_usd": context.run.usage.cost_usd})
