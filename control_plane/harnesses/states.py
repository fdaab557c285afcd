"""The harnesses of this factory: what is installed, enabled, at work, and what speaks against one."""

from collections.abc import Sequence
from typing import Any

from resources.harness_probing import look, probe
from resources.harnesses import HarnessState, harness_states
from resources.unowned import making
from resources.wiring import Factory

COLUMNS = ("name", "version", "enabled", "healthy", "running", "limit", "what to know")
KEYS = ("name", "installed", "version", "enabled", "healthy", "reason", "remedy", "running", "limit")


def looked_at(factory: Factory) -> list[HarnessState]:
    """Return every harness, starting in a sandbox each program whose version is not known yet."""
    with making(factory.settings):
        for name in factory.harnesses:
            look(factory, name)
    return harness_states(factory)


def probed(factory: Factory, name: str) -> HarnessState:
    """Start one harness's program with its door and ask its model's API; return what came of it.

    One that is disabled has no way to its API, and does not work.

    Raises:
        NotFound: no such harness.
    """
    with making(factory.settings):
        probe(factory, name)
    state = next(state for state in harness_states(factory) if state.name == name)
    return state if state.enabled else state.model_copy(update={"healthy": False})


def state_document(state: HarnessState) -> dict[str, Any]:
    return state.model_dump(mode="json", include=set(KEYS))


def state_rows(states: Sequence[HarnessState]) -> list[Sequence[object]]:
    return [
        (
            state.name,
            state.version or ("missing" if state.installed is False else "unknown"),
            "yes" if state.enabled else "no",
            "yes" if state.healthy else "NO",
            state.running,
            state.limit,
            " -> ".join(filter(None, (state.reason, state.remedy))),
        )
        for state in states
    ]


def probe_lines(state: HarnessState) -> list[str]:
    program = f"{state.name} {state.version or '(no version)'}"
    if state.healthy:
        return [f"{program} works"]
    return [f"{program} does not work: {state.reason}", f"  -> {state.remedy}"]
