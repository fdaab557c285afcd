"""Play one behaviour: a door if it wants one, a sandbox of its own, the program, the end, a look around."""

import tempfile
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from adapters.egress.contract import Doors
from adapters.sandbox.contract import Sandbox
from control_plane.sandboxes.hostile.driving import Heard, drive
from control_plane.sandboxes.hostile.loading import command_for
from control_plane.sandboxes.hostile.observing import More, Watch, end, left_of
from control_plane.sandboxes.hostile.planting import Plants
from control_plane.sandboxes.hostile.shapes import Behaviour, How, Observed, Scene
from domain.egress import Door, Purpose
from domain.execution import SandboxRef
from domain.sandbox import SandboxSpec
from domain.taxonomy import FactoryError

MEMORY, PROCESSES, DISK, FILES = 512 * 1024**2, 200, 128 * 1024**2, 20_000
STOPPED = {How.CLOSED, How.INTERRUPTED}


def specification(name: str, **told: Any) -> SandboxSpec:
    """Return a small sandbox, so that its limits are reached soon."""
    limits = {"memory_bytes": MEMORY, "processes": PROCESSES, "disk_bytes": DISK, "disk_files": FILES, "cpus": 1.0}
    fields = {"id": name, "run_id": name, "mirror": None, "commit": None}
    return SandboxSpec.model_validate(fields | limits | told)


def fresh_name() -> str:
    return f"hostile-{uuid.uuid4().hex[:12]}"


@contextmanager
def opened(doors: Doors, name: str, allowed: str) -> Iterator[Path]:
    """Open a door that lets one host and port through, and take it away again."""
    path = Path(doors.prepare(name))
    try:
        doors.open(Door(id=name, run_id=name, purpose=Purpose.HARNESS, allow=(allowed,), exempt=(allowed,)))
        yield path
    finally:
        doors.close(name)
        doors.remove(name)


@dataclass(frozen=True, slots=True)
class Stage:
    """Where behaviours play: everything is planted and watched."""

    sandbox: Sandbox
    plants: Plants
    watch: Watch
    doors: Doors | None = None
    more: More | None = None

    def observe(self, behaviour: Behaviour) -> Observed:
        """Return what was seen; a sandbox that fails is told in it."""
        if behaviour.door and self.doors is None:
            return Observed(failed="there are no doors to the network here")
        try:
            if behaviour.door and self.doors is not None:
                return self._with_door(behaviour, self.doors)
            return self._played(behaviour, fresh_name(), None)
        except FactoryError as error:
            return Observed(failed=error.message, disturbed=self.watch.disturbed())

    def _with_door(self, behaviour: Behaviour, doors: Doors) -> Observed:
        name = fresh_name()
        with opened(doors, name, self.plants.allowed) as path:
            self.plants.upstream.reached()
            seen = self._played(behaviour, name, path)
            heard = b"".join(self.plants.upstream.reached())
            return replace(seen, attempts=tuple(doors.attempts(name)), upstream=heard)

    def _played(self, behaviour: Behaviour, name: str, door: Path | None) -> Observed:
        environment = str(self.plants.environment) if behaviour.environment else None
        door_path = None if door is None else str(door)
        spec = specification(name, door=door_path, environment=environment, cpus=behaviour.cpus)
        ref = self.sandbox.provision(spec)
        try:
            seen = self._driven(behaviour, ref, spec)
        finally:
            took = self._torn_down(ref)
        left = left_of(name, self.more)
        end(name)
        return replace(seen, teardown_seconds=took, disturbed=self.watch.disturbed(), left=left)

    def _driven(self, behaviour: Behaviour, ref: SandboxRef, spec: SandboxSpec) -> Observed:
        heard, outside, order, failed = Heard(self.plants.secret), dict[str, Any](), None, ""
        limits = spec.model_dump(include={"memory_bytes", "processes", "disk_bytes", "disk_files", "cpus"})
        command = command_for(behaviour, ref.id, self.plants.told() | {"limits": limits})
        try:
            order = drive(
                self.sandbox,
                ref,
                command,
                behaviour.how,
                lambda: outside.update(self._outside(behaviour, ref, spec)),
                heard,
            )
            if behaviour.how not in STOPPED:
                outside.update(self._outside(behaviour, ref, spec))
        except FactoryError as error:
            failed = error.message
        seen = Observed(evidence=heard.evidence, up=heard.up, ended=heard.ended, said=heard.words, leaked=heard.leaked)
        seen = replace(seen, longest_line=heard.longest_line, bytes_told=heard.bytes_told)
        return replace(seen, failed=failed, order_seconds=order, outside=outside)

    def _outside(self, behaviour: Behaviour, ref: SandboxRef, spec: SandboxSpec) -> Mapping[str, Any]:
        if behaviour.outside is None:
            return {}
        with tempfile.TemporaryDirectory(prefix="hostile-outside-") as folder:
            scene = Scene(self.sandbox, ref, spec, self.plants.files[0], self.plants.fired, Path(folder))
            return behaviour.outside(scene)

    def _torn_down(self, ref: SandboxRef) -> float:
        began = time.monotonic()
        self.sandbox.teardown(ref)
        return time.monotonic() - began
