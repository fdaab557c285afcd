"""How a hostile program tries things and tells what it got. Runs inside: standard library only, Python 3.9 on."""

import errno
import json
import os
import re
import select
import signal
import time
from collections.abc import Callable
from typing import Any

CANARY = re.compile(rb"hostile-canary-[0-9a-f]{32}")
MEGABYTE = 1 << 20
REFUSED = ("EPERM", "EACCES", "ENOSYS")
Canaries = dict[str, Any]


class Loot:
    """`tried` is what was refused and how, `got` what worked, `facts` what only the inside can measure."""

    def __init__(self) -> None:
        self.tried: dict[str, str] = {}
        self.got: dict[str, str] = {}
        self.facts: dict[str, Any] = {}

    def attempt(self, what: str, action: Callable[..., object], *arguments: object, strict: bool = False) -> None:
        """Count a true answer as gained; `strict` also counts an error that only a kernel that listened gives."""
        try:
            answer = action(*arguments)
        except (OSError, ValueError, MemoryError, OverflowError) as error:
            name = _name(error)
            (self.got if strict and name not in REFUSED else self.tried)[what] = name
            return
        if answer:
            self.got[what] = str(answer)[:200]
        else:
            self.tried[what] = "nothing"

    def apart(
        self, what: str, action: Callable[..., object], *arguments: object, strict: bool = False, seconds: float = 3
    ) -> None:
        """Attempt it in a child, which may be killed or hang for it."""
        self.attempt(what, lambda: in_child(lambda: action(*arguments), seconds), strict=strict)

    def on_host(self, canaries: Canaries, *kinds: str) -> bool:
        """The fuse of what would harm the machine: a namespace shared with the host is the finding, nothing is done."""
        for kind in kinds:
            if os.readlink("/proc/self/ns/" + kind) == canaries["namespaces"][kind]:
                self.got["the host's " + kind + " namespace"] = "shared; not taken further"
        return any("namespace" in name for name in self.got)

    def tell(self) -> None:
        told = {"tried": self.tried, "got": self.got, "facts": self.facts}
        say("HOSTILE " + json.dumps(told))


def done(action: Callable[..., object], *arguments: object) -> bool:
    """Return true when an action that answers nothing worked."""
    action(*arguments)
    return True


def say(text: str) -> None:
    data = ("\n" + text + "\n").encode()
    while data:
        data = data[os.write(1, data) :]


def up() -> None:
    """Tell the outside that everything is in place."""
    say("HOSTILE-UP")


def _name(error: Exception) -> str:
    number = getattr(error, "errno", None)
    return errno.errorcode.get(number, str(number)) if number else type(error).__name__ + ": " + str(error)[:80]


def in_child(action: Callable[[], object], seconds: float) -> object:
    """Return what the action returned in a forked child.

    Raises OSError with its errno; EPERM when the child was killed for it, ETIMEDOUT when it never answered.
    """
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        _answer(writer, action)
    os.close(writer)
    try:
        ready = select.select([reader], [], [], seconds)[0]
        answer = os.read(reader, 65536) if ready else None
    finally:
        os.close(reader)
        _end(child)
    if answer is None:
        raise OSError(errno.ETIMEDOUT, "no answer")
    if not answer:
        raise OSError(errno.EPERM, "killed")
    told = json.loads(answer)
    if told.get("errno"):
        raise OSError(told["errno"], told["text"])
    return told["value"]


def _answer(writer: int, action: Callable[[], object]) -> None:
    told: dict[str, object]
    try:
        value = action()
        told = {"value": value if isinstance(value, (int, str, list)) else bool(value)}
    except (OSError, ValueError, MemoryError) as error:
        told = {"errno": getattr(error, "errno", None) or errno.EINVAL, "text": str(error)[:200]}
    try:
        os.write(writer, json.dumps(told).encode())
    finally:
        os._exit(0)


def _end(child: int) -> None:
    try:
        os.kill(child, signal.SIGKILL)
    except OSError:
        pass
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        try:
            if os.waitpid(child, os.WNOHANG)[0]:
                return
        except ChildProcessError:
            return
        time.sleep(0.005)


def canary_in(data: bytes) -> str:
    """Return the secret planted outside when it is in the data, else nothing. Nothing else is ever told."""
    found = CANARY.search(data)
    return found.group().decode() if found else ""


def read(path: str, limit: int = 1 << 16) -> bytes:
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    try:
        return os.read(descriptor, limit)
    finally:
        os.close(descriptor)


def canary_at(path: str, limit: int = 1 << 16) -> str:
    return canary_in(read(path, limit))


def opens(path: str, flags: int = os.O_RDONLY) -> str:
    os.close(os.open(path, flags | os.O_NONBLOCK))
    return "opened"


def search(root: str, limit: int = 20000) -> str:
    """Walk a folder for files named as the planted ones are; return the first secret found."""
    for folder, folders, files in os.walk(root):
        limit -= len(folders) + len(files)
        for name in files:
            if name.startswith("hostile-canary"):
                try:
                    found = canary_at(os.path.join(folder, name))
                except OSError:
                    continue
                if found:
                    return found
        if limit < 0:
            break
    return ""


def filled(descriptor: int, wanted: int) -> str:
    chunk, written = b"x" * MEGABYTE, 0
    while written < wanted:
        written += os.write(descriptor, chunk)
    return str(written) + " bytes"
