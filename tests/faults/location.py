"""The factory's code location with faults: a ticket titled `fault STEP WHEN` kills its worker there, once.

WHEN is before, after, or (submit only) pushed, opened.
"""

import os
import signal
from collections.abc import Callable
from pathlib import Path

from domain.execution import Step
from factory_pipelines.definitions import defs  # noqa: F401 - Dagster loads it from here
from factory_pipelines.execution.stages import submit as submit_stage
from factory_pipelines.execution.stages.context import RunContext, StepResult
from factory_pipelines.execution.stages.table import STAGES


def die_once(context: RunContext, step: Step, when: str) -> None:
    if context.ticket.manifest.title != f"fault {step.value} {when}":
        return
    fired = Path(context.factory.settings.home) / "faults" / context.ticket.id
    fired.parent.mkdir(exist_ok=True)
    if not fired.exists():
        fired.touch()
        os.kill(os.getpid(), signal.SIGKILL)


def faulty(step: Step, work: Callable[[RunContext], StepResult]) -> Callable[[RunContext], StepResult]:
    def stage(context: RunContext) -> StepResult:
        die_once(context, step, "before")
        result = work(context)
        die_once(context, step, "after")
        return result

    return stage


for one, original in list(STAGES.items()):
    STAGES[one] = faulty(one, original)  # type: ignore[index]

_request, _confirm = submit_stage._request, submit_stage._confirm


def _pushed(context: RunContext, *rest: object) -> object:
    die_once(context, Step.SUBMIT, "pushed")
    return _request(context, *rest)  # type: ignore[arg-type]


def _opened(context: RunContext, *rest: object) -> None:
    die_once(context, Step.SUBMIT, "opened")
    _confirm(context, *rest)  # type: ignore[arg-type]


submit_stage._request = _pushed  # type: ignore[assignment]
submit_stage._confirm = _opened
