"""What people approved of a change, as the rules look it up: an action, and the paths that it is about."""

from collections.abc import Sequence

from domain.changes import Approved, ChangeFacts
from policy.action_rules import ActionPolicy
from policy.actions import Content, Grant, paths_of


def approved(grants: Sequence[Grant], change: Content, policy: ActionPolicy) -> tuple[Approved, ...]:
    """Return the approvals of this change; one of an action that it does not amount to covers no path."""
    return tuple(
        Approved(action=one.action, actor=one.actor, at=one.at, paths=paths_of(one.action, change, policy))
        for one in grants
    )


def who_approved(facts: ChangeFacts, path: str, *actions: str) -> str | None:
    """Return who approved what the factory does to a path; None when nobody did. Of `actions`, when any is named."""
    if not facts.ours:
        return None
    fitting = [one for one in facts.approved if path in one.paths and (not actions or one.action in actions)]
    return min((one.actor for one in fitting), default=None)
