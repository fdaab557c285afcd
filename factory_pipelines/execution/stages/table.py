"""The eight stages, one a step."""

from collections.abc import Callable, Mapping
from typing import Final

from domain.execution import Step
from factory_pipelines.execution.stages.claim import claim
from factory_pipelines.execution.stages.collect import collect
from factory_pipelines.execution.stages.context import RunContext, StepResult
from factory_pipelines.execution.stages.finalize import finalize
from factory_pipelines.execution.stages.judge import judge
from factory_pipelines.execution.stages.launch import launch
from factory_pipelines.execution.stages.provision import provision
from factory_pipelines.execution.stages.submit import submit
from factory_pipelines.execution.stages.validate import validate

Stage = Callable[[RunContext], StepResult]

STAGES: Final[Mapping[Step, Stage]] = {
    Step.CLAIM: claim,
    Step.PROVISION: provision,
    Step.LAUNCH: launch,
    Step.COLLECT: collect,
    Step.VALIDATE: validate,
    Step.JUDGE: judge,
    Step.SUBMIT: submit,
    Step.FINALIZE: finalize,
}
