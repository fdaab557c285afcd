"""Who takes a ticket now: gathers what the router is to know of the harnesses and of the ticket, and asks it."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from functools import cached_property
from typing import Final

from domain.assignments import Assignment
from domain.candidates import Breaker, Candidate, CostClass, TaskHistory
from domain.engines import AGENTIC_CODER, COMMAND, ENGINE_CLASSES
from domain.errors import CapacityRefused, HarnessUnavailable, NotReady
from domain.execution import Run
from domain.lifecycle import RunState
from domain.outcomes import RunOutcome
from domain.routing import Route
from domain.tickets import Ticket
from policy.breakers import OF_HARNESS, BreakerRule, BreakerState, breaker
from policy.routing import needs_of, route
from policy.work_order import profile_of, work_order
from resources.harnesses import HarnessState, harness_states
from resources.looking import Looks

LEARNT_FROM: Final = timedelta(days=30)
RECENT: Final = timedelta(hours=6)
EVERYTHING: Final = "*"
RESET: Final = "breaker_reset "  #: beat of a breaker's last reset, before its scope


class Router:
    """One look at the harnesses; grants made since are told to it with `took`."""

    def __init__(self, factory: Looks) -> None:
        self.factory = factory
        self._taken: Counter[str] = Counter()
        self._now = factory.now()
        self._states = harness_states(factory)
        self._seen: dict[str, BreakerState] = {}
        self._offered: list[Candidate] = []

    def assign(self, ticket: Ticket) -> Assignment:
        """Choose who does a ticket's work.

        Raises:
            CapacityRefused: nobody can now, which passes. HarnessUnavailable: nobody can, which does not.
            NotReady: the breaker of its repository, or of everything, is open.
            InvalidInput: it names a profile that does not exist.
        """
        self._check_breakers(ticket)
        order = work_order(ticket.manifest, profile_of(ticket.manifest, self.factory.policy.profiles))
        found = self.explain(ticket)
        if found.chosen is None and found.waits:
            raise CapacityRefused(found.reason, limit="harness")
        if found.chosen is None:
            raise HarnessUnavailable(found.reason)
        return Assignment(harness=found.chosen.name, order=order, route=found)

    def explain(self, ticket: Ticket, passed_over: Mapping[str, str] | None = None) -> Route:
        """Return the router's answer with its reasons; `passed_over` names candidates that are out besides."""
        return self.route_after(
            ticket, self.factory.lookup.runs(ticket_id=ticket.id) if ticket.attempts else [], passed_over
        )

    def route_after(
        self, ticket: Ticket, runs: Sequence[Run | RunOutcome], passed_over: Mapping[str, str] | None = None
    ) -> Route:
        """Answer as explain does, for who knows the ticket's runs already."""
        order = work_order(ticket.manifest, profile_of(ticket.manifest, self.factory.policy.profiles))
        needs = needs_of(
            ticket,
            order,
            spent_usd=sum(run.usage.cost_usd for run in runs),
            passed_over={**self._resting_reasons(runs), **(passed_over or {})},
        )
        return route(needs, self.candidates(), self.factory.policy.routing)

    def resting(self, ticket: Ticket) -> dict[str, datetime]:
        """Return which harnesses could not serve this ticket and when they may be asked again."""
        runs = self.factory.lookup.runs(ticket_id=ticket.id)
        return {run.harness: until for run in runs if (until := run.harness_until) and until > self._now}

    def opened(self) -> list[tuple[str, BreakerState]]:
        """Return every open breaker, by scope."""
        repositories = sorted({one.repository for one in self.outcomes})
        states = [(scope_of("harness", name), state) for name, state in self._breakers.items()]
        states += [(scope_of("repository", name), self.breaker_of("repository", name)) for name in repositories]
        states.append((scope_of("everything", EVERYTHING), self.breaker_of("everything")))
        return [(scope, state) for scope, state in states if state.state is Breaker.OPEN]

    def took(self, harness: str) -> None:
        self._taken[harness] += 1
        self._offered = []

    def candidates(self) -> list[Candidate]:
        if not self._offered:
            self._offered = [self._candidate(state) for state in self._states]
        return self._offered

    def breaker_of(self, kind: str, name: str = EVERYTHING) -> BreakerState:
        """Return the breaker of a `harness`, a `repository`, or of `everything`."""
        scope = scope_of(kind, name)
        if scope not in self._seen:
            self._seen[scope] = self._read_breaker(kind, name)
        return self._seen[scope]

    def blocker_of(self, repository: str) -> tuple[str, BreakerState] | None:
        """Return the scope and state of the breaker, if any, that keeps a repository's tickets from everybody now."""
        for kind, name in (("everything", EVERYTHING), ("repository", repository)):
            state = self.breaker_of(kind, name)
            if state.state is Breaker.OPEN or (state.state is Breaker.HALF_OPEN and self._is_busy(name)):
                return scope_of(kind, name), state
        return None

    @cached_property
    def outcomes(self) -> list[RunOutcome]:
        """Return the latest runs, the newest first."""
        found = self.factory.oversight.outcomes(since=self._now - LEARNT_FROM)
        return [one for one in found if one.started_at <= self._now]

    def _read_breaker(self, kind: str, name: str) -> BreakerState:
        policy = self.factory.policy.breakers
        rule: BreakerRule = getattr(policy, kind)
        mine = [one for one in self.outcomes if kind == "everything" or getattr(one, kind) == name]
        reset_at = self.factory.oversight.last_beat(f"{RESET}{scope_of(kind, name)}")
        causes = OF_HARNESS if kind == "harness" else None
        return breaker(mine, rule, policy, now=self._now, reset_at=reset_at, causes=causes)

    @cached_property
    def _breakers(self) -> dict[str, BreakerState]:
        return {state.name: self.breaker_of("harness", state.name) for state in self._states}

    def _candidate(self, state: HarnessState) -> Candidate:
        ran = [one for one in self.outcomes if one.harness == state.name]
        return Candidate(
            name=state.name,
            engine_class=ENGINE_CLASSES.get(state.name, AGENTIC_CODER),
            enabled=state.enabled,
            healthy=state.healthy,
            health_reason=state.reason or "",
            breaker=self._breakers[state.name].state,
            running=state.running + self._taken[state.name],
            limit=state.limit,
            cost_class=CostClass.FREE if state.name == COMMAND else CostClass.MEDIUM,
            history=history_of(ran),
            recent=sum(self._now - one.started_at < RECENT for one in ran) + self._taken[state.name],
        )

    def _resting_reasons(self, runs: Sequence[Run | RunOutcome]) -> dict[str, str]:
        return {
            run.harness: f"it failed this ticket ({run.reason_code}) and rests until {run.harness_until:%H:%M:%S}"
            for run in runs
            if run.harness_until and run.harness_until > self._now
        }

    def _check_breakers(self, ticket: Ticket) -> None:
        blocker = self.blocker_of(ticket.manifest.repository)
        if blocker is not None:
            scope, state = blocker
            until = f" until {state.until:%H:%M:%S}" if state.until and state.state is Breaker.OPEN else ""
            told = f"the circuit breaker of {scope} is {state.state}{until}: {state.reason}"
            raise NotReady(told, breaker=scope)

    def _is_busy(self, repository: str) -> bool:
        leased = (self.factory.lookup.ticket(lease.ticket_id) for lease in self.factory.oversight.live_leases())
        return any(repository in (EVERYTHING, ticket.manifest.repository) for ticket in leased)


def scope_of(kind: str, name: str) -> str:
    return kind if kind == "everything" else f"{kind}:{name}"


def history_of(outcomes: Sequence[RunOutcome]) -> tuple[TaskHistory, ...]:
    """Sum up the ended runs of one harness by kind of work; those nobody could do anything about are left out."""
    by_kind: dict[str, list[RunOutcome]] = defaultdict(list)
    for one in outcomes:
        if one.ended_at is not None and one.state is not RunState.CANCELED and one.harness_until is None:
            by_kind[one.profile or ""].append(one)
    return tuple(
        TaskHistory(
            kind=kind,
            attempts=len(rows),
            successes=sum(one.state is RunState.SUCCEEDED for one in rows),
            cost_usd=sum(one.usage.cost_usd for one in rows),
        )
        for kind, rows in sorted(by_kind.items())
    )
