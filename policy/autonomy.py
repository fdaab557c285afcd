"""How far the factory may go alone with one judged change."""

from collections.abc import Sequence
from typing import Final

from domain.governance import Clearance, Decision, Verdict
from domain.model import Value
from domain.tickets import Manifest, Risk, Tier
from policy.rules_model import ApprovalPolicy, Match
from policy.scopes import matches_any

BLOCKING: Final = frozenset({Verdict.FAIL, Verdict.ERROR})


class Change(Value):
    """What the approval rules look at; the manifest is the run's, whose engine is the harness that did the work."""

    tier: Tier
    risk: Risk
    verdict: Verdict
    manifest: Manifest
    paths: tuple[str, ...]


def effective_tier(repository: Tier, ticket: Tier | None, stage: Tier = Tier.AUTONOMOUS) -> Tier:
    """A ticket may only lower the repository's tier, and so may the stage of the factory as a whole."""
    return min(repository, ticket or repository, stage, key=lambda tier: tier.rank)


def effective_risk(base: Risk, paths: Sequence[str], policy: ApprovalPolicy) -> Risk:
    """Raise the risk by what the change touches; never lower it."""
    raised = [rule.risk for rule in policy.raise_risk if any(matches_any(path, rule.paths) for path in paths)]
    return max([base, *raised], key=lambda risk: risk.rank)


def decide(change: Change, policy: ApprovalPolicy) -> Decision:
    """Return what may happen next: the first matching rule's word; without one, a person's.

    A failed mandatory gate is refused whatever the rules say.
    """
    if change.verdict in BLOCKING:
        return Decision(clearance=Clearance.REFUSED, rule="gates", reason="a mandatory gate failed")
    reviewers = change.manifest.review_policy
    names = tuple(reviewers["reviewers"]) if isinstance(reviewers, dict) else ()
    for rule in policy.rules:
        if _matches(rule.when, change):
            return Decision(clearance=rule.decision, rule=rule.rule, reason=rule.reason, reviewers=names)
    return Decision(
        clearance=Clearance.NEEDS_APPROVAL, rule="no-rule-matched", reason="no rule allows it", reviewers=names
    )


def _matches(when: Match, change: Change) -> bool:
    review = change.manifest.review_policy
    wanted: tuple[tuple[Sequence[str], str], ...] = (
        (when.tier, change.tier),
        (when.risk, change.risk),
        (when.verdict, change.verdict),
        (when.review_policy, "reviewers" if isinstance(review, dict) else review),
        (when.repository, change.manifest.repository),
        (when.harness, change.manifest.engine),
    )
    simple = all(not allowed or value in allowed for allowed, value in wanted)
    return simple and (not when.paths or any(matches_any(path, when.paths) for path in change.paths))
