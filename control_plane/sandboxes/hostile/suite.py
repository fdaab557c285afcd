"""Run the hostile behaviours against a sandbox, each in one of its own, and judge them from outside."""

import time
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path

from adapters.egress.contract import Doors
from adapters.sandbox.contract import Sandbox
from control_plane.sandboxes.hostile.accepted import reason_for
from control_plane.sandboxes.hostile.catalogue import CATALOGUE
from control_plane.sandboxes.hostile.judging import verdict
from control_plane.sandboxes.hostile.observing import More, Watch
from control_plane.sandboxes.hostile.planting import PREFIX, Plants, planted
from control_plane.sandboxes.hostile.playing import Stage, fresh_name, opened, specification
from control_plane.sandboxes.hostile.shapes import Behaviour, Finding, Observed
from domain.confinement import SandboxFailed
from domain.execution import SandboxRef
from domain.harness import Command
from domain.sandbox import OutputLine

EVIDENCE_LIMIT = 600
NEIGHBOUR = f"""for folder in . "$HOME" "$TMPDIR" "$FACTORY_OUT"
do echo "$HOSTILE_CANARY" > "$folder/{PREFIX}neighbour"; done
echo up; exec sleep 3600
"""
PREPARE = """mkdir "$FACTORY_ENVIRONMENT/bin"; cd "$FACTORY_ENVIRONMENT/bin"
printf '#!/bin/sh\\necho tool\\n' > tool; chmod 755 tool
"""
NEIGHBOUR_READS = f"""for folder in . "$HOME" "$TMPDIR" "$FACTORY_OUT"; do cat "$folder/{PREFIX}neighbour"; done"""


def run_suite(
    sandbox: Sandbox,
    backend: str,
    *,
    doors: Doors | None = None,
    only: Collection[str] | None = None,
    progress: Callable[[Finding], object] = lambda _: None,
    home: Path | None = None,
) -> list[Finding]:
    """Return a finding for each behaviour of `only`, or of the whole catalogue.

    Without `doors`, behaviours about the network's door are not tried, which counts as not contained. `home` is the
    factory's own, in which secrets are planted too.

    Raises:
        KeyError: `only` names a behaviour that is not there.
        SandboxFailed: the sandbox cannot be used at all, or a neighbour came to harm.
    """
    chosen = select(only)
    findings = []
    with set_stage(sandbox, doors=doors, home=home) as stage:
        for behaviour in chosen:
            findings.append(find(stage, behaviour, backend))
            progress(findings[-1])
    return findings


def select(only: Collection[str] | None) -> tuple[Behaviour, ...]:
    """Raises KeyError for a name that the catalogue does not have."""
    named = {one.name: one for one in CATALOGUE}
    return CATALOGUE if only is None else tuple(named[name] for name in only)


def find(stage: Stage, behaviour: Behaviour, backend: str) -> Finding:
    """Play one behaviour and judge it."""
    began = time.monotonic()
    seen = stage.observe(behaviour)
    why = verdict(behaviour, seen)
    return Finding(
        name=behaviour.name,
        backend=backend,
        contained=why is None,
        accepted_reason=reason_for(behaviour.name, backend) if why else None,
        tries=behaviour.tries,
        evidence=_shown(why or _refusals(seen)),
        seconds=round(time.monotonic() - began, 2),
    )


def _refusals(seen: Observed) -> str:
    """Return what the program met, or how it was ended."""
    if seen.evidence is not None and seen.evidence.tried:
        return "; ".join(f"{what}: {how}" for what, how in seen.evidence.tried.items())
    if seen.order_seconds is not None:
        return f"dead {seen.order_seconds:.2f} seconds after the order"
    return "killed by its limit" if seen.ended is None or not seen.ended.timed_out else "ended by its wall clock"


def _shown(text: str) -> str:
    """Escape what may come from a hostile program."""
    return text.encode("unicode_escape").decode("ascii")[:EVIDENCE_LIMIT]


@contextmanager
def set_stage(
    sandbox: Sandbox,
    *,
    doors: Doors | None = None,
    more: More | None = None,
    home: Path | None = None,
) -> Iterator[Stage]:
    """Plant everything and start a neighbour: another run, with secrets wherever a run may have them.

    `more` tells by a sandbox's id what else is left of it, such as containers. At the end the neighbour must be alive
    and whole.

    Raises:
        SandboxFailed: no neighbour can be made, or one came to harm.
    """
    with ExitStack() as stack:
        plants = stack.enter_context(planted(home))
        _prepare(sandbox, plants)
        other = stack.enter_context(_neighbour(sandbox, plants))
        paths = [stack.enter_context(opened(doors, other.id, plants.allowed))] if doors else []
        plants = replace(plants, others=(other.id,), doors=tuple(path / "egress.sock" for path in paths))
        yield Stage(sandbox, plants, Watch(plants), doors, more)


def _prepare(sandbox: Sandbox, plants: Plants) -> None:
    """Make the environment that runs share, as a set-up does."""
    told = {"environment": str(plants.environment), "environment_writable": True}
    ref = sandbox.provision(specification(fresh_name()).model_copy(update=told))
    try:
        list(sandbox.execute(ref, Command(argv=("/bin/sh", "-ec", PREPARE))))
    finally:
        sandbox.teardown(ref)


@contextmanager
def _neighbour(sandbox: Sandbox, plants: Plants) -> Iterator[SandboxRef]:
    name = fresh_name()
    ref = sandbox.provision(specification(name))
    command = Command(argv=("/bin/sh", "-c", NEIGHBOUR), environment={"HOSTILE_CANARY": plants.secret})
    outputs = sandbox.execute(ref, command)
    try:
        if not any(isinstance(output, OutputLine) and output.text == "up" for output in outputs):
            raise SandboxFailed("the neighbour of the hostile sandboxes did not start")
        yield ref
        _unharmed(sandbox, ref, plants.secret)
    finally:
        del outputs
        sandbox.teardown(ref)


def _unharmed(sandbox: Sandbox, ref: SandboxRef, secret: str) -> None:
    read: Sequence[str] = [
        output.text
        for output in sandbox.execute(ref, Command(argv=("/bin/sh", "-c", NEIGHBOUR_READS)))
        if isinstance(output, OutputLine)
    ]
    if read != [secret] * 4:
        raise SandboxFailed(f"the neighbour of the hostile sandboxes came to harm: {len(read)} of 4 secrets are there")
