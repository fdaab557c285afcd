"""finalize: outcome, stage, lease released."""

from domain.execution import RunFacts, Step
from domain.governance import Verdict
from factory_pipelines.execution.stages.context import RunContext, StepResult

VERIFIED = frozenset({Verdict.PASS, Verdict.WARN})


def finalize(context: RunContext) -> StepResult:
    report = context.report()
    context.record(RunFacts(), Step.FINALIZE)
    ticket = context.factory.backlog.complete_ticket(
        context.lease, verified=report.verdict in VERIFIED, now=context.factory.now()
    )
    return StepResult(metadata={"ticket": ticket.id, "stage": ticket.stage, "cost_usd": context.run.usage.cost_usd})
