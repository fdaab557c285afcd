"""Tries the kernel's dangerous doors: mounts, namespaces, tracing, io_uring, keys, programs in the kernel."""

import ctypes
import os
import subprocess

from control_plane.sandboxes.hostile.programs.loot import Canaries, Loot
from control_plane.sandboxes.hostile.programs.syscalls import call, number, raw, works

NEW = {"user": 0x10000000, "mnt": 0x20000, "net": 0x40000000, "pid": 0x20000000, "ipc": 0x8000000, "uts": 0x4000000}
NEW["cgroup"] = 0x2000000
X32 = 0x40000000
NOWHERE = b"/nonexistent-hostile"


def mounts(canaries: Canaries) -> Loot:
    loot = Loot()
    if loot.on_host(canaries, "mnt"):
        return loot
    there = os.environ["TMPDIR"].encode()
    for kind in (b"tmpfs", b"proc", b"sysfs", b"cgroup", b"cgroup2", b"overlay", b"debugfs", b"mqueue"):
        loot.apart("mount " + kind.decode(), works, "mount", b"x", there, kind, 0, None, strict=True)
    loot.apart("bind /", works, "mount", b"/", there, None, 20480, None, strict=True)
    loot.apart("remount / writable", works, "mount", None, b"/", None, 32, None, strict=True)
    loot.apart("remount the workspace setuid", works, "mount", None, b".", None, 4128, None, strict=True)
    loot.apart("propagation", works, "mount", None, b"/", None, 278528, None, strict=True)
    for path in (b"/proc", b"/run/egress", b"/tmp", b"/"):
        loot.apart("umount " + path.decode(), works, "umount2", path, 2, strict=True)
    loot.apart("pivot_root", works, "pivot_root", b".", b".", strict=True)
    loot.apart("chroot", works, "chroot", there, strict=True)
    return loot


def new_mounts(canaries: Canaries) -> Loot:
    """The mount calls of newer kernels, which older filters do not know."""
    loot = Loot()
    if loot.on_host(canaries, "mnt"):
        return loot
    for kind in (b"tmpfs", b"proc", b"overlay", b"cgroup2"):
        loot.apart("fsopen " + kind.decode(), works, "fsopen", kind, 0, strict=True)
    loot.apart("open_tree clone", works, "open_tree", -100, b"/", 32769, strict=True)
    loot.apart("fspick", works, "fspick", -100, b"/", 0, strict=True)
    loot.apart("move_mount", works, "move_mount", -100, b"/tmp", -100, b"/mnt", 0, strict=True)
    attributes = ctypes.create_string_buffer(32)
    loot.apart("mount_setattr", works, "mount_setattr", -100, b"/", 0, attributes, 32, strict=True)
    return loot


def new_namespaces(canaries: Canaries) -> Loot:
    loot = Loot()
    for name, flag in NEW.items():
        loot.apart("unshare " + name, works, "unshare", flag)
        if name != "user":
            loot.apart("unshare user and " + name, works, "unshare", flag | NEW["user"])
        loot.apart("clone " + name, _cloned, flag)
    loot.apart("clone3 user", _cloned3, NEW["user"])
    words = ["unshare", "-Urm", "sh", "-c", "id -u"]
    loot.attempt("the program unshare", _said, words)
    loot.attempt("uid map", _mapped)
    return loot


def _cloned(flag: int) -> str:
    child = call("clone", flag | 17, 0, 0, 0, 0)
    if child == 0:
        os._exit(0)
    os.waitpid(child, 0)
    return "child " + str(child)


def _cloned3(flag: int) -> str:
    arguments = (ctypes.c_uint64 * 11)(flag, 0, 0, 0, 17)
    child = call("clone3", arguments, ctypes.sizeof(arguments))
    if child == 0:
        os._exit(0)
    os.waitpid(child, 0)
    return "child " + str(child)


def _said(words: list[str]) -> str:
    try:
        return subprocess.run(words, capture_output=True, text=True, check=False, timeout=5).stdout
    except FileNotFoundError:
        return ""


def _mapped() -> bool:
    """Opening the map is everybody's right; writing a map for root is not."""
    with open("/proc/self/uid_map", "w") as file:
        file.write("0 0 1")
    return True


def joining_namespaces(canaries: Canaries) -> Loot:
    loot = Loot()
    for pid in (1, os.getppid(), canaries["pid"]):
        for kind in ("mnt", "pid", "net", "user", "ipc", "uts"):
            path = "/proc/" + str(pid) + "/ns/" + kind
            loot.apart("setns " + path, _joined, path)
    return loot


def _joined(path: str) -> str:
    return works("setns", os.open(path, os.O_RDONLY), 0)


def ptrace_init(canaries: Canaries) -> Loot:
    """Attaching to the first process and ending was seen to hang a supervisor for ever; so the end counts too."""
    loot = Loot()
    if not loot.on_host(canaries, "pid"):
        for name, request in (("PTRACE_SEIZE", 0x4206), ("PTRACE_ATTACH", 16)):
            loot.attempt(name, works, "ptrace", request, 1, 0, 0)
        loot.attempt("the parent", works, "ptrace", 16, os.getppid(), 0, 0)
    return loot


