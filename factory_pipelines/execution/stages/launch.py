"""launch: the harness works in sandbox A while the supervisor watches."""

import json
import signal
from collections.abc import Mapping
from contextlib import closing, suppress
from datetime import timedelta

from adapters.sandbox.contract import Sandbox
from domain.egress import Purpose
from domain.errors import HarnessUnavailable, LeaseLost, MemoryExceeded, NeedsPerson, PatchTooLarge, SandboxFailed
from domain.execution import RunFacts, SandboxRef, Step
from domain.harness import Brief, Command, Ending, EventKind, HarnessEvent, HarnessOutcome
from domain.sandbox import Exit, Mailbox, OutputLine
from factory_pipelines.execution.stages.context import RunContext, StepResult
from factory_pipelines.execution.stages.provision import provision
from policy.limits import RunLimits
from policy.prompt import BLOCKED_FILE, INSTRUCTION_FILES, prompt_for
from policy.retry import error_of
from resources.doors import Errand, opened
from resources.settings import Settings
from sensors.supervisor import RunSupervisor
from sensors.watching import Watch, limits_for

#: shown in the timeline; the transcript artifact holds everything
TOLD = frozenset(EventKind) - {EventKind.MESSAGE}
BLOCKED_LIMIT = 1_000_000  #: bytes
EVENT_LIMIT = 2_000  #: harness events written to the ledger for one run


def launch(context: RunContext) -> StepResult:
    if context.run.patch is not None:
        context.record(RunFacts(), Step.LAUNCH)
        return StepResult(metadata={"adopted": True})
    if context.run.adopted_step is Step.LAUNCH:
        provision(context)  # the sandbox of the run it re-executes is gone
    outcome, transcript = _work(context)
    if outcome.ending is not Ending.SUCCEEDED:
        code = outcome.failure_code or "harness.failed"
        raise error_of(code, outcome.summary or f"the harness {outcome.ending}")
    context.record(RunFacts(), Step.LAUNCH)
    return StepResult(
        metadata={"summary": outcome.summary, "transcript": transcript, "cost_usd": outcome.usage.cost_usd}
    )


def _work(context: RunContext) -> tuple[HarnessOutcome, str]:
    """Let the harness work; however it ends, what it did and used is stored."""
    manifest = context.ticket.manifest
    harness = context.factory.harnesses[manifest.engine]
    ref = context.required("sandbox")
    if not isinstance(ref, SandboxRef) or ref.backend not in context.factory.sandboxes:
        raise HarnessUnavailable("the run's sandbox is of a kind this machine does not have")
    brief = Brief(
        ticket_id=context.ticket.id,
        run_id=context.run.id,
        title=manifest.title,
        prompt=prompt_for(manifest, instructions=() if harness.trusted else _instructions(context, ref)),
        commands=manifest.commands,
    )
    limits = limits_for(context.ticket, context.factory.settings)
    command = harness.command(brief)
    mail = Mailbox() if command.converses else None
    watch = Watch(session=harness.open(brief), limits=limits, pulse=context.pulse, mail=mail)
    lines: list[str] = []
    try:
        with opened(context.factory, ref, _errand(context)) as told:
            _follow(context, watch, (ref, _command(command, limits, told)), lines)
    finally:
        stored = context.keep("".join(lines).encode(), kind="transcript", name="transcript.jsonl")
        outcome = watch.session.finish(watch.end or Exit(code=None, seconds=0))
        _store(context, outcome)
    _check_blocked(context.factory.sandboxes[ref.backend], ref)
    _check_end(watch.end, outcome, context.factory.settings)
    return outcome, context.factory.artifacts.path(stored)


def _instructions(context: RunContext, ref: SandboxRef) -> list[str]:
    """Ask the workspace which files say how to work in it."""
    script = 'for name in "$@"; do if [ -f "$name" ]; then echo "$name"; fi; done'
    command = Command(argv=("sh", "-c", script, "instructions", *INSTRUCTION_FILES), timeout=timedelta(minutes=1))
    outputs = context.factory.sandboxes[ref.backend].execute(ref, command)
    return [output.text for output in outputs if isinstance(output, OutputLine) and output.text in INSTRUCTION_FILES]


def _check_blocked(sandbox: Sandbox, ref: SandboxRef) -> None:
    try:
        words = sandbox.collect(ref, BLOCKED_FILE, limit=BLOCKED_LIMIT)
    except PatchTooLarge:
        words = f"it wrote more than {BLOCKED_LIMIT} bytes on what it needs".encode()
    if words is not None:
        raise NeedsPerson(words.decode(errors="replace").strip()[:2000] or "it did not say what it needs")


def _store(context: RunContext, outcome: HarnessOutcome) -> None:
    """Keep the outcome with the run; a run whose lease is lost writes nothing any more."""
    record = context.keep(outcome.model_dump_json().encode(), kind="json", name="outcome.json")
    with suppress(LeaseLost):
        context.record(RunFacts(outcome=record, usage=outcome.usage))


def _check_end(end: Exit | None, outcome: HarnessOutcome, settings: Settings) -> None:
    if end is None or outcome.ending is Ending.SUCCEEDED:
        return
    if end.out_of_memory:
        raise MemoryExceeded(f"it needed more than {settings.memory_limit / 1024**2:.0f} MiB of memory", limit="memory")
    if end.signal == signal.SIGKILL and outcome.ending is Ending.INTERRUPTED and not end.timed_out:
        raise SandboxFailed("its command was killed, and not by us")


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
    with closing(iter(sandbox.execute(ref, command, watch.mail))) as outputs:  # type: ignore[type-var]
        for event in supervisor.monitor_run(sandbox, ref, outputs, watch):
            lines.append(event.model_dump_json() + "\n")
            if event.kind in TOLD and told < EVENT_LIMIT:
                told += 1
                _tell(context, event)


def _tell(context: RunContext, event: HarnessEvent) -> None:
    data = {"tool": event.tool, "status": event.status}
    payload = json.loads(event.model_dump_json(include={"kind"})) | data | {"text": event.text[:500]}
    context.event("harness_event", **payload)
