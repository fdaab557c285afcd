"""Tries to gain powers: root, capabilities, higher limits, devices, settings of the kernel, control groups."""

import array
import fcntl
import glob
import os
import resource
import shutil
import signal
import stat
import subprocess
import sys
import time

from control_plane.sandboxes.hostile.programs.loot import Canaries, Loot, done, opens
from control_plane.sandboxes.hostile.programs.syscalls import LIBC, works

TIOCSTI, TIOCLINUX, TIOCSCTTY = 0x5412, 0x541C, 0x540E
#: of the namespaces of processes and of shared memory, which a sandbox may own
OWN_SETTINGS = (
    "auto_msgmni", "msgmax", "msgmnb", "msgmni", "sem", "shm_rmid_forced", "shmall", "shmmax", "shmmni",
    "ns_last_pid", "pid_max", "msg_next_id", "sem_next_id", "shm_next_id",
)  # fmt: skip
IMMUTABLE, GET_FLAGS, SET_FLAGS = 0x10, 0x80086601, 0x40086602


def identity(canaries: Canaries) -> Loot:
    loot = Loot()
    with open("/proc/self/status") as file:
        status = dict(line.split(":", 1) for line in file)
    loot.attempt("uid 0", bool, 0 in os.getresuid() or 0 in os.getresgid())
    loot.attempt("groups of root", bool, 0 in os.getgroups())
    for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
        loot.attempt(name, int, status[name], 16)
    loot.attempt("new privileges possible", bool, status["NoNewPrivs"].strip() != "1")
    loot.attempt("no system call filter", bool, status["Seccomp"].strip() != "2")
    return loot


def becoming_root(canaries: Canaries) -> Loot:
    loot = Loot()
    for name, action in (("setuid", os.setuid), ("setgid", os.setgid), ("seteuid", os.seteuid)):
        loot.apart(name, done, action, 0)
    loot.apart("setgroups", done, os.setgroups, [0])
    for words in (["su", "-c", "id -u"], ["sudo", "-n", "id", "-u"], ["pkexec", "id", "-u"], ["newgrp", "root"]):
        loot.attempt(words[0], _root_said, words)
    loot.attempt("a setuid copy of a program", _setuid_copy)
    loot.apart("capset", works, "capset", _capabilities_header(), _all_capabilities())
    return loot


def _root_said(words: list[str]) -> bool:
    try:
        said = subprocess.run(
            words, capture_output=True, text=True, check=False, timeout=5, stdin=subprocess.DEVNULL
        ).stdout
    except (FileNotFoundError, subprocess.TimeoutExpired):
        return False
    return said.strip() == "0"


def _setuid_copy() -> bool:
    """Set on a file of its own the bit helps only when the owner is somebody else; so whom it runs as is looked at."""
    shutil.copy(shutil.which("id") or "/usr/bin/id", "id-copy")
    os.chmod("id-copy", 0o6755)
    said = subprocess.run(["./id-copy", "-u"], capture_output=True, text=True, check=False).stdout
    os.unlink("id-copy")
    return said.strip() == "0" or said.strip() != str(os.getuid())


def _capabilities_header() -> bytes:
    return array.array("I", [0x20080522, 0]).tobytes()


def _all_capabilities() -> bytes:
    return array.array("I", [0xFFFFFFFF] * 6).tobytes()


def setuid_bit(canaries: Canaries) -> Loot:
    loot = Loot()
    with open("bit", "w") as file:
        file.write("#!/bin/sh\n")
    loot.attempt("set the bit", _bit_set)
    return loot


def _bit_set() -> int:
    os.chmod("bit", 0o6755)
    return os.stat("bit").st_mode & stat.S_ISUID


def file_capabilities(canaries: Canaries) -> Loot:
    loot = Loot()
    shutil.copy(sys.executable, "python-copy")
    value = bytes.fromhex("0100000220000000000000000000000000000000")
    loot.attempt("security.capability", done, os.setxattr, "python-copy", "security.capability", value)
    loot.attempt("trusted attribute", done, os.setxattr, "python-copy", "trusted.hostile", b"x")
    loot.attempt("immutable", _flagged, "python-copy")
    os.unlink("python-copy")
    return loot


