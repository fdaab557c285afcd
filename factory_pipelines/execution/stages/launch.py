"""launch: the harness works in sandbox A while the supervisor watches."""

import signal
from collections.abc import Mapping
from contextlib import suppress
from datetime import timedelta

from adapters.harness.contract import Harness
from adapters.sandbox.contract import Sandbox
from domain.egress import Purpose
from domain.engines import ENGINE_CLASSES, SCRIPT
from domain.errors import (
    FactoryError,
    HarnessUnavailable,
    LeaseLost,
    MemoryExceeded,
    NeedsPerson,
    PatchTooLarge,
    SandboxFailed,
)
from domain.execution import RunFacts, SandboxRef, Step
from domain.harness import Brief, Command, Ending, EventKind, HarnessOutcome
from domain.sandbox import Exit, Mailbox, OutputLine
from factory_pipelines.execution.stages.context import RunContext, StepResult
from factory_pipelines.execution.stages.following import Following
from factory_pipelines.execution.stages.handover import take_up
from factory_pipelines.execution.stages.pausing import allowances, note_breach
from factory_pipelines.execution.stages.provision import provision
from factory_pipelines.execution.stages.reworked import said_of
from policy.limits import RunLimits
from policy.prompt import BLOCKED_FILE, INSTRUCTION_FILES, prompt_for
from policy.retry import error_of
from resources.doors import Errand, opened
from resources.harnesses import options_for
from resources.settings import Settings
from sensors.watching import Watch, limits_for

BLOCKED_LIMIT = 1_000_000  #: bytes
ENTER = 'cd -- "$1" && shift && exec "$@"'
UNTOLD = frozenset({EventKind.MESSAGE})  #: of a script: every line it prints


def launch(context: RunContext) -> StepResult:
    if context.run.patch is not None:
        context.record(RunFacts(), Step.LAUNCH)
        return StepResult(metadata={"adopted": True})
    if context.run.adopted_step is Step.LAUNCH:
        provision(context)  # the sandbox of the run it re-executes is gone
    try:
        outcome, transcript = _work(context)
    except FactoryError as failure:
        note_breach(context, failure)
        raise
    context.record(RunFacts(), Step.LAUNCH)
    return StepResult(
        metadata={"summary": outcome.summary, "transcript": transcript, "cost_usd": context.run.usage.cost_usd}
    )


def _work(context: RunContext) -> tuple[HarnessOutcome, str]:
    """Let the harness work; however it ends, what it did and used is stored."""
    harness = context.factory.harnesses[context.run.harness]
    ref = context.required("sandbox")
    if not isinstance(ref, SandboxRef) or ref.backend not in context.factory.sandboxes:
        raise HarnessUnavailable("the run's sandbox is of a kind this machine does not have")
    brief = _brief(context, ref, harness)
    command = harness.command(brief)
    mail = Mailbox() if command.converses else None
    limits = limits_for(context.ticket, context.factory, context.run, allowances(context))
    watch = Watch(session=harness.open(brief), limits=limits, pulse=context.pulse, mail=mail)
    following = Following(context, watch, before=context.run.usage, model=brief.options.model)
    following.untold = UNTOLD if ENGINE_CLASSES.get(harness.name) == SCRIPT else frozenset()
    try:
        with opened(context.factory, ref, _errand(context)) as told:
            following.follow(ref, _command(_in_folder(command, context.ticket.manifest.cwd), limits, told))
    finally:
        outcome, transcript = _keep(context, following)
    _check_blocked(context.factory.sandboxes[ref.backend], ref)
    _check_end(watch.end, outcome, context.factory.settings)
    return outcome, transcript


