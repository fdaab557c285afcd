"""What is looked at from outside: did anything of the host change, and is anything of a sandbox left?"""

import os
import signal
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import psutil

from control_plane.sandboxes.hostile.planting import Plants

CONTROL_GROUPS = Path("/sys/fs/cgroup")
SETTINGS = tuple(
    Path("/proc/sys") / name
    for name in (
        "kernel/core_pattern", "kernel/hostname", "kernel/domainname", "kernel/modprobe", "kernel/randomize_va_space",
        "kernel/sysrq", "kernel/yama/ptrace_scope", "kernel/unprivileged_bpf_disabled", "kernel/msgmax", "kernel/sem",
        "kernel/shmmax", "kernel/shmall", "kernel/pid_max", "vm/overcommit_memory", "fs/suid_dumpable",
        "net/ipv4/ip_forward",
    )
)  # fmt: skip
CLOCK_DRIFT_SECONDS = 2.0
LEFT_PATIENCE = 5.0
More = Callable[[str], Sequence[str]]


class Watch:
    """Remembers the host as it was; tells what became different, and puts the planted files back."""

    def __init__(self, plants: Plants) -> None:
        self._plants = plants
        self._remember()

    def _remember(self) -> None:
        self._settings = _settings()
        self._clock = _clock()
        self._files = {path: _state(path) for path in self._watched()}
        for listener in self._plants.listeners:
            listener.reached()

    def _watched(self) -> Iterator[Path]:
        yield from self._plants.files
        environment = self._plants.environment
        yield from sorted(environment.parent.glob(f"{environment.name}*"))  # a folder, or the image that keeps it
        yield from sorted(environment.rglob("*"))

    def disturbed(self) -> tuple[str, ...]:
        found = [f"{path.name} was changed" for path, state in self._files.items() if _state(path) != state]
        found += [f"{one.words} was reached" for one in self._plants.listeners if one.reached()]
        found += [f"{name} was changed" for name, value in _settings().items() if self._settings[name] != value]
        found += [f"{path.name} appeared" for path in self._plants.fired.iterdir()]
        found += _process_disturbed(self._plants.process)
        if abs(_clock() - self._clock) > CLOCK_DRIFT_SECONDS:
            found.append("the clock was set")
        if found:
            self._restore()
        return tuple(found)

    def _restore(self) -> None:
        for path in self._plants.files:
            for found in path.parent.glob(f"{path.name}?*"):
                found.unlink()
            path.write_text(self._plants.secret)
            path.chmod(0o644)
        for path in self._plants.fired.iterdir():
            path.unlink()
        self._remember()


def _state(path: Path) -> tuple[int, ...] | None:
    """Content, times, owner, modes and company, as far as one look can tell them."""
    try:
        found = path.lstat()
    except OSError:
        return None
    beside = len(list(path.parent.glob(f"{path.name}*")))
    return (found.st_ino, found.st_mode, found.st_uid, found.st_nlink, found.st_size, found.st_mtime_ns, beside)


def _settings() -> Mapping[str, str]:
    return {str(path): path.read_text() for path in SETTINGS if os.access(path, os.R_OK)}


def _clock() -> float:
    return time.time() - time.clock_gettime(time.CLOCK_BOOTTIME)


def _process_disturbed(process: psutil.Process) -> list[str]:
    if not process.is_running() or process.status() == psutil.STATUS_ZOMBIE:
        return ["the canary process is dead"]
    if process.status() in {psutil.STATUS_STOPPED, psutil.STATUS_TRACING_STOP}:
        return ["the canary process is stopped"]
    tracer = Path(f"/proc/{process.pid}/status").read_text().partition("TracerPid:")[2].split()[0]
    return [] if tracer == "0" else ["the canary process is traced"]


def processes_of(token: str) -> list[int]:
    """Return the living processes that carry the token in their words or their control group."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        if int(folder.name) != os.getpid() and _carries(folder, token.encode()):
            found.append(int(folder.name))
    return found


def _carries(folder: Path, token: bytes) -> bool:
    try:
        state = (folder / "stat").read_bytes().rpartition(b")")[2].split()[0]
        return state not in {b"Z", b"X"} and any(
            token in (folder / name).read_bytes() for name in ("cmdline", "cgroup")
        )
    except OSError:
        return False


def gone(token: str, patience: float) -> bool:
    """Wait until no process carries the token; False when some still do."""
    deadline = time.monotonic() + patience
    while processes_of(token):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True


def end(token: str) -> None:
    """Kill what a sandbox let live; the token is in no other process's words."""
    deadline = time.monotonic() + LEFT_PATIENCE
    while (found := processes_of(token)) and time.monotonic() < deadline:
        for pid in found:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.01)


def left_of(token: str, more: More | None = None) -> tuple[str, ...]:
    """Return what is left of a torn-down sandbox, after a short patience with the kernel."""
    deadline = time.monotonic() + LEFT_PATIENCE
    while (found := _left(token)) and time.monotonic() < deadline:
        time.sleep(0.05)
    return (*found, *(more(token) if more else ()))


def _left(token: str) -> list[str]:
    found = [f"process {pid}" for pid in processes_of(token)]
    found += [f"mount {line.split()[4]}" for line in _lines("/proc/self/mountinfo") if token in line]
    found += [f"socket {line.split()[-1]}" for line in _lines("/proc/net/unix") if token in line]
    found += [f"control group {path}" for path in _groups(token)]
    return found + [f"loop device {file.parts[3]}" for file in _loops() if token in _text(file)]


def _lines(path: str) -> list[str]:
    return _text(Path(path)).splitlines()


def _text(path: Path) -> str:
    try:
        return path.read_text(errors="replace")
    except OSError:
        return ""


def _groups(token: str) -> Iterator[str]:
    for folder, folders, _ in os.walk(CONTROL_GROUPS):
        yield from (str(Path(folder) / name) for name in folders if token in name)


def _loops() -> Iterator[Path]:
    return Path("/sys/block").glob("loop*/loop/backing_file")
