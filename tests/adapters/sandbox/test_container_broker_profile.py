"""The strict seccomp profile, compiled for this machine's kernel and put on real programs."""

import errno
import json
import platform
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from adapters.sandbox.broker.serving import PROFILE

pytestmark = pytest.mark.skipif(platform.machine() != "x86_64", reason="system call numbers of another machine")

#: put the profile on this process, then run what follows
CONFINE = """
import ctypes, json, os, sys
import pyseccomp as s
profile = json.load(open(sys.argv[1]))
OPS = {"SCMP_CMP_EQ": s.EQ, "SCMP_CMP_MASKED_EQ": s.MASKED_EQ}
made = s.SyscallFilter(s.ERRNO(profile["defaultErrnoRet"]))
for rule in profile["syscalls"]:
    action = s.ALLOW if rule["action"] == "SCMP_ACT_ALLOW" else s.ERRNO(rule["errnoRet"])
    for name in rule["names"]:
        try:
            s.resolve_syscall(s.Arch.NATIVE, name)
        except Exception:
            continue
        try:
            made.add_rule(action, name, *[s.Arg(a["index"], OPS[a["op"]], a["value"], a.get("valueTwo", 0)) for a in rule.get("args", [])])
        except (ValueError, OSError):
            continue
made.load()
call = ctypes.CDLL(None, use_errno=True).syscall
def errno_of(number, *arguments):
    ctypes.set_errno(0)
    call(ctypes.c_long(number), *[ctypes.c_ulong(one) for one in arguments])
    return ctypes.get_errno()
"""

DENIED = {
    "ptrace": 101, "mount": 165, "umount2": 166, "swapon": 167, "reboot": 169, "init_module": 175, "finit_module": 313, "delete_module": 176,
    "quotactl": 179, "acct": 163, "settimeofday": 164, "adjtimex": 159, "clock_settime": 227, "clock_adjtime": 305, "pivot_root": 155,
    "chroot": 161, "personality": 135, "iopl": 172, "ioperm": 173, "syslog": 103, "add_key": 248, "request_key": 249, "keyctl": 250,
    "unshare": 272, "setns": 308, "perf_event_open": 298, "name_to_handle_at": 303, "open_by_handle_at": 304, "process_vm_readv": 310,
    "process_vm_writev": 311, "kcmp": 312, "bpf": 321, "userfaultfd": 323, "kexec_load": 246, "kexec_file_load": 320, "move_pages": 279,
    "open_tree": 428, "move_mount": 429, "fsopen": 430, "fsconfig": 431, "fsmount": 432, "fspick": 433, "io_uring_enter": 426,
    "io_uring_register": 427, "pidfd_getfd": 438, "process_madvise": 440, "mount_setattr": 442, "memfd_secret": 447, "lookup_dcookie": 212,
    "fanotify_init": 300, "vhangup": 153, "sethostname": 170, "setdomainname": 171, "nfsservctl": 180, "uselib": 134, "statmount": 457,
}  # fmt: skip
SOCKETS = {
    "AF_PACKET": 17,
    "AF_KEY": 15,
    "AF_ALG": 38,
    "AF_VSOCK": 40,
    "AF_BLUETOOTH": 31,
    "AF_UNIX and a high bit": (1 << 32) | 1,
}


def confined(script: str) -> str:
    argv = [sys.executable, "-c", CONFINE + textwrap.dedent(script), str(PROFILE)]
    done = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_what_a_kernel_is_attacked_with_is_denied() -> None:
    told = json.loads(
        confined(f"print(json.dumps({{name: errno_of(n, 0, 0, 0, 0, 0) for name, n in {DENIED!r}.items()}}))")
    )
    assert told == dict.fromkeys(DENIED, errno.EPERM)


def test_what_libraries_try_first_does_not_exist() -> None:
    assert json.loads(confined("print([errno_of(435, 0, 0), errno_of(425, 1, 0)])")) == [errno.ENOSYS, errno.ENOSYS]


def test_only_ordinary_sockets_exist() -> None:
    told = json.loads(
        confined(f"print(json.dumps({{name: errno_of(41, n, 1, 0) for name, n in {SOCKETS!r}.items()}}))")
    )
    assert told == dict.fromkeys(SOCKETS, errno.EPERM)
    assert (
        json.loads(confined("print([errno_of(41, n, t, 0) for n, t in ((1, 1), (2, 1), (10, 1), (16, 3))])")) == [0] * 4
    )


def test_no_new_namespace_by_clone() -> None:
    flags = [0x20000, 0x2000000, 0x4000000, 0x8000000, 0x10000000, 0x20000000, 0x40000000]
    assert (
        json.loads(confined(f"print([errno_of(56, flag | 17, 0, 0, 0, 0) for flag in {flags}])")) == [errno.EPERM] * 7
    )


def test_no_word_is_put_into_a_terminal_whatever_the_high_bits_say() -> None:
    numbers = [high | one for high in (0, 1 << 32, 1 << 63) for one in (0x5412, 0x541C, 0x5423)]
    assert set(json.loads(confined(f"print([errno_of(16, 0, n, 0) for n in {numbers}])"))) == {errno.EPERM}
    ordinary = [0x5401, 0x5413, 0x541B, 0x5410, 0x5414, 0x5421, 0x5422, 0x5411, 0x541D, 0x80045430]
    assert errno.EPERM not in json.loads(confined(f"print([errno_of(16, 99, n, 0) for n in {ordinary}])"))


def test_every_rule_has_one_comparison_because_the_engine_would_take_two_as_alternatives() -> None:
    rules = json.loads(PROFILE.read_text())["syscalls"]
    assert all(len(rule.get("args", [])) <= 1 for rule in rules)
    allowed = [name for rule in rules if "args" not in rule for name in rule["names"]]
    assert len(set(allowed)) == len(allowed)
    assert not {"ioctl", "socket", "clone"} & set(allowed)


PROGRAMS = [
    ["git", "init", "-q", "repository"],
    ["gcc", "-xc", "-o", "a", "/dev/null", "-Wl,--defsym=main=0"],
    ["node", "-e", "const{Worker}=require('worker_threads');new Worker('1',{eval:true}).on('exit',()=>console.log(require('os').networkInterfaces()))"],
    ["npm", "--version"],
    ["sh", "-c", "ls -la /proc/self >x; sort x | uniq | tail -1; tar cf x.tar x; stty -a </dev/null; sleep 0.01"],
    [sys.executable, "-c", "import multiprocessing as m, ssl, sqlite3, asyncio; print(m.get_context('spawn').Pool(2).map(abs, [-1])); asyncio.run(asyncio.sleep(0))"],
]  # fmt: skip


@pytest.mark.parametrize(
    "argv", [argv for argv in PROGRAMS if shutil.which(argv[0])], ids=lambda argv: Path(argv[0]).name
)
def test_ordinary_programs_run(argv: list[str], tmp_path: Path) -> None:
    script = f"import subprocess; sys.exit(subprocess.run({argv!r}, cwd={str(tmp_path)!r}, stdout=2).returncode)"
    confined(script)