def _brief(context: RunContext, ref: SandboxRef, harness: Harness) -> Brief:
    manifest, assignment = context.ticket.manifest, context.run.assignment
    taken = take_up(context, ref)
    prompt = prompt_for(
        manifest,
        persona=assignment.order.persona if assignment else "",
        instructions=() if harness.trusted else _instructions(context, ref),
        so_far=taken.summary,
        said=said_of(context),
    )
    return Brief(
        ticket_id=context.ticket.id,
        run_id=context.run.id,
        title=manifest.title,
        prompt=prompt,
        commands=manifest.commands,
        session_id=taken.session_id,
        options=options_for(context.factory.settings, harness.name),
        yolo=manifest.yolo,
    )


def _instructions(context: RunContext, ref: SandboxRef) -> list[str]:
    """Ask the workspace which files say how to work in it."""
    script = 'for name in "$@"; do if [ -f "$name" ]; then echo "$name"; fi; done'
    command = Command(argv=("sh", "-c", script, "instructions", *INSTRUCTION_FILES), timeout=timedelta(minutes=1))
    outputs = context.factory.sandboxes[ref.backend].execute(ref, command)
    return [output.text for output in outputs if isinstance(output, OutputLine) and output.text in INSTRUCTION_FILES]


def _keep(context: RunContext, following: Following) -> tuple[HarnessOutcome, str]:
    """Store what was said, how it ended and what it used; a run whose lease is lost writes nothing any more."""
    outcome = following.watch.session.finish(following.watch.end or Exit(code=None, seconds=0))
    following.model = outcome.model or following.model
    with suppress(LeaseLost):
        context.keep("".join(following.raw).encode(errors="replace"), kind="raw", name="raw.jsonl")
        stored = context.keep("".join(following.lines).encode(), kind="transcript", name="transcript.jsonl")
        record = context.keep(outcome.model_dump_json().encode(), kind="json", name="outcome.json")
        context.record(RunFacts(outcome=record, usage=following.total(outcome.usage)))
        return outcome, context.factory.artifacts.path(stored)
    return outcome, ""


def _check_blocked(sandbox: Sandbox, ref: SandboxRef) -> None:
    try:
        words = sandbox.collect(ref, BLOCKED_FILE, limit=BLOCKED_LIMIT)
    except PatchTooLarge:
        words = f"it wrote more than {BLOCKED_LIMIT} bytes on what it needs".encode()
    if words is not None:
        raise NeedsPerson(words.decode(errors="replace").strip()[:2000] or "it did not say what it needs")


def _check_end(end: Exit | None, outcome: HarnessOutcome, settings: Settings) -> None:
    if outcome.ending is Ending.SUCCEEDED:
        return
    if end is not None and end.out_of_memory:
        raise MemoryExceeded(f"it needed more than {settings.memory_limit / 1024**2:.0f} MiB of memory", limit="memory")
    if end is not None and end.signal == signal.SIGKILL and outcome.ending is Ending.INTERRUPTED and not end.timed_out:
        raise SandboxFailed("its command was killed, and not by us")
    error = error_of(outcome.failure_code or "harness.failed", outcome.summary or f"the harness {outcome.ending}")
    if outcome.retry_after is not None:
        error.details["retry_after"] = outcome.retry_after
    raise error


def _errand(context: RunContext) -> Errand:
    manifest = context.ticket.manifest
    return Errand(context.run.id, Purpose.HARNESS, repository=manifest.repository, harness=context.run.harness)


def _in_folder(command: Command, folder: str | None) -> Command:
    """Start a command in a folder of the repository; an absolute one was its root on somebody's own machine."""
    if folder is None or folder.startswith(("/", "~")) or folder == ".":
        return command
    return command.model_copy(update={"argv": ("sh", "-c", ENTER, "sh", folder, *command.argv)})


def _command(command: Command, limits: RunLimits, told: Mapping[str, str] | None) -> Command:
    """Return the command with the door's words in its environment, and a wall clock behind the supervisor's."""
    door = {"network": True, "environment": {**command.environment, **told}} if told is not None else {}
    return command.model_copy(update={"timeout": timedelta(seconds=limits.wall + 30), **door})