def _flagged(path: str) -> bool:
    """Taken off again, so that it can be removed where it worked."""
    flags = array.array("l", [0])
    with open(path, "rb") as file:
        fcntl.ioctl(file, GET_FLAGS, flags)
        fcntl.ioctl(file, SET_FLAGS, array.array("l", [flags[0] | IMMUTABLE]))
        fcntl.ioctl(file, SET_FLAGS, flags)
    return True


def higher_limits(canaries: Canaries) -> Loot:
    loot = Loot()
    for name in ("NOFILE", "NPROC", "CORE", "FSIZE", "MEMLOCK", "RTPRIO"):
        kind = getattr(resource, "RLIMIT_" + name)
        hard = resource.getrlimit(kind)[1]
        more = resource.RLIM_INFINITY if name != "NOFILE" else (1 << 20) + 1
        if hard == resource.RLIM_INFINITY:
            loot.facts[name] = "unlimited"
            continue
        loot.apart("raise " + name, done, resource.setrlimit, kind, (more, more))
    for name in ("NOFILE", "CORE"):
        hard = resource.getrlimit(getattr(resource, "RLIMIT_" + name))[1]
        loot.attempt("no limit on " + name, bool, hard == resource.RLIM_INFINITY)
    return loot


def scheduling(canaries: Canaries) -> Loot:
    loot = Loot()
    loot.apart("realtime", done, os.sched_setscheduler, 0, os.SCHED_FIFO, os.sched_param(50))
    loot.apart("priority", done, os.setpriority, os.PRIO_PROCESS, 0, -20)
    loot.apart("lock memory", _memory_locked)
    loot.apart("never be the one killed", _written, "/proc/self/oom_score_adj", b"-1000")
    return loot


def _memory_locked() -> bool:
    """Within the limit anybody may; without one it is everybody's memory."""
    return resource.getrlimit(resource.RLIMIT_MEMLOCK)[1] == resource.RLIM_INFINITY and LIBC.mlockall(3) == 0


def _written(path: str, value: bytes) -> int:
    descriptor = os.open(path, os.O_WRONLY)
    try:
        return os.write(descriptor, value)
    finally:
        os.close(descriptor)


def clock_and_names(canaries: Canaries) -> Loot:
    """The clock is set to what it already is, the names to what the outside would notice."""
    loot = Loot()
    if loot.on_host(canaries, "uts"):
        return loot
    now = int(time.time())
    moment = array.array("q", [now, 0]).tobytes()
    loot.apart("settimeofday", works, "settimeofday", moment, None)
    loot.apart("clock_settime", works, "clock_settime", 0, moment)
    loot.apart("sethostname", works, "sethostname", b"hostile", 7)
    loot.apart("setdomainname", works, "setdomainname", b"hostile", 7)
    loot.attempt("/dev/rtc", opens, "/dev/rtc0")
    return loot


def kernel_settings(canaries: Canaries) -> Loot:
    """Opened for writing, never written: an open one is enough to tell. What a namespace of its own has is not."""
    loot = Loot()
    paths = ["/proc/sysrq-trigger", "/sys/kernel/uevent_helper", "/sys/power/state"]
    paths += glob.glob("/proc/sys/kernel/*") + glob.glob("/proc/sys/vm/*") + glob.glob("/proc/sys/fs/*")
    paths += glob.glob("/sys/kernel/mm/*/*") + glob.glob("/sys/module/*/parameters/*") + glob.glob("/sys/block/*/*")
    paths += ["/proc/sys/fs/binfmt_misc/register", "/proc/mtrr", "/proc/acpi/wakeup", "/proc/irq/default_smp_affinity"]
    for path in paths[:600]:
        if not os.path.isdir(path) and os.path.basename(path) not in OWN_SETTINGS:
            loot.attempt(path, opens, path, os.O_WRONLY)
    return loot


