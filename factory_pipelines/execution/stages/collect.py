"""collect: the work leaves sandbox A as a bundle, is admitted outside and stored as a patch; the sandbox is removed."""

from datetime import timedelta

import structlog

from adapters.quarantine.contract import Admitted, Ground
from domain.errors import (
    Canceled,
    FactoryError,
    ForgeFenced,
    Interrupted,
    LeaseConflict,
    LeaseLost,
    PatchEmpty,
    PatchUnreadable,
    ResultRefused,
)
from domain.execution import ArtifactRef, PatchRef, RunFacts, SandboxRef, Step
from domain.sandbox import Output
from factory_pipelines.execution.stages.context import RunContext, StepResult
from factory_pipelines.execution.stages.launch import launch
from factory_pipelines.execution.stages.outputs import gather, wanted_outputs
from factory_pipelines.execution.stages.provision import provision
from factory_pipelines.execution.stages.workspace_git import BUNDLE_FILE, WRITE_BUNDLE, Bench, Observe, run_script
from policy.results import pointed_out

RESCUE_LIMIT = timedelta(seconds=60)
UNTOUCHED = (LeaseLost, LeaseConflict, ForgeFenced, Interrupted)  #: ends after which this process writes nothing more
log = structlog.get_logger()


def collect(context: RunContext) -> StepResult:
    if context.run.patch is None and context.run.adopted_step is Step.COLLECT:
        launch_anew(context)
    told: dict[str, str] = {}
    if context.run.patch is None:
        ref = context.required("sandbox")
        environment = context.run.environment
        if isinstance(ref, SandboxRef) and environment is not None:
            gathered = gather(context, ref, wanted_outputs(context), context.pulse.observe)
            told = {**gathered.metadata(), **_take(context, ref, environment.base_sha)}
            context.remove_sandbox(ref)
    patch = context.run.patch
    if patch is None:
        raise PatchEmpty("the run has neither a patch nor a workspace to read one from")
    context.event("patch_collected", sha256=patch.artifact.sha256, files_changed=patch.files_changed)
    context.record(RunFacts(), Step.COLLECT)
    return StepResult(
        metadata={
            "patch_sha256": patch.artifact.sha256,
            "path": context.factory.artifacts.path(patch.artifact),
            "base_sha": patch.base_sha,
            "tree_sha": patch.tree_sha,
            **told,
        }
    )


def launch_anew(context: RunContext) -> None:
    """Re-executed from here without a stored patch: the parent's workspace is gone, so the work is done again."""
    provision(context)
    launch(context)


def read_result(context: RunContext, bench: Bench, base_sha: str, observe: Observe) -> Admitted:
    """Return the admitted change of everything in a workspace against its base. Refused bundles are kept as bytes.

    Raises:
        PatchTooLarge, PatchUnreadable, ResultRefused.
    """
    sandbox = context.factory.sandboxes[bench.ref.backend]
    limit = context.factory.settings.patch_limit
    run_script(sandbox, bench, WRITE_BUNDLE, [base_sha], observe)
    bundle = sandbox.collect(bench.ref, BUNDLE_FILE, limit=limit)
    if bundle is None:
        raise PatchUnreadable("the workspace left no result")
    try:
        return context.factory.quarantine.admit(ground_of(context, base_sha), bundle, patch_limit=limit)
    except ResultRefused:
        context.keep(bundle, kind="bundle", name="refused.bundle")
        raise


def ground_of(context: RunContext, commit: str) -> Ground:
    return Ground(repository=context.repository.name, mirror=context.repository.remote, commit=commit)


def keep_patch(context: RunContext, admitted: Admitted) -> PatchRef:
    """Store a change as a patch of the run."""
    return PatchRef(
        artifact=_store(context, admitted.patch, "change.patch"),
        base_sha=admitted.base_sha,
        tree_sha=admitted.tree_sha,
        files_changed=len(admitted.files),
        lines_added=admitted.lines_added,
        lines_removed=admitted.lines_removed,
    )


def rescue(context: RunContext, step: Step, failure: FactoryError) -> ArtifactRef | None:
    """Leave a patch artifact of a run that failed before it had one: what its workspace holds, else an empty one.

    Called before the sandboxes are removed; takes about RESCUE_LIMIT at most, nothing for a run that was canceled,
    and raises no FactoryError: the run already has its failure.
    """
    if context.run.patch is not None or isinstance(failure, UNTOUCHED):
        return None
    try:
        readable = step is Step.LAUNCH and not isinstance(failure, Canceled)
        if not readable and _has_patch(context):
            return None
        return _store(context, _left_behind(context) if readable else b"", "unfinished.patch")
    except FactoryError as error:
        log.warning("nothing_rescued", run=context.run.id, code=error.code)
        return None


def _has_patch(context: RunContext) -> bool:
    artifacts, _report = context.factory.lookup.evidence(context.run.id)
    return any(artifact.ref.kind == "patch" for artifact in artifacts)


def _take(context: RunContext, ref: SandboxRef, base_sha: str) -> dict[str, str]:
    """Make what is in the workspace the run's patch; return what should not be overlooked in it."""
    admitted = read_result(context, Bench(ref=ref), base_sha, context.pulse.observe)
    patch = keep_patch(context, admitted)
    if not admitted.patch:
        raise PatchEmpty("the work left every file as it was")
    context.record(RunFacts(patch=patch))
    listed = pointed_out([file.path for file in admitted.files], context.factory.policy.results)
    return {"pointed_out": ", ".join(listed)[:2000]} if listed else {}


def _left_behind(context: RunContext) -> bytes:
    """Return the patch of a workspace whose harness failed; empty when it cannot be read or may not be seen."""
    ref, environment = context.run.sandbox, context.run.environment
    if ref is None or environment is None or ref.backend not in context.factory.sandboxes:
        return b""

    def observe(_output: Output) -> None:
        try:
            context.pulse.beat()
        except Canceled as canceled:
            raise PatchUnreadable("somebody asked the run to stop") from canceled

    bench = Bench(ref=ref, limit=RESCUE_LIMIT)
    try:
        gather(context, ref, wanted_outputs(context), observe)
        return read_result(context, bench, environment.base_sha, observe).patch
    except LeaseLost:
        raise
    except FactoryError as error:
        log.warning("workspace_not_rescued", run=context.run.id, code=error.code)
        return b""


def _store(context: RunContext, patch: bytes, name: str) -> ArtifactRef:
    return context.keep(patch, kind="patch", name=name)