def ptrace_siblings(canaries: Canaries) -> Loot:
    """Another process of the same sandbox, as a harness and its tools are."""
    loot = Loot()
    sibling = os.fork()
    if sibling == 0:
        os.execvp("sleep", ["sleep", "30"])
    buffer = ctypes.create_string_buffer(16)
    vector = (ctypes.c_void_p * 2)(ctypes.addressof(buffer), 16)
    loot.apart("attach", works, "ptrace", 16, sibling, 0, 0)
    loot.apart("seize", works, "ptrace", 16902, sibling, 0, 0)
    loot.apart("process_vm_readv", works, "process_vm_readv", sibling, vector, 1, vector, 1, 0, strict=True)
    loot.apart("process_vm_writev", works, "process_vm_writev", sibling, vector, 1, vector, 1, 0, strict=True)
    loot.apart("pidfd_getfd", _descriptor_of, sibling)
    loot.apart("kcmp", works, "kcmp", os.getpid(), sibling, 0, 0, 0)
    os.kill(sibling, 9)
    os.waitpid(sibling, 0)
    return loot


def _descriptor_of(sibling: int) -> str:
    return works("pidfd_getfd", call("pidfd_open", sibling, 0), 0, 0)


def io_uring(canaries: Canaries) -> Loot:
    loot = Loot()
    parameters = ctypes.create_string_buffer(256)
    loot.apart("io_uring_setup", works, "io_uring_setup", 8, parameters, strict=True)
    loot.apart("io_uring_register", works, "io_uring_register", 0, 0, 0, 0, strict=True)
    return loot


def keyrings(canaries: Canaries) -> Loot:
    """Keys of the kernel are not held by namespaces."""
    loot = Loot()
    session, process = -3, -2
    loot.apart("add_key", works, "add_key", b"user", b"hostile", b"v", 1, process, strict=True)
    loot.apart("session keyring", works, "keyctl", 0, session, 1, strict=True)
    loot.apart("request_key", works, "request_key", b"user", b"hostile", None, process, strict=True)
    loot.apart("describe", works, "keyctl", 6, session, 0, 0, strict=True)
    return loot


def kernel_programs(canaries: Canaries) -> Loot:
    """Programs in the kernel, its counters, and faults handled outside of it."""
    loot = Loot()
    attributes = (ctypes.c_uint32 * 32)(1, 4, 4, 1)
    loot.apart("bpf map", works, "bpf", 0, attributes, 128, strict=True)
    socket_filter = (ctypes.c_uint32 * 32)(1, 0)
    loot.apart("bpf program", works, "bpf", 5, socket_filter, 128, strict=True)
    event = (ctypes.c_uint32 * 32)(1, 128)
    loot.apart("perf_event_open", works, "perf_event_open", event, 0, -1, -1, 0, strict=True)
    loot.apart("userfaultfd", works, "userfaultfd", 0, strict=True)
    loot.apart("userfaultfd of user mode", works, "userfaultfd", 1, strict=True)
    loot.apart("fanotify", works, "fanotify_init", 0, 0, strict=True)
    return loot


def kernel_modules(canaries: Canaries) -> Loot:
    """Each call is made wrong, so that a kernel that listens changes nothing and still says so."""
    loot = Loot()
    loot.apart("init_module", works, "init_module", b"no module", 9, b"", strict=True)
    loot.apart("finit_module", works, "finit_module", -1, b"", 0, strict=True)
    loot.apart("delete_module", works, "delete_module", b"hostile_none", 2048, strict=True)
    loot.apart("kexec_load", works, "kexec_load", 0, 1000, 0, 0, strict=True)
    loot.apart("kexec_file_load", works, "kexec_file_load", -1, -1, 0, b"", 0, strict=True)
    loot.apart("reboot", works, "reboot", 1, 2, 3, 0, strict=True)
    loot.apart("swapon", works, "swapon", NOWHERE, 0, strict=True)
    loot.apart("quotactl", works, "quotactl", 2147485440, NOWHERE, 0, 0, strict=True)
    return loot


def file_handles(canaries: Canaries) -> Loot:
    """Opening by inode number walks past every mount (the way out known as shocker)."""
    loot = Loot()
    for inode in (2, 1):
        handle = ctypes.create_string_buffer(b"\x08\0\0\0\1\0\0\0" + bytes([inode]) + b"\0" * 7, 16)
        for folder in ("/", ".", "/etc/hosts"):
            where = os.open(folder, os.O_RDONLY)
            what = "inode " + str(inode) + " by " + folder
            loot.apart(what, works, "open_by_handle_at", where, handle, 0, strict=True)
            os.close(where)
    return loot


def foreign_calls(canaries: Canaries) -> Loot:
    """The same calls by the numbers of x32, which a filter that looks at numbers alone lets through."""
    loot = Loot()
    loot.apart("getuid", _answered, "getuid")
    loot.apart("unshare user", _answered, "unshare", NEW["user"])
    loot.apart("add_key", _answered, "add_key", b"user", b"h", b"v", 1, -2)
    return loot


def _answered(name: str, *arguments: object) -> str:
    return "answered " + str(raw(X32 | number(name), *arguments))
