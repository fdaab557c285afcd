"""Tries to use up processes, memory, descriptors, processor; stops a little beyond the limit, in case there is none."""

import os
import resource
import select
import time

from control_plane.sandboxes.hostile.programs.loot import MEGABYTE, Canaries, Loot, filled, up

PIECE = 32 * MEGABYTE


def fork_bomb(canaries: Canaries) -> Loot:
    loot = Loot()
    wanted = canaries["limits"]["processes"] + 100
    children: list[int] = []
    try:
        while len(children) < wanted:
            child = os.fork()
            if child == 0:
                time.sleep(60)
                os._exit(0)
            children.append(child)
    except OSError as error:
        loot.tried["fork"] = "refused after " + str(len(children)) + ": " + str(error)
    loot.facts["processes"] = len(children)
    if len(children) >= wanted:
        loot.got["fork"] = str(len(children)) + " processes"
    for child in children:
        os.kill(child, 9)
        os.waitpid(child, 0)
    return loot


def fork_storm(canaries: Canaries) -> Loot:
    """Processes that are replaced faster than they can be listed."""
    for _ in range(20):
        if os.fork() == 0:
            os.setsid()
            while True:
                _replace_itself()
    up()
    time.sleep(300)
    return Loot()


def _replace_itself() -> None:
    try:
        child = os.fork()
    except OSError:
        return
    if child == 0:
        return
    os._exit(0)


def memory_balloon(canaries: Canaries) -> Loot:
    """Several processes, because a limit of each is none of all."""
    loot = Loot()
    limit = canaries["limits"]["memory_bytes"] // MEGABYTE
    each, count = limit // 4, 8
    balloons = [_balloon(each) for _ in range(count)]
    told = {child: _told(reader) for child, reader in balloons}
    held = sum(megabytes for child, megabytes in told.items() if os.waitpid(child, os.WNOHANG) == (0, 0))
    loot.facts["megabytes"] = held
    if held > limit * 1.2:
        loot.got["memory"] = str(held) + " MB held at once, of " + str(limit)
    else:
        loot.tried["memory"] = "ended at " + str(held) + " MB of " + str(each * count)
    return loot


def _balloon(megabytes: int) -> tuple[int, int]:
    """A child that says each megabyte it has touched, and keeps all of them until nobody listens."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reader)
        kept = []
        try:
            for _ in range(megabytes):
                kept.append(bytearray(b"\xa5") * MEGABYTE)
                os.write(writer, b".")
            os.write(writer, b"!")
            time.sleep(20)
        finally:
            os._exit(0)
    os.close(writer)
    return child, reader


def _told(reader: int) -> int:
    """Return how many megabytes a child came to hold."""
    told = b""
    deadline = time.monotonic() + 15
    while not told.endswith(b"!") and time.monotonic() < deadline:
        if select.select([reader], [], [], 0.5)[0]:
            more = os.read(reader, 65536)
            if not more:
                break
            told += more
    return told.count(b".")


def hidden_memory(canaries: Canaries) -> Loot:
    """Memory that belongs to no process: anonymous files, and file systems that lie in memory."""
    loot = Loot()
    wanted = canaries["limits"]["memory_bytes"] * 5 // 4
    loot.apart("memfd", _anonymous, wanted, seconds=15)
    for folder in ("/dev/shm", "/tmp", "/run", "/dev"):
        loot.apart(folder, _fill_memory, folder, wanted, seconds=15)
    return loot


def _anonymous(wanted: int) -> str:
    """Many small ones, because the size of each is limited too."""
    for _ in range(wanted // PIECE):
        filled(os.memfd_create("hostile"), PIECE)
    return str(wanted) + " bytes"


def _fill_memory(folder: str, wanted: int) -> str:
    if not _in_memory(folder):
        return ""
    paths = [os.path.join(folder, "hostile-" + str(number)) for number in range(wanted // PIECE)]
    try:
        for path in paths:
            filled(os.open(path, os.O_CREAT | os.O_WRONLY, 0o600), PIECE)
    finally:
        for path in paths:
            if os.path.exists(path):
                os.unlink(path)
    return str(wanted) + " bytes"


def _in_memory(folder: str) -> bool:
    with open("/proc/self/mounts") as file:
        return any(line.split()[1:3] == [folder, "tmpfs"] for line in file)


def many_descriptors(canaries: Canaries) -> Loot:
    loot = Loot()
    loot.apart("open files", _opened, 16384, seconds=10)
    loot.apart("pipes with a full buffer", _pipes, 9000, seconds=10)
    return loot


def _opened(wanted: int) -> str:
    for _ in range(wanted):
        os.open("/dev/null", os.O_RDONLY)
    return str(wanted) + " opened"


def _pipes(wanted: int) -> str:
    for _ in range(wanted):
        os.pipe()
    return str(wanted) + " pipes"


def cpu_spin(canaries: Canaries) -> Loot:
    """Four spin for two seconds; what they got of the processor is measured, not believed."""
    loot = Loot()
    began = time.monotonic()
    children = [_spinning(2) for _ in range(4)]
    for child in children:
        os.waitpid(child, 0)
    spent = resource.getrusage(resource.RUSAGE_CHILDREN)
    cores = (spent.ru_utime + spent.ru_stime) / (time.monotonic() - began)
    loot.facts["cores"] = round(cores, 2)
    allowed = canaries["limits"]["cpus"]
    if cores > allowed * 1.4:
        loot.got["processor"] = str(round(cores, 2)) + " cores of " + str(allowed)
    else:
        loot.tried["processor"] = str(round(cores, 2)) + " cores of " + str(allowed)
    return loot


def _spinning(seconds: float) -> int:
    child = os.fork()
    if child == 0:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            pass
        os._exit(0)
    return child
