"""System calls by number, for what no library offers. Runs inside: standard library only, Python 3.9 on."""

import ctypes
import os
import platform

NUMBERS = {  # x86_64, aarch64
    "mount": (165, 40), "umount2": (166, 39), "pivot_root": (155, 41), "chroot": (161, 51), "unshare": (272, 97),
    "setns": (308, 268), "open_tree": (428, 428), "move_mount": (429, 429), "fsopen": (430, 430),
    "fspick": (433, 433), "mount_setattr": (442, 442), "ptrace": (101, 117),
    "process_vm_readv": (310, 270), "process_vm_writev": (311, 271), "pidfd_open": (434, 434),
    "pidfd_getfd": (438, 438), "kcmp": (312, 272), "bpf": (321, 280), "perf_event_open": (298, 241),
    "userfaultfd": (323, 282), "io_uring_setup": (425, 425), "io_uring_register": (427, 427), "add_key": (248, 217),
    "request_key": (249, 218), "keyctl": (250, 219), "kexec_load": (246, 104), "kexec_file_load": (320, 294),
    "init_module": (175, 105), "finit_module": (313, 273), "delete_module": (176, 106), "reboot": (169, 142),
    "settimeofday": (164, 170), "clock_settime": (227, 112), "sethostname": (170, 161), "setdomainname": (171, 162),
    "swapon": (167, 224), "open_by_handle_at": (304, 265), "name_to_handle_at": (303, 264), "syslog": (103, 116),
    "quotactl": (179, 60), "fanotify_init": (300, 262), "clone": (56, 220), "clone3": (435, 435),
    "shmget": (29, 194), "shmat": (30, 196), "msgget": (68, 186), "msgrcv": (70, 188), "capset": (126, 91),
    "getuid": (102, 174),
}  # fmt: skip
MACHINES = {"x86_64": 0, "aarch64": 1}
LIBC = ctypes.CDLL(None, use_errno=True)
LIBC.syscall.restype = ctypes.c_long


def number(name: str) -> int:
    """Raises KeyError on a machine whose numbers are not known: the program ends, and nothing counts as tried."""
    return NUMBERS[name][MACHINES[platform.machine()]]


def raw(which: int, *arguments: object) -> int:
    """Return the answer of a system call; raises OSError."""
    words = [ctypes.c_long(one) if isinstance(one, int) else one for one in arguments]
    answer = int(LIBC.syscall(ctypes.c_long(which), *words))
    if answer == -1:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
    return answer


def call(name: str, *arguments: object) -> int:
    return raw(number(name), *arguments)


def works(name: str, *arguments: object) -> str:
    """As `call`, with an answer that is true also when the number is 0."""
    return "returned " + str(call(name, *arguments))
