"""collect: the patch leaves sandbox A as bytes named by their digest; the sandbox is removed, always."""

from domain.errors import PatchEmpty
from domain.execution import PatchRef, RunFacts, SandboxRef, Step
from factory_pipelines.execution.stages.context import RunContext, StepResult
from factory_pipelines.execution.stages.launch import launch
from factory_pipelines.execution.stages.provision import provision
from factory_pipelines.execution.stages.workspace_git import (
    PATCH_FILE,
    TREE_FILE,
    WRITE_PATCH,
    read_text,
    run_git,
)


def collect(context: RunContext) -> StepResult:
    if context.run.patch is None and context.run.adopted_step is Step.COLLECT:
        launch_anew(context)
    if context.run.patch is None:
        ref = context.required("sandbox")
        environment = context.run.environment
        if isinstance(ref, SandboxRef) and environment is not None:
            context.record(RunFacts(patch=read_patch(context, ref, environment.base_sha)))
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
        }
    )


def launch_anew(context: RunContext) -> None:
    """Re-executed from here without a stored patch: the parent's workspace is gone, so the work is done again."""
    provision(context)
    launch(context)


def read_patch(context: RunContext, ref: SandboxRef, base_sha: str) -> PatchRef:
    """Return the stored patch of everything in a workspace against its base.

    Raises:
        PatchEmpty, PatchTooLarge, PatchUnreadable.
    """
    sandbox = context.factory.sandboxes[ref.backend]
    run_git(sandbox, ref, WRITE_PATCH, base_sha, context.pulse)
    content = sandbox.collect(ref, PATCH_FILE, limit=context.factory.settings.patch_limit)
    if not content:
        raise PatchEmpty("the work left every file as it was")
    return PatchRef(
        artifact=context.keep(content, kind="patch", name="change.patch"),
        base_sha=base_sha,
        tree_sha=read_text(sandbox, ref, TREE_FILE).strip(),
        files_changed=content.count(b"\ndiff --git ") + content.startswith(b"diff --git "),
        lines_added=0,
        lines_removed=0,
    )
