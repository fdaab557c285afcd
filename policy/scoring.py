"""How well a candidate that may do the work would do it: seven terms from 0 to 1, weighed by policy and added up."""

from collections.abc import Iterable
from typing import Annotated, Final

from pydantic import AfterValidator, Field

from domain.candidates import Breaker, Candidate, CostClass, Dollars, TaskHistory
from domain.capabilities import is_met
from domain.engines import ENGINE_CLASSES, Engine
from domain.model import Value
from domain.routing import JobNeeds, Scored, Term

DIGITS: Final = 6  #: of points and totals, so that equal work is equal to the last digit
UNKNOWN: Final = 0.5  #: of what nobody knows: neither good nor bad
Weight = Annotated[float, Field(ge=0, le=100, allow_inf_nan=False)]


class Weights(Value):
    capability_fit: Weight  #: it offers what is asked and little else, and knows the language
    affinity: Weight  #: the wishes of ticket and profile, the first most, and a warm checkout
    load: Weight  #: it has little to do
    cost_fit: Weight  #: the change will leave much of the budget
    health: Weight  #: it was seen to work
    starvation: Weight  #: a penalty: its share of the latest assignments
    history: Weight  #: its changes of this class were accepted


def _every_class(costs: dict[CostClass, float]) -> dict[CostClass, float]:
    missing = [one for one in CostClass if one not in costs]
    if missing:
        raise ValueError(f"lacks {', '.join(missing)}")
    return costs


