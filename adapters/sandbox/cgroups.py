"""Bounds on all processes of a sandbox together, kept by the kernel: memory, number of processes, processor time."""

import os
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from domain.errors import SandboxFailed
from domain.sandbox import SandboxSpec

PARENT = "software-factory"
CONTROLLERS = ("memory", "pids", "cpu")
PERIOD = 100_000  #: microseconds
PATIENCE_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Hierarchy:
    """Where this machine keeps its groups: one folder a controller (v1), or one for all (v2)."""

    folders: dict[str, Path]
    unified: bool


@cache
def hierarchy() -> Hierarchy | None:
    """Return this machine's, None when some controller is missing."""
    found: dict[str, Path] = {}
    for line in Path("/proc/self/mounts").read_text().splitlines():
        _, place, kind, options, *_ = line.split(" ")
        if kind == "cgroup":
            found |= {name: Path(place) for name in (*CONTROLLERS, "cpuacct") if name in options.split(",")}
        if kind == "cgroup2" and set(CONTROLLERS) <= set(_read(Path(place) / "cgroup.controllers").split()):
            return Hierarchy(dict.fromkeys(CONTROLLERS, Path(place)), unified=True)
    return Hierarchy(found, unified=False) if set(CONTROLLERS) <= set(found) else None


def why_not() -> str | None:
    """Return why groups cannot be made here; None when they can."""
    there = hierarchy()
    if there is None:
        return "the kernel offers no memory, pids and cpu control groups here"
    if os.geteuid() != 0:
        return "control groups need root"
    folder = there.folders["memory"]
    return None if os.access(folder, os.W_OK) and not _read_only(folder) else f"{folder} is read-only"


@dataclass(frozen=True, slots=True)
class Group:
    """The group of one sandbox. `name` is unique on this machine."""

    name: str

    def make(self, spec: SandboxSpec) -> None:
        """Make it with the spec's bounds; repeating it sets them anew.

        Raises:
            SandboxFailed: this machine cannot.
        """
        there = hierarchy()
        reason = why_not()
        if there is None or reason is not None:
            raise SandboxFailed(f"its bounds cannot be set: {reason}")
        try:
            for folder in self._folders():
                if there.unified:
                    _delegate(folder.parent.parent)
                    folder.parent.mkdir(exist_ok=True)
                    _delegate(folder.parent)
                folder.mkdir(parents=True, exist_ok=True)
            for name, value in (_unified(spec) if there.unified else _separate(spec)).items():
                _set(self._folder(name.split(".")[0]) / name, value)
        except OSError as error:
            raise SandboxFailed(f"cannot make the control group {self.name}: {error}") from error

    def doors(self) -> tuple[str, ...]:
        """Return the files a process writes its number to in order to come under the bounds."""
        return tuple(str(folder / "cgroup.procs") for folder in self._folders())

    def processes(self) -> set[int]:
        return {int(pid) for folder in self._folders() for pid in _read(folder / "cgroup.procs").split()}

    def cpu_seconds(self) -> float | None:
        """Return the processor time everything in it has used; None when there is no such group."""
        there = hierarchy()
        if there is None:
            return None
        if there.unified:
            used = _field(self._folder("cpu") / "cpu.stat", "usage_usec")
            return None if used is None else used / 1e6
        text = _read(self._folder("cpuacct") / "cpuacct.usage") if "cpuacct" in there.folders else ""
        return int(text) / 1e9 if text.strip().isdigit() else None

    def out_of_memory(self) -> bool:
        """Tell whether the kernel killed something in it for want of memory."""
        there = hierarchy()
        if there is None:
            return False
        file = "memory.events" if there.unified else "memory.oom_control"
        return bool(_field(self._folder("memory") / file, "oom_kill"))

    def end(self) -> bool:
        """Kill all in it; False when something does not die."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while pids := self.processes():
            if time.monotonic() > deadline:
                return False
            for pid in pids:
                self._kill(pid)
            time.sleep(0.005)
        return True

    def _kill(self, pid: int) -> None:
        """Kill a member; a number that has become somebody else's meanwhile is left alone."""
        try:
            process = os.pidfd_open(pid)
        except ProcessLookupError:
            return
        try:
            if pid in self.processes():
                signal.pidfd_send_signal(process, signal.SIGKILL)
        except ProcessLookupError:
            return
        finally:
            os.close(process)

    def remove(self) -> None:
        """Remove it once it is empty; harmless when there is none."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        for folder in self._folders():
            while folder.is_dir():
                try:
                    folder.rmdir()
                except OSError as error:
                    if time.monotonic() > deadline:
                        raise SandboxFailed(f"cannot remove the control group {folder}: {error}") from error
                    time.sleep(0.01)

    def _folder(self, controller: str) -> Path:
        there = hierarchy()
        assert there is not None  # noqa: S101 - callers asked before
        return there.folders[controller] / PARENT / self.name

    def _folders(self) -> Iterator[Path]:
        there = hierarchy()
        places = dict.fromkeys(there.folders.values()) if there else ()
        return (place / PARENT / self.name for place in places)


def _separate(spec: SandboxSpec) -> dict[str, str]:
    """v1; memory and swap together are bounded where the kernel counts swap."""
    return {
        "memory.limit_in_bytes": str(spec.memory_bytes),
        "memory.memsw.limit_in_bytes": str(spec.memory_bytes),
        "pids.max": str(spec.processes),
        "cpu.cfs_period_us": str(PERIOD),
        "cpu.cfs_quota_us": str(int(spec.cpus * PERIOD)),
    }


def _unified(spec: SandboxSpec) -> dict[str, str]:
    return {
        "memory.max": str(spec.memory_bytes),
        "memory.swap.max": "0",
        "pids.max": str(spec.processes),
        "cpu.max": f"{int(spec.cpus * PERIOD)} {PERIOD}",
    }


def _set(file: Path, value: str) -> None:
    """Write a bound; the two swap files do not exist on kernels that do not count swap."""
    if "sw" in file.name and not file.exists():
        return
    file.write_text(value)


def _delegate(folder: Path) -> None:
    (folder / "cgroup.subtree_control").write_text(" ".join(f"+{name}" for name in CONTROLLERS))


def _read(file: Path) -> str:
    try:
        return file.read_text()
    except OSError:
        return ""


def _field(file: Path, name: str) -> int | None:
    found = (line.split() for line in _read(file).splitlines())
    return next((int(words[1]) for words in found if words[:1] == [name] and len(words) == 2), None)


def _read_only(folder: Path) -> bool:
    return bool(os.statvfs(folder).f_flag & os.ST_RDONLY)