def own_settings(canaries: Canaries) -> Loot:
    """Those of its own namespaces are written; the outside looks whether the host's are still what they were."""
    loot = Loot()
    if loot.on_host(canaries, "ipc", "pid"):
        return loot
    for name in OWN_SETTINGS:
        loot.attempt(name, _grown, "/proc/sys/kernel/" + name)
    return loot


def _grown(path: str) -> str:
    with open(path) as file:
        words = file.read().split()
    _written(path, " ".join([str(int(words[0]) - 1), *words[1:]]).encode())
    return ""


def control_groups(canaries: Canaries) -> Loot:
    """The known way out is release_agent; raising one's own limits is the small one."""
    loot = Loot()
    files = ["release_agent", "notify_on_release", "cgroup.procs", "tasks", "devices.allow", "memory.max", "pids.max"]
    files += ["memory.limit_in_bytes", "cpu.cfs_quota_us", "cpu.max", "cgroup.kill", "cgroup.subtree_control"]
    folders = ["/sys/fs/cgroup", *glob.glob("/sys/fs/cgroup/*"), *_own_groups()]
    for folder in folders[:100]:
        for name in files:
            path = os.path.join(folder, name)
            loot.attempt(path, opens, path, os.O_WRONLY)
        loot.attempt("make in " + folder, _grouped, os.path.join(folder, "hostile"))
    return loot


def _grouped(folder: str) -> bool:
    os.mkdir(folder)
    os.rmdir(folder)
    return True


def _own_groups() -> list[str]:
    with open("/proc/self/cgroup") as file:
        rows = [line.rstrip().split(":", 2) for line in file]
    return ["/sys/fs/cgroup/" + row[1].replace("name=", "") + row[2] for row in rows]


def devices(canaries: Canaries) -> Loot:
    loot = Loot()
    paths = ["mem", "kmem", "port", "kvm", "fuse", "net/tun", "vsock", "loop-control", "loop0", "sda", "vda", "nvme0n1"]
    paths += ["mapper/control", "vhost-vsock", "vhost-net", "uinput", "btrfs-control", "hwrng"]
    for path in paths:
        loot.attempt("/dev/" + path, opens, "/dev/" + path)
    major, minor = canaries["device"]
    kinds = {"the host's disk": (stat.S_IFBLK, major, minor), "memory": (stat.S_IFCHR, 1, 1)}
    for name, (kind, first, second) in kinds.items():
        what = "make and open " + name
        loot.attempt(what, _node, kind, os.makedev(first, second))
    return loot


def _node(kind: int, device: int) -> str:
    os.mknod("node", kind | 0o600, device)
    try:
        return opens("node")
    finally:
        os.unlink("node")


def terminals(canaries: Canaries) -> Loot:
    """Typing into the terminal of whoever started the factory."""
    loot = Loot()
    if loot.on_host(canaries, "mnt"):
        return loot
    for path in ("/dev/tty", "/dev/console", "/dev/tty0", "/dev/tty1", *glob.glob("/dev/pts/[0-9]*")):
        loot.attempt("type into " + path, _typed, path)
    for descriptor in (0, 1, 2):
        for request in (TIOCSTI, TIOCLINUX, TIOCSCTTY):
            what = "descriptor " + str(descriptor) + " " + hex(request)
            loot.attempt(what, done, fcntl.ioctl, descriptor, request, b"x")
    return loot


def _typed(path: str) -> bool:
    descriptor = os.open(path, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
    fcntl.ioctl(descriptor, TIOCSTI, b"x")
    return True


def core_dumps(canaries: Canaries) -> Loot:
    loot = Loot()
    loot.attempt("limit", bool, resource.getrlimit(resource.RLIMIT_CORE)[1])
    child = os.fork()
    if child == 0:
        signal.signal(signal.SIGABRT, signal.SIG_DFL)
        os.abort()
    status = os.waitpid(child, 0)[1]
    loot.attempt("dumped", os.WCOREDUMP, status)
    loot.attempt("file", _core_files)
    return loot


def _core_files() -> list[str]:
    return [name for name in os.listdir(".") if name.startswith("core")]
