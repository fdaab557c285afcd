"""Which sandbox a command gets, with which bounds, and how it goes."""

import time
from collections.abc import Callable, Iterable
from typing import NamedTuple

from adapters.sandbox.contract import Imaged, Sandbox
from domain.errors import ImageUnavailable, IsolationRequired, SandboxFailed
from domain.execution import SandboxRef
from domain.sandbox import Availability, Exit, Isolation, Output, OutputLine, SandboxSpec
from resources import unowned
from resources.settings import Settings
from resources.wiring import Factory

BEST_FIRST = ("docker", "bubblewrap")  #: what `auto` takes for anything
LAST = "process"  #: what `auto` takes for trusted commands when nothing that isolates works
KNOWN_SECONDS = {True: 600.0, False: 20.0}  #: how long a finding holds: what is missing may be installed any moment

_known: dict[tuple[str, str], tuple[float, Availability]] = {}


def availability(factory: Factory, name: str) -> Availability:
    """Return whether a sandbox works here, looking again only now and then."""
    key = (str(factory.settings.home), name)
    until, found = _known.get(key, (0.0, Availability(works=False, detail="")))
    if time.monotonic() >= until:
        with unowned.making(factory.settings):
            found = factory.sandboxes[name].available()
        _known[key] = (time.monotonic() + KNOWN_SECONDS[found.works], found)
    return found


def place_of(factory: Factory, sandbox: Sandbox, image: str | None = None) -> str:
    """Name whose programs commands see: a sandbox's own, or those of an image by its id."""
    return f"{sandbox.name} {image or availability(factory, sandbox.name).toolchain}"


def choose_sandbox(factory: Factory, *, trusted: bool, wanted: str = "auto", image: str | None = None) -> Sandbox:
    """Return the sandbox for a command.

    Args:
        factory: Where the sandboxes and the global setting are.
        trusted: It runs nothing but what an operator wrote.
        wanted: The repository's setting; `auto` leaves it to the global one, whose `auto` takes the strongest
            that works here.
        image: What it must be made of; only a sandbox that is made of images will do then.

    Raises:
        IsolationRequired: an untrusted command and no sandbox here that isolates; says why each does not work.
        ImageUnavailable: an image is demanded, and the sandbox is made of none.
        SandboxFailed: the one asked for does not exist.
    """
    name = wanted if wanted != "auto" else factory.settings.sandbox
    if name == "auto":
        name = _strongest(factory, trusted=trusted, image=image)
    sandbox = factory.sandboxes.get(name)
    if sandbox is None:
        raise SandboxFailed(f"there is no sandbox {name!r}; known are {', '.join(sorted(factory.sandboxes))}")
    if not trusted and sandbox.isolation is Isolation.NONE:
        raise IsolationRequired(f"sandbox {name!r} isolates nothing, and the harness is not trusted")
    if factory.settings.environment == "production" and sandbox.isolation is Isolation.NONE:
        raise IsolationRequired(f"sandbox {name!r} is for local use only")
    if image is not None and not isinstance(sandbox, Imaged):
        raise ImageUnavailable(f"policy names the image {image}, and the sandbox {name!r} is not made of images")
    return sandbox


def _strongest(factory: Factory, *, trusted: bool, image: str | None) -> str:
    there = [name for name in BEST_FIRST if name in factory.sandboxes]
    if image is not None:
        there = [name for name in there if isinstance(factory.sandboxes[name], Imaged)]
    works = next((name for name in there if availability(factory, name).works), None)
    if works is not None:
        return works
    reasons = [f"{name}: {one.detail} (fix: {one.remedy})" for name in there if (one := availability(factory, name))]
    if image is not None:
        raise ImageUnavailable(f"policy names the image {image}, and no sandbox works of it here. {'; '.join(reasons)}")
    if trusted:
        return LAST
    raise IsolationRequired(f"no sandbox here isolates an agent. {'; '.join(reasons)}")


def bounded(settings: Settings, spec: SandboxSpec) -> SandboxSpec:
    """Return the spec with the bounds of the settings, and the agent programs that are installed."""
    bounds = {
        "agents": str(settings.agents) if settings.agents.is_dir() else None,
        "memory_bytes": settings.memory_limit,
        "processes": settings.process_limit,
        "cpus": settings.cpus,
        "disk_bytes": settings.disk_limit,
        "disk_files": settings.file_limit,
    }
    return spec.model_copy(update=bounds)


def provision(factory: Factory, sandbox: Sandbox, spec: SandboxSpec) -> SandboxRef:
    """Make a sandbox with the bounds of the settings, and the room for its door when it isolates.

    One whose run has the sandbox's own name belongs to this process: it is swept when the process is gone.

    Raises:
        SandboxFailed, ImageUnavailable, PatchDoesNotApply, StorageFull: as the sandbox says; nothing is left behind.
    """
    bounds = bounded(factory.settings, spec)
    if spec.id == spec.run_id:
        unowned.hold(factory.settings, spec.id)
    try:
        if sandbox.isolation is not Isolation.NONE:
            bounds = bounds.model_copy(update={"door": factory.doors.prepare(spec.id)})
        return sandbox.provision(bounds)
    except BaseException:
        factory.doors.remove(spec.id)
        unowned.let_go(spec.id)
        raise


class Said(NamedTuple):
    end: Exit
    stdout: str
    stderr: str


def listen(outputs: Iterable[Output], observe: Callable[[Output], None] = lambda _: None) -> Said:
    """Return how a command ended and what it wrote, all of it: its output limit bounds it."""
    end = Exit(code=None, seconds=0)
    pieces: dict[str, list[str]] = {"stdout": [], "stderr": []}
    for output in outputs:
        observe(output)
        match output:
            case OutputLine(stream=stream, text=text, goes_on=goes_on):
                pieces[stream].append(text if goes_on else f"{text}\n")
            case Exit():
                end = output
            case _:
                pass
    return Said(end, "".join(pieces["stdout"]), "".join(pieces["stderr"]))


def remove(factory: Factory, ref: SandboxRef) -> None:
    """Remove a sandbox and its door; the door's log stays."""
    factory.sandboxes[ref.backend].teardown(ref)
    factory.doors.remove(ref.id)
    unowned.let_go(ref.id)
