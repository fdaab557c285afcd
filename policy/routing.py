"""Which harness does a ticket's work: the hard filter, then the best score, then who takes over. Pure, and explained.

The answer depends on nothing but the values told: not on their order, a clock or chance.
"""

import hashlib
from collections.abc import Collection, Iterable, Mapping, Sequence

from domain.assignments import WorkOrder
from domain.candidates import Candidate
from domain.capabilities import parse_requirement
from domain.engines import AUTO, FLAGGED, GATED
from domain.routing import Fallback, JobNeeds, Refusal, RefusalCode, Route, Scored
from domain.tickets import Ticket
from policy.eligibility import HANDED_ON, PASSING, refusal
from policy.scoring import RoutingPolicy, recent_of, score

NO_REASONS: Mapping[str, str] = {}


def needs_of(  # what one attempt is known to need; the rest is on the ticket
    ticket: Ticket,
    order: WorkOrder,
    *,
    language: str = "",
    spent_usd: float = 0.0,
    lock_holder: str | None = None,
    passed_over: Mapping[str, str] = NO_REASONS,
) -> JobNeeds:
    """Return what a ticket demands of the one who does its work; `spent_usd` is what its attempts have cost so far."""
    manifest = ticket.manifest
    budget = manifest.budget.usd if manifest.budget else None
    return JobNeeds(
        id=ticket.id,
        repository=manifest.repository,
        priority=manifest.priority,
        created_at=ticket.created_at,
        engine=order.engine,
        engine_class=order.engine_class,
        has_commands=bool(manifest.commands),
        capabilities=order.capabilities,
        prefers=order.prefers,
        kind=manifest.profile or "",
        language=language,
        budget_left_usd=None if budget is None else budget - spent_usd,
        unmet_deps=ticket.blocked_on,
        lock_holder=lock_holder,
        passed_over=dict(passed_over),
    )


def route(needs: JobNeeds, candidates: Iterable[Candidate], policy: RoutingPolicy) -> Route:
    """Choose who does the work.

    A named engine is used if it can; else, when it is disabled, ill or out of budget, the first that can of those
    policy lets take over from it. Without a name the best score wins. Of disabled candidates nothing is told but why
    one that the ticket names or wishes for is none.

    Raises:
        ValueError: two candidates have the same name on the same machine.
    """
    held = _held(needs)
    if held is not None:
        return Route(ticket_id=needs.id, reason=held, waits=True)
    known = sorted(candidates, key=lambda one: one.id)
    by_id = {one.id: one for one in known if one.enabled}
    if len({one.id for one in known}) < len(known):
        raise ValueError("two candidates have the same name on the same machine")
    refused = {one.id: why for one in by_id.values() if (why := refusal(needs, one, policy)) is not None}
    recent = recent_of(by_id.values())
    able = [score(needs, one, policy, recent) for name, one in by_id.items() if name not in refused]
    able.sort(key=lambda one: _rank(needs, one, by_id[one.candidate]))
    if needs.engine == AUTO:
        return _answer(needs, able, refused, _missed_wish(needs, able, known, policy))
    return _named(needs, able, refused, why_not(needs, needs.engine, known, policy), policy)


def _held(needs: JobNeeds) -> str | None:
    if needs.unmet_deps:
        return f"waits for {', '.join(needs.unmet_deps)}"
    return f"waits for its lock, which {needs.lock_holder} holds" if needs.lock_holder else None


def _rank(needs: JobNeeds, scored: Scored, candidate: Candidate) -> tuple[float, int, str]:
    """Equal scores go to the lower cost class, then by a draw that the ticket's id seeds."""
    draw = hashlib.sha256(f"{needs.id}:{scored.candidate}".encode()).hexdigest()
    return -scored.total, candidate.cost_class.rank, draw


def why_not(needs: JobNeeds, name: str, known: Iterable[Candidate], policy: RoutingPolicy) -> Refusal:
    """Return why nobody of this name can: of several reasons a full house, then one after which another takes over."""
    found = (refusal(needs, one, policy) for one in known if one.name == name)
    reasons = [one for one in found if one is not None]
    if not reasons:
        return _absent(name)
    return min(reasons, key=lambda one: (one.code is not RefusalCode.AT_CAPACITY, one.code not in HANDED_ON))


