"""What no ticket's own budget may exceed."""

from domain.budgets import Budget
from policy.rules_model import Ceilings


def over_ceilings(budget: Budget | None, ceilings: Ceilings) -> dict[str, str]:
    """Return the parts of a budget that are over policy's ceilings: key → words."""
    told = budget or Budget()
    found = {}
    if told.usd is not None and told.usd > ceilings.usd:
        found["usd"] = f"{told.usd:.2f} USD is more than the ceiling, {ceilings.usd:.2f} USD"
    if told.tokens is not None and told.tokens > ceilings.tokens:
        found["tokens"] = f"{told.tokens} tokens is more than the ceiling, {ceilings.tokens} tokens"
    if told.wall is not None and told.wall > ceilings.wall:
        found["wall"] = f"{told.wall} is more than the ceiling, {ceilings.wall}"
    return found
