"""Tries to see what is not its own: files, processes, secrets, sockets, memory of the host and of other runs."""

import ctypes
import glob
import os
import socket
import subprocess

from control_plane.sandboxes.hostile.programs.loot import (
    Canaries,
    Loot,
    canary_at,
    canary_in,
    opens,
    read,
    search,
)
from control_plane.sandboxes.hostile.programs.syscalls import LIBC, call, works

ROOTS = ("/home", "/root", "/tmp", "/var/tmp", "/run", "/dev/shm", "/mnt", "/media", "/srv", "/opt")
SOCKETS = (
    "/var/run/docker.sock", "/run/docker.sock", "/run/containerd/containerd.sock", "/run/podman/podman.sock",
    "/run/crio/crio.sock", "/run/dbus/system_bus_socket", "/run/systemd/private", "/run/snapd.socket",
)  # fmt: skip


def host_files(canaries: Canaries) -> Loot:
    loot = Loot()
    for path in canaries["files"]:
        loot.attempt(path, canary_at, path)
    for root in ROOTS:
        loot.attempt("walk " + root, search, root)
    for path in ("/etc/shadow", "/etc/gshadow", "/etc/sudoers"):
        loot.attempt(path, opens, path)
    return loot


def path_tricks(canaries: Canaries) -> Loot:
    loot = Loot()
    doors = [
        "/..",
        "/proc/1/root",
        "/proc/1/cwd/../../../../..",
        "/proc/self/root/..",
        "/proc/self/cwd/../../../../../..",
    ]
    doors += ["/proc/" + str(os.getppid()) + "/root", "/proc/" + str(canaries["pid"]) + "/root"]
    doors += glob.glob("/proc/[0-9]*/fd/*") + glob.glob("/dev/fd/*")
    for door in doors[:400]:
        for path in canaries["files"]:
            loot.attempt(door + path, canary_at, door + path)
    loot.attempt("a link of its own", _through_a_link, canaries["files"][0])
    return loot


def _through_a_link(path: str) -> str:
    os.symlink(path, "a-link")
    try:
        return canary_at("a-link")
    finally:
        os.unlink("a-link")


def host_writes(canaries: Canaries) -> Loot:
    """The outside looks afterwards whether one of the planted files is another."""
    loot = Loot()
    for path in canaries["files"]:
        loot.attempt("append to " + path, opens, path, os.O_WRONLY | os.O_APPEND)
        loot.attempt("remove " + path, _removed, path)
        beside = path + ".new"
        loot.attempt("make " + beside, _made, beside)
    return loot


def _made(path: str) -> str:
    """In a folder of its own it may; the outside looks where it appeared."""
    opens(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL)
    return ""


def _removed(path: str) -> bool:
    os.rename(path, path + ".moved")
    return True


def other_workspaces(canaries: Canaries) -> Loot:
    loot = Loot()
    here = os.getcwd()
    folders = {here, os.environ["HOME"], os.environ["TMPDIR"], os.environ["FACTORY_OUT"]}
    for folder in sorted(folders):
        loot.attempt("in " + folder, search, folder)
    for up in ("..", "../..", "../../.."):
        loot.attempt("walk " + up, search, os.path.join(here, up))
        for other in canaries["others"]:
            where = os.path.join(here, up, other)
            loot.attempt(where, os.listdir, where)
    return loot


def other_processes(canaries: Canaries) -> Loot:
    loot = Loot()
    own, there = os.getpid(), "/proc/" + str(canaries["pid"])
    seen = [path for path in glob.glob("/proc/[0-9]*") if not path.endswith("/" + str(own))]
    loot.facts["processes seen"] = len(seen)
    for path in seen:
        loot.attempt("words of " + path, canary_at, path + "/cmdline")
    for name in ("environ", "cmdline", "maps"):
        loot.attempt(name + " of the canary", canary_at, there + "/" + name)
    loot.attempt("signal the canary", _signalled, canaries["pid"])
    loot.attempt("pidfd of the canary", call, "pidfd_open", canaries["pid"], 0)
    return loot


def _signalled(pid: int) -> bool:
    os.kill(pid, 0)
    return True


def environment_leaks(canaries: Canaries) -> Loot:
    loot = Loot()
    loot.attempt("own environment", canary_in, repr(dict(os.environ)).encode())
    loot.attempt("own environ file", canary_at, "/proc/self/environ")
    if loot.on_host(canaries, "pid"):
        return loot
    for path in glob.glob("/proc/[0-9]*"):
        for name in ("environ", "cmdline"):
            loot.attempt(path + "/" + name, canary_at, path + "/" + name)
    return loot