def _like_for_like(fallback: dict[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
    for name, others in fallback.items():
        if name in others or len(set(others)) < len(others):
            raise ValueError(f"{name}: names itself or another twice")
        strange = [one for one in others if ENGINE_CLASSES.get(one) != ENGINE_CLASSES.get(name)]
        if strange:
            raise ValueError(f"{name}: {', '.join(strange)} is of another engine class")
    return fallback


Heirs = Annotated[dict[Engine, tuple[Engine, ...]], AfterValidator(_like_for_like)]


class RoutingPolicy(Value):
    """Weights of the score, what a change costs, and who takes over from whom."""

    weights: Weights  #: of the terms, below
    cost_usd: Annotated[dict[CostClass, Dollars], AfterValidator(_every_class)]  #: of a change, until history tells
    usual_budget_usd: Annotated[float, Field(gt=0, allow_inf_nan=False)]  #: measure of costs when a ticket names none
    prior_attempts: Annotated[int, Field(ge=1, le=1000)]  #: everybody starts with these, half of them accepted
    fallback: Heirs = {}  #: who takes over from a named engine, in this order


def record_of(needs: JobNeeds, candidate: Candidate) -> TaskHistory:
    """Return what is known of the candidate on the nearest class of task: same kind and language, else same kind,
    else everything."""
    same_kind = [one for one in candidate.history if one.kind == needs.kind]
    same = [one for one in same_kind if one.language == needs.language]
    rows = same or same_kind or candidate.history
    return TaskHistory(
        attempts=sum(one.attempts for one in rows),
        successes=sum(one.successes for one in rows),
        cost_usd=sum(one.cost_usd for one in rows),
    )


def expected_cost(needs: JobNeeds, candidate: Candidate, policy: RoutingPolicy) -> float:
    """Return dollars per accepted change: what it was so far, else what its cost class says."""
    known = record_of(needs, candidate)
    if known.successes and known.cost_usd:
        return known.cost_usd / known.successes
    return policy.cost_usd[candidate.cost_class]


def matched(needs: JobNeeds, candidate: Candidate) -> tuple[str, ...]:
    return tuple(one for one in needs.capabilities if is_met(one, candidate.offers))


def score(needs: JobNeeds, candidate: Candidate, policy: RoutingPolicy, recent_of_all: int) -> Scored:
    """Score one candidate; `recent_of_all` counts the latest assignments of all candidates."""
    values = {
        "capability_fit": _capability_fit(needs, candidate),
        "affinity": _affinity(needs, candidate),
        "load": (1 / (1 + candidate.running), f"{candidate.running} of {candidate.limit} running"),
        "cost_fit": _cost_fit(needs, candidate, policy),
        "health": _health(candidate),
        "starvation": _starvation(candidate, recent_of_all),
        "history": _history(needs, candidate, policy),
    }
    terms = tuple(_term(name, *told, policy.weights) for name, told in values.items())
    return Scored(
        candidate=candidate.id,
        name=candidate.name,
        matched=matched(needs, candidate),
        terms=terms,
        total=round(sum(term.points for term in terms), DIGITS),
    )


def _term(name: str, value: float, why: str, weights: Weights) -> Term:
    weight: float = getattr(weights, name)
    sign = -1 if name == "starvation" else 1
    points = round(sign * weight * value, DIGITS)
    return Term(name=name, value=round(value, DIGITS), weight=weight, points=points, why=why)


def _capability_fit(needs: JobNeeds, candidate: Candidate) -> tuple[float, str]:
    """Who offers more than is asked is better kept for work that asks for it."""
    used = sum(any(is_met(one, (offer,)) for one in needs.capabilities) for offer in candidate.capabilities)
    tightness = (1 + used) / (1 + len(candidate.capabilities))
    language = UNKNOWN
    if needs.language and candidate.languages:
        language = float(needs.language.lower() in {one.lower() for one in candidate.languages})
    told = f"{used} of {len(candidate.capabilities)} capabilities used"
    if needs.language:
        told += {0.0: f", not known for {needs.language}", 1.0: f", good at {needs.language}"}.get(language, "")
    return (tightness + language) / 2, told


def _affinity(needs: JobNeeds, candidate: Candidate) -> tuple[float, str]:
    """Each wish counts twice the next one."""
    worth = [2.0**-place for place in range(len(needs.prefers))]
    met = [is_met(wish, candidate.offers) for wish in needs.prefers]
    wishes = sum(one for one, is_so in zip(worth, met, strict=True) if is_so) / sum(worth) if worth else 0.0
    warm = needs.repository in candidate.warm
    told = [wish for wish, is_so in zip(needs.prefers, met, strict=True) if is_so]
    told += [f"a warm checkout of {needs.repository}"] if warm else []
    return (wishes + warm) / 2, ", ".join(told) or "no wish met, no warm checkout"


def _cost_fit(needs: JobNeeds, candidate: Candidate, policy: RoutingPolicy) -> tuple[float, str]:
    expected = expected_cost(needs, candidate, policy)
    budget = policy.usual_budget_usd if needs.budget_left_usd is None else needs.budget_left_usd
    value = 1 - expected / budget if budget > 0 else 0.0
    return max(0.0, value), f"{expected:.2f} of {budget:.2f} USD expected"


def _health(candidate: Candidate) -> tuple[float, str]:
    value = UNKNOWN if candidate.healthy is None else float(candidate.healthy)
    told = "never probed" if candidate.healthy is None else candidate.health_reason or "healthy"
    if candidate.breaker is Breaker.HALF_OPEN:
        return value / 2, f"{told}, on trial after failures"
    return value, told


def _starvation(candidate: Candidate, recent_of_all: int) -> tuple[float, str]:
    share = candidate.recent / recent_of_all if recent_of_all else 0.0
    return share, f"{candidate.recent} of the latest {recent_of_all} assignments"


def _history(needs: JobNeeds, candidate: Candidate, policy: RoutingPolicy) -> tuple[float, str]:
    known = record_of(needs, candidate)
    value = (known.successes + policy.prior_attempts / 2) / (known.attempts + policy.prior_attempts)
    return min(1.0, value), f"{known.successes} of {known.attempts} attempts accepted"


def recent_of(candidates: Iterable[Candidate]) -> int:
    return sum(one.recent for one in candidates)