def _absent(name: str) -> Refusal:
    if name in FLAGGED:
        return Refusal(candidate=name, code=RefusalCode.DISABLED, reason=FLAGGED[name])
    code = RefusalCode.GATED if name in GATED else RefusalCode.UNKNOWN_ENGINE
    return Refusal(candidate=name, code=code, reason=GATED.get(name, f"no harness is called {name}"))


def _named(
    needs: JobNeeds, able: Sequence[Scored], refused: Mapping[str, Refusal], why: Refusal, policy: RoutingPolicy
) -> Route:
    """Answer a ticket that names its engine; `why` says why that one cannot, should it be unable."""
    own = [one for one in able if one.name == needs.engine]
    if own:
        return _answer(needs, own, _others(refused, able, {needs.engine}, needs.engine), None)
    heirs = policy.fallback.get(needs.engine, ()) if why.code in HANDED_ON else ()
    standing = [one for name in heirs for one in able if one.name == name]
    refused = _others({why.candidate: why, **refused}, able, set(heirs), needs.engine)
    if not standing:
        return _nobody(needs, refused, (needs.engine, *heirs))
    return _answer(needs, standing, refused, Fallback(preferred=needs.engine, reason=why.reason))


def _others(refused: Mapping[str, Refusal], able: Sequence[Scored], names: set[str], engine: str) -> dict[str, Refusal]:
    """Add the candidates that could, had the ticket not named another engine."""
    reason = f"the ticket names engine {engine}"
    strangers = [one for one in able if one.name not in names]
    told = {
        one.candidate: Refusal(candidate=one.candidate, code=RefusalCode.WRONG_ENGINE, reason=reason)
        for one in strangers
    }
    return {**refused, **told}


def _missed_wish(
    needs: JobNeeds, able: Sequence[Scored], known: Sequence[Candidate], policy: RoutingPolicy
) -> Fallback | None:
    """Return the engine wished for first, when there is one and it cannot now."""
    wishes = (parse_requirement(one) for one in needs.prefers)
    name = next((one.value for one in wishes if one.key == "engine" and one.value), None)
    if name is None or any(one.name == name for one in able):
        return None
    return Fallback(preferred=name, reason=why_not(needs, name, known, policy).reason)


def _answer(
    needs: JobNeeds, able: Sequence[Scored], refused: Mapping[str, Refusal], fallback: Fallback | None
) -> Route:
    reasons = tuple(refused[name] for name in sorted(refused))
    if not able:
        return _nobody(needs, refused, None)
    reason = f"{able[0].candidate}: " + ("the ticket names it" if able[0].name == needs.engine else "the best score")
    if fallback is not None:
        reason = f"{able[0].candidate} instead of {fallback.preferred}: {fallback.reason}"
    return Route(
        ticket_id=needs.id,
        chosen=able[0],
        alternatives=tuple(able[1:]),
        refused=reasons,
        fallback=fallback,
        reason=reason,
    )


def _nobody(needs: JobNeeds, refused: Mapping[str, Refusal], names: Collection[str] | None) -> Route:
    """Say why nobody can; `names` are the engines that were in question, None when all were."""
    reasons = tuple(refused[name] for name in sorted(refused))
    asked = [one for one in reasons if names is None or one.candidate.rpartition("/")[2] in names]
    told = "; ".join(f"{one.candidate}: {one.reason}" for one in asked)
    return Route(
        ticket_id=needs.id,
        refused=reasons,
        reason=f"nobody can: {told or 'no harness is enabled'}",
        waits=any(one.code in PASSING for one in asked),
    )


def in_order(jobs: Iterable[JobNeeds]) -> list[JobNeeds]:
    """Return jobs as they are served: by priority, then the oldest, then by id."""
    return sorted(jobs, key=lambda one: (one.priority.rank, one.created_at, one.id))


def next_assignment(jobs: Iterable[JobNeeds], candidates: Iterable[Candidate], policy: RoutingPolicy) -> Route | None:
    """Return the route of the first job in order that somebody can take now, None when there is none."""
    offered = tuple(candidates)
    routes = (route(job, offered, policy) for job in in_order(jobs))
    return next((one for one in routes if one.chosen is not None), None)
