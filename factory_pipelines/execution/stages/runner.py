"""Run one step: present the lease, do the work, and end the attempt in the ledger when it fails."""

import time
from dataclasses import replace

import structlog

from domain.errors import (
    Canceled,
    CapacityRefused,
    FactoryError,
    ForgeFenced,
    Interrupted,
    LeaseConflict,
    LeaseLost,
    LedgerUnavailable,
    Paused,
)
from domain.execution import EventDraft, Step
from domain.lifecycle import Component
from factory_pipelines.execution.stages.collect import rescue
from factory_pipelines.execution.stages.context import Presented, RunContext, StepResult
from factory_pipelines.execution.stages.handover import leave
from factory_pipelines.execution.stages.pausing import park, pause_rule
from factory_pipelines.execution.stages.presence import present_lease
from factory_pipelines.execution.stages.table import STAGES
from policy.retry import classify
from resources.wiring import Factory
from sensors.ending import decide_end
from sensors.leftovers import Leftovers

log = structlog.get_logger()

LATER = (CapacityRefused, Paused)  #: the ticket stays or goes back in the queue; the Dagster run ends quietly
NOT_OURS = (LeaseLost, LeaseConflict, ForgeFenced)  #: another run owns the ticket now: write nothing


def run_step(factory: Factory, presented: Presented, step: Step) -> StepResult:
    """Run one step of a ticket run.

    Returns:
        What to show; `cleared` False when later steps must be skipped.

    Raises:
        FactoryError: the attempt ended and the ledger knows, or the lease was refused and nothing was touched.
    """
    try:
        context = present_lease(factory, presented, step)
    except FactoryError as refusal:
        _note_refusal(factory, presented, refusal)
        if isinstance(refusal, LATER):
            return StepResult(metadata={"refused": str(refusal)}, cleared=False)
        raise
    try:
        return _work(context, step)
    except BaseException as error:
        failure = _failure(error)
        paused = _pause(context, step, failure)
        if paused is not None:
            return paused
        _end(context, step, failure)
        if isinstance(error, Exception) and error is not failure:
            raise failure from error
        raise


def _failure(error: BaseException) -> FactoryError:
    if not isinstance(error, Exception):
        return Interrupted(f"the run's process was told to stop ({type(error).__name__})")
    return classify(error)


def _work(context: RunContext, step: Step) -> StepResult:
    began = time.monotonic()
    context.pulse.beat()
    context.event("step_started", step=step)
    result = STAGES[step](context)
    if result.cleared and step is not Step.FINALIZE:
        context.event("step_finished", step=step, seconds=round(time.monotonic() - began, 3))
    shown = {"run": context.run.id, **result.metadata}
    return replace(result, metadata=shown)


def _note_refusal(factory: Factory, presented: Presented, refusal: FactoryError) -> None:
    draft = EventDraft(
        name="lease_refused",
        payload={"code": refusal.code, "reason": refusal.message},
        ticket_id=presented.ticket_id,
    )
    try:
        factory.run_ledger.record_event(draft, lease=None, now=factory.now())
    except FactoryError as error:
        log.warning("refusal_not_recorded", code=error.code, ticket=presented.ticket_id)


def _end(context: RunContext, step: Step, failure: FactoryError) -> None:
    """Save what there is, remove the run's sandboxes and write how the attempt ended.

    What cannot be written or removed now, recovery will find.
    """
    try:
        _save(context, step, failure)
    finally:
        Leftovers(context.factory).remove(context.run.id)
    if isinstance(failure, (*NOT_OURS, Interrupted)):  # only Dagster knows who interrupted; its run's end tells
        return
    try:
        _write_end(context, step, failure)
    except LedgerUnavailable:
        log.warning("end_not_recorded", run=context.run.id, code=failure.code)
    except NOT_OURS:
        return


def _pause(context: RunContext, step: Step, failure: FactoryError) -> StepResult | None:
    """Park a run whose harness was stopped to wait for a person; None when its attempt ends."""
    rule = pause_rule(context, failure) if step is Step.LAUNCH else None
    if rule is None:
        return None
    _save(context, step, failure)
    return park(context, rule, failure)


def _save(context: RunContext, step: Step, failure: FactoryError) -> None:
    """Keep what there is for whoever goes on; what cannot be kept must not hide how the attempt ended."""
    patch = rescue(context, step, failure)
    if step is not Step.LAUNCH or isinstance(failure, (*NOT_OURS, Interrupted, Canceled)):
        return
    try:
        leave(context, patch)
    except FactoryError as error:
        log.warning("nothing_handed_over", run=context.run.id, code=error.code)


def _write_end(context: RunContext, step: Step, failure: FactoryError) -> None:
    factory = context.factory
    context.event("step_failed", step=step, code=failure.code, reason=failure.message)
    end = decide_end(factory, context.run, factory.lookup.ticket(context.ticket.id), failure)
    factory.backlog.fail_ticket(context.lease, end=end, component=Component.EXECUTION, now=factory.now())
