"""Run one stage of a head: present it, do the work, and put it back within bounds when that fails."""

from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Final

import structlog

from domain.errors import FactoryError, Interrupted, LeaseLost
from domain.heads import HeadState
from factory_pipelines.governance.stages.context import HeadContext, Presented, StageResult
from factory_pipelines.governance.stages.judging import change_facts, governance_report
from factory_pipelines.governance.stages.presence import present
from factory_pipelines.governance.stages.pulling import pull_head
from factory_pipelines.governance.stages.telling import governance_told
from policy.governance.report import MARKER
from policy.redelivery import next_try
from policy.retry import classify
from resources.wiring import Factory
from sensors.heads import unjudged

log = structlog.get_logger()


class Stage(StrEnum):
    """The stages of a head, in order; each leaves the asset of its name."""

    PULL_HEAD = "pull_head"
    CHANGE_FACTS = "change_facts"
    GOVERNANCE_REPORT = "governance_report"
    GOVERNANCE_TOLD = "governance_told"


STAGES: Final[Mapping[Stage, Callable[[HeadContext], StageResult]]] = {
    Stage.PULL_HEAD: pull_head,
    Stage.CHANGE_FACTS: change_facts,
    Stage.GOVERNANCE_REPORT: governance_report,
    Stage.GOVERNANCE_TOLD: governance_told,
}


def run_stage(factory: Factory, presented: Presented, stage: Stage) -> StageResult:
    """Run one stage.

    Returns:
        What to show; not cleared when the head is not this Dagster run's to judge (any more), which is no failure.

    Raises:
        FactoryError: it failed; the ledger has the head back, or knows that nobody tries again.
    """
    try:
        context = present(factory, presented)
    except LeaseLost as error:
        return StageResult({"refused": error.message}, cleared=False)
    try:
        with context.kept():
            return STAGES[stage](context)
    except LeaseLost as error:
        return StageResult({"refused": error.message}, cleared=False)
    except BaseException as error:
        failure = classify(error) if isinstance(error, Exception) else Interrupted("the Dagster run was stopped")
        _put_back(context, failure)
        if isinstance(error, Exception) and error is not failure:
            raise failure from error
        raise


def _put_back(context: HeadContext, failure: FactoryError) -> None:
    """Whoever cannot write this now leaves a silent head, which is asked for again."""
    factory, words = context.factory, f"{failure.code}: {failure.message}"
    again = next_try(context.head.tries, now=factory.now(), jitter=factory.jitter())
    try:
        if again is not None:
            context.settle(HeadState.WANTED, words, not_before=again)
            return
        _say_unjudged(context, failure)
        context.settle(HeadState.FAILED, words)
        factory.notifier.alert(unjudged(context.head, words, factory.now()))
    except FactoryError as error:
        log.warning("head_not_put_back", head=context.head.partition, code=error.code, failed=failure.code)


def _say_unjudged(context: HeadContext, failure: FactoryError) -> None:
    """Whoever waits for the verdict reads that there is none; the rules' checks stay unset, which lets nothing pass."""
    text = f"**❓ Governance: undetermined** · `{context.head.head_sha}` could not be judged (`{failure.code}`).\n"
    try:
        context.desk.report(context.repository, context.head.number, marker=MARKER, text=text)
    except FactoryError as error:
        log.warning("not_told", head=context.head.partition, code=error.code)