def docker_socket(canaries: Canaries) -> Loot:
    loot = Loot()
    named = [line.split()[-1] for line in read("/proc/net/unix", 1 << 20).decode().splitlines() if "/" in line]
    others = [] if loot.on_host(canaries, "net") else [path for path in named if not path.startswith("/run/egress")]
    for path in sorted({*SOCKETS, *others}):
        loot.attempt("connect " + path, _asked, socket.AF_UNIX, path)
    for port in (2375, 2376, 2377, 10250):
        loot.attempt("port " + str(port), _asked, socket.AF_INET, ("127.0.0.1", port))
    found = os.environ.get("DOCKER_HOST", "")
    loot.attempt("DOCKER_HOST", str, found)
    return loot


def _asked(family: int, address: object) -> str:
    with socket.socket(family) as one:
        one.settimeout(1)
        one.connect(address)  # type: ignore[arg-type]
    return "connected"


def kernel_secrets(canaries: Canaries) -> Loot:
    loot = Loot()
    for path in ("/proc/kcore", "/proc/kmsg", "/dev/kmsg", "/proc/slabinfo", "/proc/vmallocinfo", "/proc/kpageflags"):
        loot.attempt(path, _opens_content, path)
    loot.attempt("/proc/kallsyms", _addresses, "/proc/kallsyms")
    loot.attempt("/proc/keys", read, "/proc/keys")
    for path in (
        "/sys/kernel/debug",
        "/sys/kernel/tracing",
        "/sys/kernel/security",
        "/sys/firmware/efi/efivars",
        "/boot",
    ):
        loot.attempt(path, os.listdir, path)
    buffer = ctypes.create_string_buffer(4096)
    loot.apart("kernel log", call, "syslog", 3, buffer, 4096)
    return loot


def _opens_content(path: str) -> str:
    """Some backends lay the null device over them; that one is harmless."""
    return opens(path) if os.stat(path).st_rdev != os.stat(os.devnull).st_rdev else ""


def _addresses(path: str) -> bool:
    line = read(path).split(b"\n", 1)[0].split()
    return bool(line) and int(line[0], 16) != 0


def abstract_sockets(canaries: Canaries) -> Loot:
    loot = Loot()
    loot.attempt("stream", _asked, socket.AF_UNIX, "\x00" + canaries["abstract"])
    names = [line.split()[-1] for line in read("/proc/net/unix", 1 << 20).decode().splitlines() if "@" in line]
    loot.attempt("names seen", list, [name for name in names if canaries["abstract"] in name])
    return loot


def path_sockets(canaries: Canaries) -> Loot:
    loot = Loot()
    loot.attempt("canary socket", _asked, socket.AF_UNIX, canaries["unix"])
    loot.attempt("its folder", os.listdir, os.path.dirname(canaries["unix"]))
    loot.attempt("through the canary process", _asked, socket.AF_UNIX, "/proc/1/root" + canaries["unix"])
    return loot


def shared_memory(canaries: Canaries) -> Loot:
    loot = Loot()
    loot.attempt("segment by its key", works, "shmget", canaries["shm_key"], 0, 384)
    loot.attempt("content of the segment", _segment, canaries["shm_key"])
    loot.attempt("queue by its key", works, "msgget", canaries["shm_key"], 0)
    for kind in ("shm", "msg", "sem"):
        loot.attempt("/proc/sysvipc/" + kind, _listed, kind, canaries["shm_key"])
    loot.attempt("/dev/shm", search, "/dev/shm")
    return loot


def _listed(kind: str, key: int) -> bool:
    return str(key).encode() in read("/proc/sysvipc/" + kind, 1 << 20)


def _segment(key: int) -> str:
    number = call("shmget", key, 0, 0o600)
    LIBC.shmat.restype = ctypes.c_void_p
    where = LIBC.shmat(number, None, 0o10000)
    return canary_in(ctypes.string_at(where, 64))


def inherited_descriptors(canaries: Canaries) -> Loot:
    """What was open before: pipes, the null device and the program's own memory are expected, nothing else."""
    loot = Loot()
    for name in os.listdir("/proc/self/fd"):
        try:
            leads = os.readlink("/proc/self/fd/" + name)
        except OSError:
            continue
        harmless = leads.startswith(("pipe:", "/dev/null", "/dev/pts", "/proc/", "anon_inode:"))
        loot.attempt(name + " leads to " + leads, bool, not harmless)
    found = subprocess.run(["ls", "-l", "/proc/1/fd"], capture_output=True, text=True, check=False)
    loot.facts["descriptors of the first process"] = found.stdout.count("->")
    return loot
