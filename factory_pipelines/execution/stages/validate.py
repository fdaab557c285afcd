"""validate: facts about the patch on an exact tree, gathered in a clean sandbox that no harness has touched."""

from dataclasses import dataclass

from adapters.quarantine.contract import Admitted
from adapters.sandbox.contract import Sandbox
from domain.egress import Purpose
from domain.errors import PatchEmpty
from domain.execution import PatchRef, RunFacts, SandboxRef, Step
from domain.governance import CheckResult, Origin, Validation
from domain.repositories import RepositorySettings
from domain.sandbox import SandboxSpec
from factory_pipelines.execution.stages.collect import ground_of, keep_patch
from factory_pipelines.execution.stages.context import RunContext, StepResult
from factory_pipelines.execution.stages.outputs import gather, wanted_outputs
from factory_pipelines.execution.stages.workspace_git import TREE_FILE, WRITE_TREE, read_text, run_script
from factory_pipelines.execution.stages.workspace_git import Bench as GitBench
from resources.checks import Bench, Check, run_checks
from resources.doors import Errand, opened, tell_attempts
from resources.environments import Source, prepare_environment
from resources.images import image_for
from resources.sandboxes import choose_sandbox, remove
from resources.sandboxes import provision as make_sandbox
from resources.workspaces import baseline, settings_at, verify_digest


@dataclass(frozen=True)
class CleanRoom:
    """Sandbox B: the base commit of now with the patch applied, and the settings in force there."""

    sandbox: Sandbox
    ref: SandboxRef
    base_sha: str
    settings: RepositorySettings
    named: str | None  #: image, by policy
    image: str | None  #: by its id


def validate(context: RunContext) -> StepResult:
    patch = _patch(context)
    base_sha = context.forge.fetch(context.repository, context.base)
    known = load_validation(context)
    scope = context.ticket.manifest.allowed_scope
    if known is None or (known.base_sha, known.tree_sha, known.allowed_scope) != (base_sha, patch.tree_sha, scope):
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
    change = _replay(context, patch, base_sha)
    if base_sha != patch.base_sha:
        patch = keep_patch(context, change)
        context.record(RunFacts(patch=patch))
    room = _enter(context, patch, change)
    try:
        context.provisioned(room.ref, room.base_sha, room.image)
        facts = _gather(context, room, patch, change)
        gather(context, room.ref, wanted_outputs(context), context.pulse.observe)
        tell_attempts(context.factory, context.run, room.ref)
    finally:
        remove(context.factory, room.ref)
    stored = context.keep(facts.model_dump_json(indent=1).encode(), kind="json", name="validation.json")
    context.record(RunFacts(validation=stored, patch=patch))
    return facts


def _replay(context: RunContext, patch: PatchRef, base_sha: str) -> Admitted:
    """Return what the stored patch changes on the base of now, which may have moved since."""
    change = context.factory.quarantine.replay(
        ground_of(context, base_sha),
        context.factory.artifacts.get(patch.artifact),
        patch_limit=context.factory.settings.patch_limit,
    )
    if not change.patch:
        raise PatchEmpty(f"the base {base_sha[:12]} already has the change")
    return change


def _enter(context: RunContext, patch: PatchRef, change: Admitted) -> CleanRoom:
    base_sha = change.base_sha
    settings = settings_at(context.factory, context.repository, base_sha)
    harness = context.factory.harnesses[context.ticket.manifest.engine]
    image = image_for(context.factory, context.repository, base_sha)
    sandbox = choose_sandbox(context.factory, trusted=harness.trusted, wanted=settings.sandbox, image=image)
    path = context.factory.artifacts.path(patch.artifact)
    touched = {name for file in change.files for name in (file.path, file.old_path)}
    source = Source(commit=base_sha, trusted=harness.trusted)
    if touched & set(settings.setup_files):
        source = source.model_copy(update={"patch_path": path, "patch_sha256": patch.artifact.sha256})
    environment = prepare_environment(context.factory, context.repository, settings, source, context.pulse.observe)
    spec = SandboxSpec(
        id=f"{context.run.id}-check",
        run_id=context.run.id,
        mirror=context.repository.remote,
        commit=base_sha,
        patch=path,
        environment=environment.path,
        environment_is_venv=environment.is_venv,
        image=environment.image,
    )
    ref = make_sandbox(context.factory, sandbox, spec)
    return CleanRoom(sandbox, ref, base_sha, settings, named=image, image=environment.image)


def _gather(context: RunContext, room: CleanRoom, patch: PatchRef, change: Admitted) -> Validation:
    run_script(room.sandbox, GitBench(ref=room.ref), WRITE_TREE, (), context.pulse.observe)
    tree = read_text(room.sandbox, room.ref, TREE_FILE, limit=100)
    checks = _run_checks(context, room)
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
        files=change.files,
        lines_added=change.lines_added,
        lines_removed=change.lines_removed,
        secrets=context.factory.secrets_scanner.scan(context.factory.artifacts.get(patch.artifact)),
        allowed_scope=context.ticket.manifest.allowed_scope,
    )


def _run_checks(context: RunContext, room: CleanRoom) -> tuple[CheckResult, ...]:
    """Without a door, unless policy grants the repository's checks one."""
    errand = Errand(context.run.id, Purpose.VERIFY, repository=context.repository.name)
    with opened(context.factory, room.ref, errand) as door:
        return run_checks(
            room.sandbox,
            Bench(ref=room.ref, limit=context.factory.settings.verify_limit, door=door),
            _watched(context, room, planned_checks(context, room.settings)),
            context.factory.artifacts,
            context.pulse.observe,
        )


def _watched(context: RunContext, room: CleanRoom, checks: list[Check]) -> list[Check]:
    """Name to each check the tests that are known to fail on the base, so that what turns green is seen."""
    key = verify_digest(room.settings, room.named)
    known = context.factory.evidence.find_baseline(context.repository.name, room.base_sha, key) or ()
    red = frozenset(name for check in known for name in check.failed_tests or ())
    return [check.model_copy(update={"red": red}) for check in checks]


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
