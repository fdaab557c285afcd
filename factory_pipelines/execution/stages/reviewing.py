"""Whom a pull request asks to review it, and whether it opens as a draft."""

from domain.errors import ForgeRefused
from domain.governance import PolicyReport, Validation
from factory_pipelines.execution.stages.context import RunContext
from policy.codeowners import LIMIT, PLACES, owners_of, read_codeowners
from policy.pull_requests import is_draft, reviewers_of


def opens_as_draft(context: RunContext, report: PolicyReport) -> bool:
    policy = context.factory.policy.pull_requests.draft
    return is_draft(policy, verdict=report.verdict, risk=context.run.risk or context.ticket.risk)


def reviewers_for(context: RunContext, facts: Validation) -> tuple[str, ...]:
    """Return whom the ticket names, then whom policy names, then who owns the changed paths on the base."""
    review = context.ticket.manifest.review_policy
    named = tuple(review["reviewers"]) if isinstance(review, dict) else ()
    policy = context.factory.policy.pull_requests.reviewers
    owners = _owners(context, facts) if policy.code_owners else ()
    return reviewers_of(policy, named, owners)


def _owners(context: RunContext, facts: Validation) -> tuple[str, ...]:
    """Read CODEOWNERS of the base, never of the change; one that is too large counts as none, as GitHub has it."""
    paths = [path for file in facts.files for path in (file.path, file.old_path) if path]
    for place in PLACES:
        try:
            text = context.forge.read_file(context.repository, facts.base_sha, place, limit=LIMIT)
        except ForgeRefused:
            return ()
        if text is not None:
            return owners_of(read_codeowners(text), paths)
    return ()
