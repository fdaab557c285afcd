"""What the factory may do by itself, what takes a person and how, and what is denied until a person's recorded word."""

from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase
from typing import Final

from domain.changes import Dependency, WorkflowChange
from domain.governance import Approval, Clearance, Decision, FileChange
from domain.model import Instant, Name, Value
from domain.tickets import Tier
from policy.action_rules import SHARED_EDIT, ActionPolicy, Leave, Mechanism
from policy.governance.workflow_files import is_workflow

ACTION: Final = "action:"  #: how the rule of a decision begins that holds an action back
ASKED: Final = "a person has to approve: "


class Grant(Value):
    """A person's recorded yes to one action of one subject (a run, say)."""

    action: Name
    subject: Name
    actor: str
    reason: str
    at: Instant
    used: bool = False  #: it unlocks once


class Permission(Value):
    action: Name
    leave: Leave
    mechanism: Mechanism | None = None
    reason: str
    grant: Grant | None = None  #: that unlocked it, and is used up by it


class Content(Value):
    """What is known of a change; what was not gathered is None, and counts as the worst it can be."""

    files: tuple[FileChange, ...]
    dependencies: tuple[Dependency, ...] | None = None
    unreadable_manifests: tuple[str, ...] = ()
    workflows: tuple[WorkflowChange, ...] = ()
    shared: tuple[str, ...] = ()  #: shell patterns of packages that others build on


def actions_of(change: Content, policy: ActionPolicy) -> tuple[str, ...]:
    """Return the actions a change amounts to, by the paths it touches and by what was gathered of it."""
    touched = {path.casefold() for path in _touched(change)}
    by_paths = {name for name, rule in policy.actions.items() if _touches(touched, rule.paths)}
    return tuple(sorted(by_paths | set(_by_facts(change, by_paths))))


def paths_of(action: str, change: Content, policy: ActionPolicy) -> tuple[str, ...]:
    """Return the paths of a change that an action is about."""
    rule = policy.actions.get(action)
    patterns = (*(rule.paths if rule else ()), *(change.shared if action == SHARED_EDIT else ()))
    if action == "workflow_broadening":
        return tuple(sorted(file.path for file in change.files if is_workflow(file.path)))
    if action in ("dependency_add", "new_dependency"):
        return tuple(sorted({one.path for one in change.dependencies or ()}))
    return tuple(sorted(path for path in _touched(change) if _touches({path.casefold()}, patterns)))


def permit(action: str, subject: str, tier: Tier, policy: ActionPolicy, grants: Sequence[Grant] = ()) -> Permission:
    """Say whether the factory may do this now.

    Args:
        action: Its name; one that is unknown is denied.
        subject: What a grant must be about.
        tier: The repository's or ticket's, the lower one.
        policy: The table.
        grants: All recorded ones; a used one unlocks nothing, and none unlocks what only a person does.
    """
    rule = policy.actions.get(action)
    if rule is None:
        return Permission(action=action, leave=Leave.DENY, reason="no rule names this action")
    leave, mechanism = rule.leave, rule.mechanism
    if leave is Leave.ALLOW:
        if tier.rank >= rule.from_tier.rank:
            return Permission(action=action, leave=leave, reason=f"allowed in the {tier} tier")
        leave, mechanism = Leave.REQUIRE_APPROVAL, Mechanism.RECORDED_APPROVAL
    grant = next((one for one in grants if (one.action, one.subject, one.used) == (action, subject, False)), None)
    if grant is None or rule.person_only:
        return Permission(action=action, leave=leave, mechanism=mechanism, reason=_why(leave, mechanism))
    used = grant.model_copy(update={"used": True})
    return Permission(action=action, leave=Leave.ALLOW, reason=f"approved by {grant.actor}: {grant.reason}", grant=used)


def stop_for(permissions: Sequence[Permission]) -> Decision | None:
    """Return the decision that holds a change back; None when every permission allows."""
    held = [one for one in permissions if one.leave is not Leave.ALLOW]
    if not held:
        return None
    worst = max(held, key=lambda one: (one.leave is Leave.DENY, one.action))
    names = ", ".join(sorted(one.action for one in held))
    return Decision(clearance=Clearance.NEEDS_APPROVAL, rule=f"{ACTION}{worst.action}", reason=f"{ASKED}{names}")


def held_back(decision: Decision, held: Decision) -> Decision:
    """Return one question for both: what the tier asks, and which actions need a yes. A refusal stays one."""
    if decision.clearance is Clearance.REFUSED:
        return decision
    if decision.clearance is Clearance.OPEN:
        return held.model_copy(update={"reviewers": decision.reviewers})
    return held.model_copy(update={"reviewers": decision.reviewers, "reason": f"{decision.reason}; {held.reason}"})


def grants_of(approval: Approval, policy: ActionPolicy) -> tuple[Grant, ...]:
    """Return what a person's yes grants: the actions that its question named."""
    _before, asked, named = approval.request_reason.rpartition(ASKED)
    if not asked or not approval.rule.startswith(ACTION) or approval.actor is None or approval.decided_at is None:
        return ()
    said = {"subject": approval.run_id, "actor": approval.actor, "reason": approval.reason or ""}
    actions = [name for name in named.split(", ") if name in policy.actions]
    return tuple(Grant(action=name, at=approval.decided_at, **said) for name in actions)


def _why(leave: Leave, mechanism: Mechanism | None) -> str:
    way = mechanism.replace("_", " ") if mechanism else "a recorded approval"
    return f"denied until {way}" if leave is Leave.DENY else f"needs a person: {way}"


def _touched(change: Content) -> set[str]:
    return {path for file in change.files for path in (file.path, file.old_path) if path}


def _touches(touched: set[str], patterns: Sequence[str]) -> bool:
    return any(fnmatchcase(path, pattern.casefold()) for path in touched for pattern in patterns)


def _by_facts(change: Content, by_paths: set[str]) -> Iterator[str]:
    if _touches({path.casefold() for path in _touched(change)}, change.shared):
        yield SHARED_EDIT
    if _broadens_workflow(change):
        yield "workflow_broadening"
    if _adds_dependency(change, "dependency_change" in by_paths):
        yield "dependency_add"
        yield "new_dependency"


def _broadens_workflow(change: Content) -> bool:
    """Tell whether a workflow got more rights or triggers; one that nobody compared counts as if."""
    compared = {one.path for one in change.workflows}
    unknown = any(is_workflow(one.path) and one.status != "D" and one.path not in compared for one in change.files)
    return unknown or any(one.raised or one.broadened or one.unreadable for one in change.workflows)


def _adds_dependency(change: Content, manifests_touched: bool) -> bool:
    """Tell whether a package is new; not knowing what a touched manifest asks for counts as new."""
    if change.dependencies is None:
        return manifests_touched
    return bool(change.unreadable_manifests) or any(one.previous is None for one in change.dependencies)
