"""claim: the lease was presented by the prologue; refuse what cannot be worked on before anything is made."""

from domain.errors import HarnessUnavailable, NotReady
from domain.execution import RunFacts, Step
from factory_pipelines.execution.stages.context import RunContext, StepResult
from policy.autonomy import effective_tier
from policy.images import select_image
from policy.readiness import missing_for
from resources.sandboxes import choose_sandbox


def claim(context: RunContext) -> StepResult:
    manifest = context.ticket.manifest
    missing = missing_for(manifest, context.repository.settings)
    if missing:
        raise NotReady(f"{context.ticket.id} lacks {', '.join(missing)}", missing=missing)
    harness = context.factory.harnesses.get(context.run.harness)
    if harness is None:
        raise HarnessUnavailable(f"there is no harness {context.run.harness!r}")
    repository = context.repository
    image = select_image(context.factory.policy.images, repository.name, ())
    sandbox = choose_sandbox(context.factory, trusted=harness.trusted, wanted=repository.settings.sandbox, image=image)
    stage = context.factory.policy.stages.stage
    tier = effective_tier(repository.settings.autonomy, manifest.autonomy, stage)
    context.record(RunFacts(risk=context.ticket.risk, tier=tier), Step.CLAIM)
    return StepResult(
        metadata={
            "ticket": context.ticket.id,
            "title": manifest.title,
            "run": context.run.id,
            "fence": context.lease.fence,
            "attempt": context.run.attempt,
            "harness": context.run.harness,
            "sandbox": sandbox.name,
            "tier": tier,
        }
    )
