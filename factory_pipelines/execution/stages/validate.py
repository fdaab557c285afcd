"""validate: facts about the patch on an exact tree, gathered in a clean sandbox that no harness has touched."""

from dataclasses import dataclass

from adapters.sandbox.contract import Sandbox
from domain.execution import PatchRef, RunFacts, SandboxRef, Step
from domain.governance import CheckResult, Origin, Validation
from domain.repositories import RepositorySettings
from domain.sandbox import SandboxSpec
from factory_pipelines.execution.stages.collect import read_patch
from factory_pipelines.execution.stages.context import RunContext, StepResult
from factory_pipelines.execution.stages.workspace_git import (
    DESCRIBE,
    NUMSTAT_FILE,
    RAW_FILE,
    TREE_FILE,
    parse_changes,
    read_text,
    run_git,
)
from resources.checks import Bench, Check, run_checks
from resources.environments import Source, prepare_environment
from resources.sandboxes import choose_sandbox
from resources.workspaces import baseline, settings_at


@dataclass(frozen=True)
class CleanRoom:
    """Sandbox B: the base commit of now with the patch applied, and the settings in force there."""

    sandbox: Sandbox
    ref: SandboxRef
    base_sha: str
    settings: RepositorySettings


def validate(context: RunContext) -> StepResult:
    patch = _patch(context)
    base_sha = context.forge.fetch(context.repository, context.base)
    known = load_validation(context)
    if known is None or (known.base_sha, known.tree_sha) != (base_sha, patch.tree_sha):
        known = _examine(context, patch, base_sha)
    passed = all(check.passed for check in known.checks)
    context.event("verify_completed", passed=passed, commands=[check.command for check in known.checks])
    context.record(RunFacts(), Step.VALIDATE)
    return StepResult(
        metadata={"base_sha": base_sha, "tree_sha": known.tree_sha, "passed": passed, "checks": len(known.checks)}
    )


def load_validation(context: RunContext) -> Validation | None:
    """Return what an earlier validation of this run (or its parent) found."""
    ref = context.run.validation
    return None if ref is None else Validation.model_validate_json(context.factory.artifacts.get(ref))


def _patch(context: RunContext) -> PatchRef:
    patch = context.required("patch")
    assert isinstance(patch, PatchRef)  # noqa: S101 - narrows for the type checker
    return patch


def _examine(context: RunContext, patch: PatchRef, base_sha: str) -> Validation:
    room = _enter(context, patch, base_sha)
    try:
        context.event("sandbox_provisioned", backend=room.ref.backend, sandbox=room.ref.id, base_sha=room.base_sha)
        if base_sha != patch.base_sha:
            patch = read_patch(context, room.ref, base_sha)
            context.record(RunFacts(patch=patch))
        facts = _gather(context, room, patch)
    finally:
        context.factory.sandboxes[room.ref.backend].teardown(room.ref)
    stored = context.keep(facts.model_dump_json(indent=1).encode(), kind="json", name="validation.json")
    context.record(RunFacts(validation=stored, patch=patch))
    return facts


def _enter(context: RunContext, patch: PatchRef, base_sha: str) -> CleanRoom:
    settings = settings_at(context.factory, context.repository, base_sha)
    harness = context.factory.harnesses[context.ticket.manifest.engine]
    sandbox = choose_sandbox(context.factory, trusted=harness.trusted, wanted=settings.sandbox)
    path = context.factory.artifacts.path(patch.artifact)
    text = context.factory.artifacts.get(patch.artifact)
    decides = any(f" b/{name}\n".encode() in text for name in settings.setup_files)
    source = Source(commit=base_sha)
    if decides:
        source = Source(commit=base_sha, patch_path=path, patch_sha256=patch.artifact.sha256)
    environment = prepare_environment(context.factory, context.repository, settings, source, context.pulse.observe)
    ref = sandbox.provision(
        SandboxSpec(
            id=f"{context.run.id}-check",
            run_id=context.run.id,
            mirror=context.repository.remote,
            commit=base_sha,
            patch=path,
            environment=environment.path,
        )
    )
    return CleanRoom(sandbox=sandbox, ref=ref, base_sha=base_sha, settings=settings)


def _gather(context: RunContext, room: CleanRoom, patch: PatchRef) -> Validation:
    run_git(room.sandbox, room.ref, DESCRIBE, room.base_sha, context.pulse)
    tree = read_text(room.sandbox, room.ref, TREE_FILE).strip()
    raw, numstat, sizes = (read_text(room.sandbox, room.ref, n) for n in (RAW_FILE, NUMSTAT_FILE, "sizes"))
    files, added, removed = parse_changes(raw, numstat, sizes)
    checks = run_checks(
        room.sandbox,
        Bench(ref=room.ref, limit=context.factory.settings.verify_limit),
        planned_checks(context, room.settings),
        context.factory.artifacts,
        context.pulse.observe,
    )
    for check in checks:
        if check.log is not None:
            context.factory.evidence.add_artifact(context.lease, check.log, now=context.factory.now())
    return Validation(
        base_sha=room.base_sha,
        tree_sha=patch.tree_sha,
        patch_sha256=patch.artifact.sha256,
        replayed_tree_sha=tree,
        checks=checks,
        baseline=_baseline(context, room, checks),
        files=files,
        lines_added=added,
        lines_removed=removed,
        secrets=context.factory.secrets_scanner.scan(context.factory.artifacts.get(patch.artifact)),
    )


def planned_checks(context: RunContext, settings: RepositorySettings) -> list[Check]:
    """The repository's own checks and the ticket's; `verify-only` replaces the repository's."""
    manifest = context.ticket.manifest
    own = settings.verify if manifest.verify_only is None else ()
    added = (manifest.verify_only or ()) + manifest.verify
    return [
        *(Check(command=command, origin=Origin.REPOSITORY) for command in own),
        *(Check(command=command, origin=Origin.TICKET) for command in added),
        *(Check(command=item.check, origin=Origin.ACCEPTANCE) for item in manifest.acceptance if item.check),
    ]


def _baseline(context: RunContext, room: CleanRoom, checks: tuple[CheckResult, ...]) -> tuple[CheckResult, ...] | None:
    """Only a red check of the repository's own needs the base to be compared with."""
    if all(check.passed for check in checks if check.origin is Origin.REPOSITORY):
        return None
    return baseline(context.factory, context.repository, room.settings, room.base_sha, context.pulse.observe)
