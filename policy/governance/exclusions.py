"""Which exclusions made a difference, told with their reason and their last day."""

from datetime import date

from domain.changes import ChangeFacts
from policy.governance.model import Exclusion, GovernancePolicy
from policy.governance.shape import Rule
from policy.governance.visible import one_line


def told_exclusions(name: str, rule: Rule, facts: ChangeFacts, policy: GovernancePolicy) -> tuple[str, ...]:
    """Return a line for each exclusion that lets something of this change through, and for each that no longer does.

    Each is tried alone against none at all, so that two which cover the same finding are both told.
    """
    own = [one for one in policy.exclusions if one.rule == name]
    if not own:
        return ()
    strict = rule(facts, policy.model_copy(update={"exclusions": ()}))
    told = sorted(own, key=lambda one: (one.expires, one.model_dump_json()))
    return tuple(
        _line(one, facts.now.date())
        for one in told
        if rule(facts, policy.model_copy(update={"exclusions": (_in_force(one),)})) != strict
    )


def _in_force(one: Exclusion) -> Exclusion:
    return one.model_copy(update={"expires": date.max})


def _line(one: Exclusion, today: date) -> str:
    what = one.finding or "everything"
    where = f" in {', '.join(one.paths)}" if one.paths else ""
    if today > one.expires:
        return one_line(f"expired on {one.expires}, no longer lets through {what}{where}: {one.reason}")
    return one_line(f"until {one.expires} lets through {what}{where}: {one.reason}")
