"""Which sandbox a harness gets: trusted commands may run in a plain process, agents never."""

from adapters.sandbox.contract import Sandbox
from domain.errors import IsolationRequired, SandboxFailed
from domain.sandbox import Isolation
from resources.wiring import Factory


def choose_sandbox(factory: Factory, *, trusted: bool, wanted: str = "auto") -> Sandbox:
    """Return the sandbox for a harness.

    Args:
        factory: Where the sandboxes and the global setting are.
        trusted: The harness runs nothing but what an operator wrote.
        wanted: The repository's setting; `auto` leaves it to the global one.

    Raises:
        IsolationRequired: an untrusted harness and no sandbox here that isolates.
        SandboxFailed: the one asked for does not exist.
    """
    name = wanted if wanted != "auto" else factory.settings.sandbox
    if name == "auto":
        name = "process" if trusted else "bubblewrap"
    sandbox = factory.sandboxes.get(name)
    if sandbox is None:
        raise SandboxFailed(f"there is no sandbox {name!r}; known are {', '.join(sorted(factory.sandboxes))}")
    if not trusted and sandbox.isolation is Isolation.NONE:
        raise IsolationRequired(f"sandbox {name!r} isolates nothing, and the harness is not trusted")
    if factory.settings.environment == "production" and sandbox.isolation is Isolation.NONE:
        raise IsolationRequired(f"sandbox {name!r} is for local use only")
    return sandbox
