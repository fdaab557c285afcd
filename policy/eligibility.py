"""Who may not do the work at all, and why: the first reason that holds, what no waiting can change before the rest."""

from collections.abc import Callable
from typing import Final

from domain.candidates import Breaker, Candidate
from domain.capabilities import unmet
from domain.engines import AUTO, FLAGGED, GATED, SCRIPT
from domain.routing import JobNeeds, Refusal, RefusalCode
from policy.scoring import RoutingPolicy, expected_cost

#: refusals after which another engine may take over from the one that was named
HANDED_ON: Final = frozenset(
    {
        RefusalCode.DISABLED,
        RefusalCode.PASSED_OVER,
        RefusalCode.UNHEALTHY,
        RefusalCode.BREAKER_OPEN,
        RefusalCode.OVER_BUDGET,
    }
)
#: refusals that pass by themselves
PASSING: Final = frozenset(
    {RefusalCode.PASSED_OVER, RefusalCode.UNHEALTHY, RefusalCode.BREAKER_OPEN, RefusalCode.AT_CAPACITY}
)

Check = Callable[[JobNeeds, Candidate, RoutingPolicy], str | None]


def _gated(_needs: JobNeeds, one: Candidate, _policy: RoutingPolicy) -> str | None:
    return None if one.enabled else GATED.get(one.name)


def _disabled(_needs: JobNeeds, one: Candidate, _policy: RoutingPolicy) -> str | None:
    return None if one.enabled else "it is not enabled"


def _wrong_class(needs: JobNeeds, one: Candidate, _policy: RoutingPolicy) -> str | None:
    wanted = needs.engine_class
    if needs.engine != AUTO or wanted is None or wanted == one.engine_class:
        return None
    return f"its class is {one.engine_class}, not {wanted}"


def _nothing_to_run(needs: JobNeeds, one: Candidate, _policy: RoutingPolicy) -> str | None:
    runs = one.engine_class != SCRIPT or needs.has_commands
    return None if runs else "it only runs a ticket's own commands, and this ticket has none"


def _lacks_capability(needs: JobNeeds, one: Candidate, _policy: RoutingPolicy) -> str | None:
    missing = unmet(needs.capabilities, one.offers)
    return f"it lacks {', '.join(missing)}" if missing else None


def _passed_over(needs: JobNeeds, one: Candidate, _policy: RoutingPolicy) -> str | None:
    return needs.passed_over.get(one.id)


def _unhealthy(_needs: JobNeeds, one: Candidate, _policy: RoutingPolicy) -> str | None:
    return None if one.healthy is not False else f"it is unhealthy: {one.health_reason or 'no reason known'}"


def _breaker_open(_needs: JobNeeds, one: Candidate, _policy: RoutingPolicy) -> str | None:
    if one.breaker is Breaker.OPEN:
        return "its circuit breaker is open"
    if one.breaker is Breaker.HALF_OPEN and one.running:
        return "its circuit breaker is half open, and another ticket is trying it out"
    return None


def _over_budget(needs: JobNeeds, one: Candidate, policy: RoutingPolicy) -> str | None:
    left = {"the ticket": needs.budget_left_usd, "its own budget": one.budget_left_usd}
    expected = expected_cost(needs, one, policy)
    for whose, usd in left.items():
        if usd is not None and expected > usd:
            return f"a change is expected to cost {expected:.2f} USD, and {whose} has {usd:.2f} left"
    return None


def _at_capacity(_needs: JobNeeds, one: Candidate, _policy: RoutingPolicy) -> str | None:
    return None if one.running < one.limit else f"{one.running} of {one.limit} are running"


CHECKS: Final[tuple[tuple[RefusalCode, Check], ...]] = (
    (RefusalCode.GATED, _gated),
    (RefusalCode.DISABLED, _disabled),
    (RefusalCode.WRONG_CLASS, _wrong_class),
    (RefusalCode.NOTHING_TO_RUN, _nothing_to_run),
    (RefusalCode.LACKS_CAPABILITY, _lacks_capability),
    (RefusalCode.PASSED_OVER, _passed_over),
    (RefusalCode.UNHEALTHY, _unhealthy),
    (RefusalCode.BREAKER_OPEN, _breaker_open),
    (RefusalCode.OVER_BUDGET, _over_budget),
    (RefusalCode.AT_CAPACITY, _at_capacity),
)


def refusal(needs: JobNeeds, candidate: Candidate, policy: RoutingPolicy) -> Refusal | None:
    """Return why the candidate may not do the work, None when it may."""
    for code, check in CHECKS:
        reason = check(needs, candidate, policy)
        if reason is not None:
            return Refusal(candidate=candidate.id, code=code, reason=reason)
    return None


def engine_refusal(name: str, known: frozenset[str], enabled: frozenset[str]) -> str | None:
    """Return why a ticket may not name this engine here, None when it may: for admission, before anything is routed."""
    if name == AUTO or name in known & enabled:
        return None
    if name in GATED or name in FLAGGED:
        return GATED.get(name) or FLAGGED[name]
    if name in known:
        return f"engine {name} is not enabled here"
    return f"no engine {name!r}; known are {', '.join(sorted(known | {AUTO}))}"
