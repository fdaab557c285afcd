"""Circuit breakers as an operator sees them, and how one is closed by hand."""

from collections.abc import Iterator
from typing import Any

from control_plane.runs.person import current_person
from domain.candidates import Breaker
from domain.errors import InvalidInput, NotFound
from domain.execution import EventDraft
from domain.lifecycle import Component
from policy.breakers import BreakerState
from resources.harnesses import harness_named
from resources.wiring import Factory
from sensors.routing import EVERYTHING, RESET, Router, scope_of

ALL = "everything"
KINDS = ("harness", "repository")
Scope = tuple[str, str]  #: kind and name


def scopes(factory: Factory) -> Iterator[Scope]:
    """Yield everything that has a breaker: the factory, each harness, each repository."""
    yield ALL, EVERYTHING
    yield from (("harness", name) for name in sorted(factory.harnesses))
    yield from (("repository", one.name) for one in factory.oversight.repositories())


def states(factory: Factory) -> dict[str, BreakerState]:
    """Return scope → state."""
    router = Router(factory)
    return {scope_of(*scope): router.breaker_of(*scope) for scope in scopes(factory)}


def closed_to(factory: Factory, repository: str) -> dict[str, BreakerState]:
    """Return the breakers, not closed, that keep a repository's tickets from everybody."""
    router = Router(factory)
    found = {scope_of(*scope): router.breaker_of(*scope) for scope in ((ALL, EVERYTHING), ("repository", repository))}
    return {scope: state for scope, state in found.items() if state.state is not Breaker.CLOSED}


def find_scope(factory: Factory, text: str) -> Scope:
    """Return the scope that `everything`, `harness:NAME` or `repository:NAME` names.

    Raises:
        InvalidInput: it is none of these. NotFound: nothing has that name.
    """
    kind, _, name = text.partition(":")
    if text == ALL:
        return ALL, EVERYTHING
    if kind not in KINDS or not name:
        raise InvalidInput(
            f"no scope {text[:100]!r}: give everything, harness:NAME or repository:NAME", scope=text[:100]
        )
    if kind == "harness":
        return kind, harness_named(factory, name).name
    return kind, factory.lookup.repository(name[:200]).name


def reset(factory: Factory, scope: Scope, *, reason: str) -> BreakerState:
    """Close a breaker: what ended before now no longer counts. Return what it is then.

    Raises:
        NotFound: it has no such name.
    """
    if scope not in set(scopes(factory)):
        raise NotFound(f"no circuit breaker {scope_of(*scope)}")
    now = factory.now()
    payload = {"scope": scope_of(*scope), "reason": reason}
    told = EventDraft(name="breaker_reset", payload=payload, actor=current_person(), component=Component.PERSON)
    factory.oversight.beat(f"{RESET}{scope_of(*scope)}", now=now, told=told)
    return Router(factory).breaker_of(*scope)


def breaker_document(scope: str, state: BreakerState) -> dict[str, Any]:
    return {"scope": scope, **state.model_dump(mode="json")}
