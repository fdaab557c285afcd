"""launch: the harness works in sandbox A while the supervisor watches."""

import json
import signal
from collections.abc import Mapping
from contextlib import closing
from datetime import timedelta

from domain.egress import Purpose
from domain.errors import HarnessUnavailable, MemoryExceeded, SandboxFailed
from domain.execution import RunFacts, SandboxRef, Step
from domain.harness import Brief, Command, Ending, EventKind, HarnessEvent, HarnessOutcome
from domain.sandbox import Exit
from factory_pipelines.execution.stages.context import RunContext, StepResult
from factory_pipelines.execution.stages.provision import provision
from policy.constitution import prompt_for
from policy.limits import RunLimits
from policy.retry import error_of
from resources.doors import Errand, opened
from sensors.supervisor import RunSupervisor
from sensors.watching import Watch, limits_for

#: shown in the timeline; the transcript artifact holds everything
TOLD = frozenset(EventKind) - {EventKind.MESSAGE}
EVENT_LIMIT = 2_000  #: harness events written to the ledger for one run


def launch(context: RunContext) -> StepResult:
    if context.run.patch is not None:
        context.record(RunFacts(), Step.LAUNCH)
        return StepResult(metadata={"adopted": True})
    if context.run.adopted_step is Step.LAUNCH:
        provision(context)  # the sandbox of the run it re-executes is gone
    outcome, transcript = _work(context)
    record = context.keep(outcome.model_dump_json().encode(), kind="json", name="outcome.json")
    context.record(RunFacts(outcome=record, usage=outcome.usage))
    if outcome.ending is not Ending.SUCCEEDED:
        code = outcome.failure_code or "harness.failed"
        raise error_of(code, outcome.summary or f"the harness {outcome.ending}")
    context.record(RunFacts(), Step.LAUNCH)
    return StepResult(
        metadata={"summary": outcome.summary, "transcript": transcript, "cost_usd": outcome.usage.cost_usd}
    )


def _work(context: RunContext) -> tuple[HarnessOutcome, str]:
    manifest = context.ticket.manifest
    harness = context.factory.harnesses[manifest.engine]
    ref = context.required("sandbox")
    if not isinstance(ref, SandboxRef) or ref.backend not in context.factory.sandboxes:
        raise HarnessUnavailable("the run's sandbox is of a kind this machine does not have")
    brief = Brief(
        ticket_id=context.ticket.id,
        run_id=context.run.id,
        title=manifest.title,
        prompt=prompt_for(manifest),
        commands=manifest.commands,
    )
    settings = context.factory.settings
    limits = limits_for(context.ticket, settings)
    watch = Watch(session=harness.open(brief), limits=limits, pulse=context.pulse)
    lines: list[str] = []
    try:
        with opened(context.factory, ref, _errand(context)) as told:
            _follow(context, watch, (ref, _command(harness.command(brief), limits, told)), lines)
    finally:
        stored = context.keep("".join(lines).encode(), kind="transcript", name="transcript.jsonl")
    end = watch.end or Exit(code=None, seconds=0)
    outcome = watch.session.finish(end)
    if end.out_of_memory and outcome.ending is not Ending.SUCCEEDED:
        raise MemoryExceeded(f"it needed more than {settings.memory_limit / 1024**2:.0f} MiB of memory", limit="memory")
    if end.signal == signal.SIGKILL and outcome.ending is Ending.INTERRUPTED and not end.timed_out:
        raise SandboxFailed("its command was killed, and not by us")
    return outcome, context.factory.artifacts.path(stored)


def _errand(context: RunContext) -> Errand:
    manifest = context.ticket.manifest
    return Errand(context.run.id, Purpose.HARNESS, repository=manifest.repository, harness=manifest.engine)


def _command(command: Command, limits: RunLimits, told: Mapping[str, str] | None) -> Command:
    """Return the command with the door's words in its environment, and a wall clock behind the supervisor's."""
    door = {"network": True, "environment": {**command.environment, **told}} if told is not None else {}
    return command.model_copy(update={"timeout": timedelta(seconds=limits.wall + 30), **door})


def _follow(context: RunContext, watch: Watch, work: tuple[SandboxRef, Command], lines: list[str]) -> None:
    ref, command = work
    sandbox = context.factory.sandboxes[ref.backend]
    supervisor = RunSupervisor(context.factory)
    told = 0
    with closing(iter(sandbox.execute(ref, command))) as outputs:  # type: ignore[type-var]
        for event in supervisor.monitor_run(sandbox, ref, outputs, watch):
            lines.append(event.model_dump_json() + "\n")
            if event.kind in TOLD and told < EVENT_LIMIT:
                told += 1
                _tell(context, event)


def _tell(context: RunContext, event: HarnessEvent) -> None:
    data = {"tool": event.tool, "status": event.status}
    payload = json.loads(event.model_dump_json(include={"kind"})) | data | {"text": event.text[:500]}
    context.event("harness_event", **payload)
