"""submit: branch, commit, pull request, each idempotent by marker and fence, and read back."""

from domain.errors import ForgeUnavailable, NotFound
from domain.execution import ArtifactRef, PatchRef, RunFacts, Step
from domain.forge import ChangeRequest, Link, PullRequest, PullRequestRequest
from domain.governance import PolicyReport, Validation
from factory_pipelines.execution.stages import pull_request_text as text
from factory_pipelines.execution.stages.context import RunContext, StepResult
from factory_pipelines.execution.stages.reviewing import opens_as_draft, reviewers_for
from factory_pipelines.execution.stages.validate import load_validation


def submit(context: RunContext) -> StepResult:
    facts = load_validation(context)
    patch = context.run.patch
    if facts is None or patch is None:
        raise NotFound(f"{context.run.id} has no validated patch")
    report = context.report()
    branch = text.branch_name(context.ticket)
    head_sha = context.forge.publish(context.repository, _change(context, patch, branch))
    context.event("branch_pushed", branch=branch, head_sha=head_sha)
    outcome = context.run.outcome
    artifacts, _report = context.factory.lookup.evidence(context.run.id)
    extra = tuple(a.ref for a in artifacts if a.ref.name == "transcript.jsonl")
    links = _links(context, facts, patch, (outcome, *extra) if outcome else extra)
    opened = context.forge.open_pull_request(context.repository, _request(context, (facts, report, head_sha), links))
    _confirm(context, opened, head_sha)
    _remember(context, opened, report)
    return StepResult(metadata={"url": opened.url, "number": opened.number, "branch": branch, "head_sha": head_sha})


def _change(context: RunContext, patch: PatchRef, branch: str) -> ChangeRequest:
    return ChangeRequest(
        repository=context.repository.name,
        ticket_id=context.ticket.id,
        run_id=context.run.id,
        fence=context.lease.fence,
        branch=branch,
        base=context.base,
        patch=patch,
        patch_path=context.factory.artifacts.path(patch.artifact),
        message=text.commit_message(context.ticket, context.run),
        authored_at=context.run.created_at.replace(microsecond=0),
    )


def _links(context: RunContext, facts: Validation, patch: PatchRef, extra: tuple[ArtifactRef, ...]) -> tuple[Link, ...]:
    found: list[tuple[str, ArtifactRef | None]] = [
        ("patch", patch.artifact),
        ("facts of the validation", context.run.validation),
    ]
    found += [(text.check_label(c, number), c.log) for number, c in enumerate(facts.checks, 1)]
    found += [(f"harness {ref.name}", ref) for ref in extra]
    path = context.factory.artifacts.path
    return tuple(Link(label=label, artifact=ref, path=path(ref)) for label, ref in found if ref is not None)


def _request(
    context: RunContext, judged: tuple[Validation, PolicyReport, str], links: tuple[Link, ...]
) -> PullRequestRequest:
    facts, report, head_sha = judged
    return PullRequestRequest(
        repository=context.repository.name,
        ticket_id=context.ticket.id,
        run_id=context.run.id,
        fence=context.lease.fence,
        title=context.ticket.manifest.title,
        body=text.body(context.ticket, context.run, report, facts, links),
        branch=text.branch_name(context.ticket),
        base=context.base,
        base_sha=report.base_sha,
        head_sha=head_sha,
        links=links,
        draft=opens_as_draft(context, report),
        reviewers=reviewers_for(context, facts),
    )


def _confirm(context: RunContext, opened: PullRequest, head_sha: str) -> None:
    """Delivered is what the forge shows when asked again, not what the call answered."""
    seen = context.forge.find_pull_request(context.repository, context.ticket.id)
    if seen is None or (seen.number, seen.head_sha) != (opened.number, head_sha):
        raise ForgeUnavailable(f"pull request {opened.number} cannot be read back at {head_sha[:12]}")


def _remember(context: RunContext, opened: PullRequest, report: PolicyReport) -> None:
    now = context.factory.now()
    final = report.model_copy(update={"head_sha": opened.head_sha})
    context.factory.evidence.save_report(context.lease, final, now=now)
    context.factory.evidence.save_pull_request(context.lease, opened, now=now)
    context.event("pull_request_saved", number=opened.number, url=opened.url, head_sha=opened.head_sha)
    context.record(RunFacts(), Step.SUBMIT)
