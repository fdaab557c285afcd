"""The strict system call profile: one allow-list, as Docker's JSON and as the compiled filter bubblewrap takes."""

import errno
import json
import tempfile
from functools import cache
from importlib import resources
from typing import Any

from domain.errors import SandboxFailed

ACTIONS = {"SCMP_ACT_ALLOW", "SCMP_ACT_ERRNO"}
COMPARISONS = {
    "SCMP_CMP_EQ": "EQ", "SCMP_CMP_NE": "NE", "SCMP_CMP_LT": "LT", "SCMP_CMP_LE": "LE", "SCMP_CMP_GT": "GT",
    "SCMP_CMP_GE": "GE",
}  # fmt: skip


@cache
def profile() -> str:
    """Return the profile in Docker's format, without white space."""
    text = resources.files("adapters.sandbox").joinpath("seccomp.json").read_text()
    return json.dumps(json.loads(text), separators=(",", ":"))


@cache
def compiled() -> bytes:
    """Return the profile as BPF for this machine's own architecture; calls of any other are killed.

    Raises:
        SandboxFailed: libseccomp is not installed.
    """
    try:
        import pyseccomp  # noqa: PLC0415 - loading it looks for the C library
    except (ImportError, OSError, RuntimeError) as error:
        words = f"libseccomp is not installed ({error}); `apt-get install libseccomp2` or its like brings it"
        raise SandboxFailed(words) from error
    told = json.loads(profile())
    made = pyseccomp.SyscallFilter(defaction=pyseccomp.ERRNO(told.get("defaultErrnoRet", errno.EPERM)))
    for rule in told["syscalls"]:
        for name in rule["names"]:
            for comparison in rule.get("args") or [None]:
                _add(pyseccomp, made, rule, name, comparison)
    with tempfile.TemporaryFile() as file:
        made.export_bpf(file)
        file.seek(0)
        return file.read()


def _add(library: Any, made: Any, rule: dict[str, Any], name: str, comparison: dict[str, Any] | None) -> None:
    """Add one alternative: conditions on one argument are alternatives to each other, as Docker reads them."""
    refused = rule["action"] == "SCMP_ACT_ERRNO"
    action = library.ERRNO(rule.get("errnoRet") or errno.EPERM) if refused else library.ALLOW
    arguments = [] if comparison is None else [_argument(library, comparison)]
    try:
        made.add_rule(action, name, *arguments)
    except (OSError, RuntimeError, ValueError):  # a call that this architecture does not have
        return


def _argument(library: Any, told: dict[str, Any]) -> Any:
    if told["op"] == "SCMP_CMP_MASKED_EQ":
        return library.Arg(told["index"], library.MASKED_EQ, told["value"], told.get("valueTwo", 0))
    return library.Arg(told["index"], getattr(library, COMPARISONS[told["op"]]), told["value"])
