"""Governance of one head as assets: each stage is one op that leaves one asset, each rule is an asset check."""

from collections.abc import Iterator
from typing import Any

import dagster as dg

from domain.errors import FactoryError
from domain.governance import Verdict
from domain.governed import RuleVerdict
from factory_pipelines.governance.stages.context import Presented, StageResult
from factory_pipelines.governance.stages.runner import Stage, run_stage
from policy.governance.model import RULES
from resources.wiring import Factory
from sensors.open_heads import HEADS

Yielded = Iterator[dg.MaterializeResult[Any] | dg.AssetCheckResult]
PASSING = (Verdict.PASS, Verdict.WARN, Verdict.SKIP)


def stage_asset(stage: Stage, after: Stage | None, description: str) -> dg.AssetsDefinition:
    """Return one stage as an op that leaves its asset, or nothing when the head is not there to be judged any more."""
    judged = stage is Stage.GOVERNANCE_REPORT
    spec = dg.AssetSpec(stage.value, deps=[after.value] if after else [], description=description, skippable=True)

    @dg.multi_asset(
        name=stage.value,
        specs=[spec],
        check_specs=[dg.AssetCheckSpec(rule, asset=stage.value) for rule in RULES] if judged else [],
        partitions_def=HEADS,
        group_name="governance",
        can_subset=False,
    )
    def body(context: dg.AssetExecutionContext, factory: dg.ResourceParam[Factory]) -> Yielded:
        try:
            result = run_stage(factory, presented_by(context), stage)
        except FactoryError as error:
            raise dg.Failure(description=str(error), metadata=_failure(error), allow_retries=False) from error
        yield from told(stage, result)

    return body


def presented_by(context: dg.AssetExecutionContext) -> Presented:
    """Read who calls from the Dagster run's tags; a re-execution repeats its parent's, which claim nothing any more."""
    fence = context.run.tags.get("factory/fence") if context.run.parent_run_id is None else None
    return Presented(context.partition_key, context.run.run_id, int(fence) if fence else None)


def told(stage: Stage, result: StageResult) -> Yielded:
    if not result.cleared:
        return
    yield dg.MaterializeResult(asset_key=stage.value, metadata={k: _shown(k, v) for k, v in result.metadata.items()})
    if stage is Stage.GOVERNANCE_REPORT and result.report is not None:
        yield from (check_of(verdict) for verdict in result.report.verdicts)


def check_of(one: RuleVerdict) -> dg.AssetCheckResult:
    """Return a rule's verdict as Dagster shows it: an error where it stops the change, a warning where it advises."""
    return dg.AssetCheckResult(
        check_name=one.rule,
        asset_key=Stage.GOVERNANCE_REPORT.value,
        passed=one.verdict in PASSING,
        severity=dg.AssetCheckSeverity.ERROR if one.mandatory else dg.AssetCheckSeverity.WARN,
        description=one.message,
        metadata={
            "verdict": one.verdict.value,
            "severity": one.severity.value,
            "findings": dg.MetadataValue.md("\n".join(f"    {line}" for line in one.evidence[:50]) or "none"),
            "files_read": one.files_read,
            "seconds": one.seconds,
            "command": dg.MetadataValue.text(one.command),
        },
    )


def _shown(key: str, value: str | float) -> Any:
    return dg.MetadataValue.url(str(value)) if key == "url" else value


def _failure(error: FactoryError) -> dict[str, Any]:
    return {"code": error.code, "remedy": error.remedy, "details": dg.MetadataValue.text(str(error.details))}


pull_head = stage_asset(Stage.PULL_HEAD, None, "A pull request's head and merge base, in the mirror.")
change_facts = stage_asset(Stage.CHANGE_FACTS, Stage.PULL_HEAD, "What the change is, before anyone judges it.")
governance_report = stage_asset(Stage.GOVERNANCE_REPORT, Stage.CHANGE_FACTS, "What every rule says of the head.")
governance_told = stage_asset(Stage.GOVERNANCE_TOLD, Stage.GOVERNANCE_REPORT, "The report as the forge shows it.")

ASSETS = (pull_head, change_facts, governance_report, governance_told)
