"""provision: sandbox A with a clone of the repository at the recorded base commit."""

import platform
from importlib.metadata import version

from domain.execution import RunEnvironment, RunFacts, SandboxRef, Step
from domain.sandbox import HOST, SandboxSpec
from factory_pipelines.execution.stages.context import RunContext, StepResult
from resources.environments import Source, prepare_environment
from resources.harness_versions import pinned_version, version_in
from resources.sandboxes import choose_sandbox, place_of
from resources.sandboxes import provision as make_sandbox
from resources.workspaces import settings_at


def provision(context: RunContext) -> StepResult:
    if context.run.patch is not None:
        context.record(RunFacts(), Step.PROVISION)
        return StepResult(metadata={"adopted": True})
    base_sha = context.forge.fetch(context.repository, context.base)
    settings = settings_at(context.factory, context.repository, base_sha)
    profile = context.keep(settings.model_dump_json().encode(), kind="json", name="repository-settings.json")
    harness = context.factory.harnesses[context.run.harness]
    source = Source(commit=base_sha, trusted=harness.trusted)
    environment = prepare_environment(context.factory, context.repository, settings, source, context.pulse.observe)
    context.event("environment_prepared", digest=environment.digest, cached=environment.cached)
    image = environment.image
    sandbox = choose_sandbox(context.factory, trusted=harness.trusted, wanted=settings.sandbox, image=image)
    spec = SandboxSpec(
        id=f"{context.run.id}-work",
        run_id=context.run.id,
        mirror=context.repository.remote,
        commit=base_sha,
        environment=environment.path,
        environment_is_venv=environment.is_venv,
        image=image,
    )
    ref = make_sandbox(context.factory, sandbox, spec)
    facts = RunFacts(
        environment=RunEnvironment(
            base_sha=base_sha,
            sandbox=sandbox.name,
            image_digest=image or HOST,
            environment_digest=environment.digest,
            tool_versions=tool_versions(context, ref, place_of(context.factory, sandbox, image)),
            profile_sha256=profile.sha256,
        ),
        sandbox=ref,
    )
    context.provisioned(ref, base_sha, image)
    context.record(facts, Step.PROVISION)
    metadata = {"base_sha": base_sha, "sandbox": ref.id, "environment": environment.digest, "image": image or HOST}
    return StepResult(metadata=metadata)


def tool_versions(context: RunContext, ref: SandboxRef, place: str) -> dict[str, str]:
    """Return what the run works with; a harness of another version than ours was made for is told, not refused."""
    ours = {"factory": version("software-factory"), "python": platform.python_version()}
    name = context.run.harness
    harness = context.factory.harnesses[name]
    if harness.trusted:
        return ours
    found = version_in(context.factory, ref, name, place)
    pinned = pinned_version(context.factory.settings, harness.traits.package)
    if found is not None and pinned is not None and found != pinned:
        context.event("tool_version_drift", harness=name, expected=pinned, found=found)
    return ours if found is None else {**ours, name: found}
