"""The ticket run as assets: each step is one op, each op leaves one asset, so the UI shows the lineage of a change."""

from collections.abc import Iterator
from typing import Any

import dagster as dg

from domain.errors import FactoryError
from domain.execution import Step
from factory_pipelines.execution.stages.context import Presented, StepResult
from factory_pipelines.execution.stages.runner import run_step
from policy.gates import RULES
from resources.wiring import Factory

TICKETS = dg.DynamicPartitionsDefinition(name="tickets")
GROUP = "execution"
Yielded = Iterator[dg.MaterializeResult[Any] | dg.AssetCheckResult]

finding = dg.AssetSpec(
    "finding", description="What somebody or something saw that led to a ticket.", group_name="discovery",
    partitions_def=TICKETS,
)  # fmt: skip


def step_assets(step: Step, *specs: dg.AssetSpec, checks: tuple[str, ...] = ()) -> dg.AssetsDefinition:
    """Return one step as an op named after it that leaves the given assets, the last one only when cleared."""

    @dg.multi_asset(
        name=step.value,
        specs=list(specs),
        check_specs=[dg.AssetCheckSpec(name, asset=specs[0].key) for name in checks],
        partitions_def=TICKETS,
        group_name=GROUP,
        can_subset=False,
    )
    def body(context: dg.AssetExecutionContext, factory: dg.ResourceParam[Factory]) -> Yielded:
        try:
            result = run_step(factory, presented_by(context), step)
        except FactoryError as error:
            raise dg.Failure(description=str(error), metadata=_failure_metadata(error), allow_retries=False) from error
        link_back(context, result)
        yield from told(result, specs)

    return body


def presented_by(context: dg.AssetExecutionContext) -> Presented:
    """Read who calls from the Dagster run's own tags."""
    tags = context.run.tags
    fence = tags.get("factory/fence")
    return Presented(
        ticket_id=context.partition_key,
        dagster_run_id=context.run.run_id,
        run_id=tags.get("factory/run"),
        fence=int(fence) if fence else None,
        parent=context.run.parent_run_id,
    )


def link_back(context: dg.AssetExecutionContext, result: StepResult) -> None:
    """Name the ledger run on a Dagster run that did not come from dispatch, so that each leads to the other."""
    run_id = result.metadata.get("run")
    if run_id and context.run.tags.get("factory/run") != run_id:
        context.instance.add_run_tags(context.run.run_id, {"factory/run": str(run_id)})


def told(result: StepResult, specs: tuple[dg.AssetSpec, ...]) -> Yielded:
    """Yield the step's assets and checks; when the way on is not clear, only the first, and only if it was judged."""
    shown = specs if result.cleared else specs[:1] if result.report else ()
    for spec in shown:
        yield dg.MaterializeResult(asset_key=spec.key, metadata=_metadata(result))
    for verdict in result.report.verdicts if result.report else ():
        yield dg.AssetCheckResult(
            check_name=verdict.rule,
            passed=verdict.verdict in ("pass", "warn", "skip"),
            severity=dg.AssetCheckSeverity.ERROR if verdict.mandatory else dg.AssetCheckSeverity.WARN,
            metadata={"verdict": verdict.verdict.value, "message": verdict.message},
        )


def _metadata(result: StepResult) -> dict[str, Any]:
    """Links become links; enums become plain words, which is all that Dagster can store."""
    return {key: _shown(key, value) for key, value in result.metadata.items()}


def _shown(key: str, value: str | float) -> Any:
    if key == "url":
        return dg.MetadataValue.url(str(value))
    return str(value) if isinstance(value, str) else value


def _failure_metadata(error: FactoryError) -> dict[str, Any]:
    return {"code": error.code, "remedy": error.remedy, "details": dg.MetadataValue.text(str(error.details))}


def _spec(key: str, after: str, description: str) -> dg.AssetSpec:
    """Every asset may be withheld: a refused lease ends the Dagster run quietly."""
    return dg.AssetSpec(key, deps=[after], description=description, skippable=True)


ticket = step_assets(Step.CLAIM, _spec("ticket", "finding", "The leased ticket."))
workspace = step_assets(Step.PROVISION, _spec("workspace", "ticket", "A sandbox with the recorded base commit."))
session = step_assets(Step.LAUNCH, _spec("session", "workspace", "What the harness did, line by line."))
patch = step_assets(Step.COLLECT, _spec("patch", "session", "The change, by digest."))
validation = step_assets(Step.VALIDATE, _spec("validation", "patch", "Facts about the patch on an exact tree."))
policy_report = step_assets(
    Step.JUDGE,
    _spec("policy_report", "validation", "All verdicts on that tree."),
    _spec("clearance", "policy_report", "Leave to open a pull request."),
    checks=RULES,
)
pull_request = step_assets(Step.SUBMIT, _spec("pull_request", "clearance", "The one pull request, read back."))
outcome = step_assets(Step.FINALIZE, _spec("outcome", "pull_request", "How the run ended."))

ASSETS = (finding, ticket, workspace, session, patch, validation, policy_report, pull_request, outcome)
