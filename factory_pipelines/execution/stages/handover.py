"""What an attempt that could not finish leaves, and how the next one takes it up: changes, session, last steps."""

import base64
from collections.abc import Sequence
from datetime import timedelta
from typing import Final

import structlog

from domain.errors import FactoryError, LeaseLost, PatchTooLarge, PatchUnreadable
from domain.execution import ArtifactRef, Handover, RunFacts, SandboxRef
from domain.harness import Command, HarnessEvent, HarnessOutcome
from domain.model import Value
from domain.sandbox import Exit
from factory_pipelines.execution.stages.context import RunContext
from factory_pipelines.execution.stages.reworked import delivered_before
from factory_pipelines.execution.stages.workspace_git import Bench, run_script
from policy.prompt import told_so_far

SESSION_FILE: Final = "session.tar"
SESSION_LIMIT: Final = 20_000_000  #: bytes of a session's archive
TIME_LIMIT: Final = timedelta(minutes=1)
#: $1 blocks of 512 bytes the archive may have; then folders of HOME
PACK: Final = f"""set -e
chmod u+rwx "$FACTORY_OUT"
rm -rf -- "$FACTORY_OUT/{SESSION_FILE}"
ulimit -f "$1"
shift
cd "$HOME"
for name in "$@"; do if [ -d "$name" ]; then set -- "$@" "$name"; fi; shift; done
if [ $# -gt 0 ]; then tar --create --file="$FACTORY_OUT/{SESSION_FILE}" -- "$@"; fi
"""
UNPACK: Final = 'base64 -d | tar --extract --no-same-owner --directory "$HOME"'
APPLY: Final = "base64 -d | git apply --whitespace=nowarn -"
log = structlog.get_logger()


class TakenUp(Value):
    """What a run starts from beside its base commit."""

    session_id: str | None = None
    summary: str = ""


def leave(context: RunContext, patch: ArtifactRef | None) -> None:
    """Record what a run leaves for whoever goes on; a run whose outcome is not known leaves its changes alone."""
    stored, environment = context.run.outcome, context.run.environment
    if stored is None or environment is None:
        return
    outcome = HarnessOutcome.model_validate_json(context.factory.artifacts.get(stored))
    left = Handover(
        harness=context.run.harness,
        session_id=outcome.session_id,
        session=_session(context, outcome),
        patch=patch,
        base_sha=environment.base_sha,
        summary=told_so_far(_steps(context), outcome.summary),
    )
    context.record(RunFacts(handover=left))


def take_up(context: RunContext, ref: SandboxRef) -> TakenUp:
    """Put what the run itself, or the one before it, left into its sandbox; what cannot be used is left out."""
    found = predecessor(context)
    if found is None:
        return TakenUp()
    run_id, left = found
    patched = left.patch is not None and left.patch.size > 0 and _give(context, ref, left.patch, APPLY)
    same = left.harness == context.run.harness
    resumes = same and left.session is not None and _give(context, ref, left.session, UNPACK)
    context.event("run_handed_over", from_run_id=run_id, harness=left.harness, resumes=resumes, patch=patched)
    return TakenUp(session_id=left.session_id if resumes else None, summary=left.summary)


def predecessor(context: RunContext) -> tuple[str, Handover] | None:
    """Return whose work this run goes on with: its own before a pause, or that of an attempt whose harness gave up."""
    run = context.run
    if run.handover is not None:
        return run.id, run.handover
    earlier = [one for one in context.factory.lookup.runs(ticket_id=run.ticket_id) if one.attempt < run.attempt]
    last = earlier[-1] if earlier else None
    if last is not None and last.handover is not None and last.harness_until is not None:
        return last.id, last.handover
    return delivered_before(context)


def _session(context: RunContext, outcome: HarnessOutcome) -> ArtifactRef | None:
    """Store the program's own session files; None when there are none, or more than is kept."""
    harness, ref = context.factory.harnesses[context.run.harness], context.run.sandbox
    paths = harness.traits.session_paths
    if outcome.session_id is None or not paths or ref is None:
        return None
    sandbox = context.factory.sandboxes[ref.backend]
    arguments = [str(SESSION_LIMIT // 512), *paths]
    try:
        run_script(sandbox, Bench(ref=ref, limit=TIME_LIMIT), PACK, arguments, lambda _output: None)
        content = sandbox.collect(ref, SESSION_FILE, limit=2 * SESSION_LIMIT)
    except (PatchUnreadable, PatchTooLarge) as error:
        log.warning("session_not_kept", run=context.run.id, reason=error.message)
        return None
    return context.keep(content, kind="session", name=SESSION_FILE) if content else None


def _steps(context: RunContext) -> Sequence[HarnessEvent]:
    artifacts, _report = context.factory.lookup.evidence(context.run.id)
    transcripts = [one.ref for one in artifacts if one.ref.kind == "transcript"]
    if not transcripts:
        return ()
    lines = context.factory.artifacts.get(transcripts[-1]).decode(errors="replace").splitlines()
    return [HarnessEvent.model_validate_json(line) for line in lines[-400:]]


def _give(context: RunContext, ref: SandboxRef, artifact: ArtifactRef, script: str) -> bool:
    """Feed stored bytes to a script in the sandbox; False, with a word in the log, when it cannot use them."""
    try:
        content = base64.b64encode(context.factory.artifacts.get(artifact)).decode()
        command = Command(argv=("sh", "-c", script), stdin=content, timeout=TIME_LIMIT)
        words = list(context.factory.sandboxes[ref.backend].execute(ref, command))
    except LeaseLost:
        raise
    except FactoryError as error:
        log.warning("not_taken_up", run=context.run.id, artifact=artifact.name, code=error.code)
        return False
    end = words[-1] if words else None
    used = isinstance(end, Exit) and end.code == 0
    if not used:
        log.warning("not_taken_up", run=context.run.id, artifact=artifact.name, said=str(words[-4:])[:500])
    return used
