"""Tries to outlive its end: daemons, ignored signals, stopped processes, storms of signals, closed descriptors."""

import ctypes
import os
import signal
import time
from collections.abc import Callable

from control_plane.sandboxes.hostile.programs.loot import Canaries, Loot, up
from control_plane.sandboxes.hostile.programs.syscalls import LIBC, call

IGNORED = [one for one in signal.Signals if one not in (signal.SIGKILL, signal.SIGSTOP, signal.SIGCHLD)]


def _daemon(action: Callable[[], object]) -> None:
    """Fork twice, leave the session, and wait until the grandchild runs."""
    reader, writer = os.pipe()
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            os.close(reader)
            os.write(writer, b".")
            os.close(writer)
            action()
        os._exit(0)
    os.close(writer)
    os.read(reader, 1)
    os.close(reader)


def _deaf() -> None:
    for one in IGNORED:
        signal.signal(one, signal.SIG_IGN)


def _quiet() -> None:
    """Let go of everything by which a supervisor could notice it."""
    null = os.open(os.devnull, os.O_RDWR)
    for number in (0, 1, 2):
        os.dup2(null, number)
    os.closerange(3, 1024)


def _for_ever() -> None:
    while True:
        time.sleep(1)


def _hidden() -> None:
    _deaf()
    _quiet()
    _for_ever()


def _deaf_for_ever() -> None:
    _deaf()
    _for_ever()


def _without_a_trace(token: str) -> None:
    """Another program with an empty environment, so that no marker is inherited."""
    _quiet()
    os.execve("/bin/sh", ["sh", "-c", "trap '' TERM HUP INT; while :; do sleep 1; done", token], {})


def daemons(canaries: Canaries) -> Loot:
    loot = Loot()
    for _ in range(10):
        _daemon(_hidden)
    _daemon(lambda: _without_a_trace(canaries["token"]))
    loot.tried["daemons"] = "11 left behind"
    return loot


def daemons_at_the_order(canaries: Canaries) -> Loot:
    daemons(canaries)
    up()
    _deaf()
    _for_ever()
    return Loot()


def daemon_holding_the_pipe(canaries: Canaries) -> Loot:
    """Whoever waits for the end of the output waits for it too."""
    loot = Loot()
    _daemon(_deaf_for_ever)
    loot.tried["daemon"] = "holds the output"
    return loot


def deaf_to_signals(canaries: Canaries) -> Loot:
    _deaf()
    for _ in range(50):
        if os.fork() == 0:
            _for_ever()
    up()
    _for_ever()
    return Loot()


def stopped(canaries: Canaries) -> Loot:
    """A stopped process handles nothing; a kill must reach it all the same."""
    for _ in range(5):
        if os.fork() == 0:
            os.kill(os.getpid(), signal.SIGSTOP)
            _for_ever()
    up()
    os.kill(os.getpid(), signal.SIGSTOP)
    _for_ever()
    return Loot()


def sleeping_for_ever(canaries: Canaries) -> Loot:
    _deaf()
    up()
    _for_ever()
    return Loot()


def chatty_for_ever(canaries: Canaries) -> Loot:
    _deaf()
    up()
    while True:
        os.write(1, b"still here\n")
        time.sleep(0.1)


def signal_storm(canaries: Canaries) -> Loot:
    """Everything it may signal, itself aside, with everything there is."""
    loot = Loot()
    if loot.on_host(canaries, "pid"):
        return loot
    _deaf()
    for one in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGSTOP, signal.SIGKILL):
        for pid in (1, os.getppid(), canaries["pid"]):
            if pid != os.getpid():
                _send(loot, pid, one)
    _send(loot, -1, signal.SIGKILL)
    loot.tried["storm"] = "still here"
    return loot


def _send(loot: Loot, pid: int, one: int) -> None:
    """That a signal was taken is not gained: the outside looks who is dead."""
    try:
        os.kill(pid, one)
    except OSError as error:
        loot.tried["signal " + str(int(one)) + " to " + str(pid)] = str(error)


def killing_the_supervisor(canaries: Canaries) -> Loot:
    """Its own parents up to the first process: the order must end everything, also when they are gone."""
    loot = Loot()
    if loot.on_host(canaries, "pid"):
        return loot
    _daemon(_hidden)
    loot.tried["supervisor"] = "killed what it could"
    loot.tell()
    for pid in (os.getppid(), 1):
        for one in (signal.SIGSTOP, signal.SIGKILL):
            _send(loot, pid, one)
    return loot


def closed_descriptors(canaries: Canaries) -> Loot:
    """Everything that was inherited is closed; without output it must still be ended."""
    up()
    os.closerange(0, 4096)
    _deaf()
    _for_ever()
    return Loot()


def tracing_at_the_order(canaries: Canaries) -> Loot:
    """A traced process stops at each signal but one. Refused is as good: it then only waits."""
    child = os.fork()
    if child == 0:
        LIBC.ptrace(0, 0, 0, 0)
        os.kill(os.getpid(), signal.SIGSTOP)
        _for_ever()
    if os.readlink("/proc/self/ns/pid") != canaries["namespaces"]["pid"]:
        for pid in (1, os.getppid()):
            _seize(pid)
    up()
    _deaf()
    _for_ever()
    return Loot()


def _seize(pid: int) -> None:
    try:
        call("ptrace", 0x4206, pid, 0, 0x100000)
    except OSError:
        pass


def broken_supervisor(canaries: Canaries) -> Loot:
    """The first process belongs to the same user, so its code can be written over: it will never answer again."""
    if os.readlink("/proc/self/ns/pid") == canaries["namespaces"]["pid"]:
        return Loot()
    for pid in (1, os.getppid()):
        _overwritten(pid)
    _daemon(_hidden)
    up()
    _for_ever()
    return Loot()


def _overwritten(pid: int) -> None:
    """Fill what it executes with a jump to itself."""
    try:
        with open("/proc/" + str(pid) + "/maps") as file:
            ranges = [line.split()[0].split("-") for line in file if line.split()[1] == "r-xp"]
        memory = os.open("/proc/" + str(pid) + "/mem", os.O_RDWR)
        for begin, end in ranges:
            os.pwrite(memory, b"\xeb\xfe" * ((int(end, 16) - int(begin, 16)) // 2), int(begin, 16))
    except OSError:
        pass


def not_dumpable(canaries: Canaries) -> Loot:
    """A process that made itself unreadable and lives under another name must be found as well."""
    LIBC.prctl(4, 0, 0, 0, 0)
    LIBC.prctl(15, ctypes.c_char_p(b"kworker/0:0"), 0, 0, 0)
    _daemon(_hidden)
    up()
    _for_ever()
    return Loot()


def uninterruptible(canaries: Canaries) -> Loot:
    """A parent in vfork cannot be ended by any signal but one while its child runs."""
    if os.fork() == 0:
        child = LIBC.vfork()
        if child == 0:
            LIBC.sleep(300)
            LIBC._exit(0)
    up()
    _for_ever()
    return Loot()
