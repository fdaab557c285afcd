"""The shape of `policy/rules/pull_requests.yaml`: how our pull requests open and whom they ask."""

from typing import Annotated

from pydantic import BeforeValidator, Field, NonNegativeInt, PositiveInt

from domain.governance import Verdict
from domain.handwriting import Duration, texts
from domain.model import Value
from domain.tickets import Risk
from policy.merging import MergePolicy

Names = Annotated[tuple[str, ...], BeforeValidator(texts)]


class DraftPolicy(Value):
    """A pull request opens as a draft when one of these is so; nothing told: never."""

    verdict: Annotated[tuple[Verdict, ...], BeforeValidator(texts)] = ()
    risk: Annotated[tuple[Risk, ...], BeforeValidator(texts)] = ()


class ReviewerPolicy(Value):
    code_owners: bool = True  #: ask the owners of changed paths, by CODEOWNERS of the base
    always: Names = ()  #: logins, or org/team, asked besides
    most: NonNegativeInt = 5  #: asked of a change; those that the ticket names come first


class ReworkPolicy(Value):
    """Follow-up runs on what people, checks and governance say of our open pull requests."""

    enabled: bool = True
    quiet: Duration  #: so long nobody said anything more
    longest: Duration  #: after the first word it begins at the latest
    most: PositiveInt  #: follow-ups of one pull request; then a person is asked
    remarks: Annotated[int, Field(ge=1, le=500)] = 40  #: shown to the agent, the newest
    characters: Annotated[int, Field(ge=1000, le=200_000)] = 20_000  #: of all of them together


class PullRequestPolicy(Value):
    merge: MergePolicy = MergePolicy()
    draft: DraftPolicy = DraftPolicy()
    reviewers: ReviewerPolicy = ReviewerPolicy()
    rework: ReworkPolicy


def is_draft(policy: DraftPolicy, *, verdict: Verdict, risk: Risk) -> bool:
    return verdict in policy.verdict or risk in policy.risk


def reviewers_of(policy: ReviewerPolicy, named: tuple[str, ...], owners: tuple[str, ...]) -> tuple[str, ...]:
    """Return whom to ask, at most `most`, each once whatever the case; whom the ticket names is always asked."""
    wanted = [*named, *policy.always, *(owners if policy.code_owners else ())]
    found = {one.lower(): one for one in reversed(wanted)}
    ordered = [found[key] for key in dict.fromkeys(one.lower() for one in wanted)]
    return tuple(ordered[: max(policy.most, len(named))])
