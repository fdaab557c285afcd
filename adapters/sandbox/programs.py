"""The machine's own programs a sandbox is made with, found by their full path and never by a command's PATH."""

import shutil

from adapters.sandbox.surroundings import SYSTEM_PATH
from domain.errors import SandboxFailed

PACKAGES = {
    "bwrap": "bubblewrap",
    "sh": "dash",
    "timeout": "coreutils",
    "env": "coreutils",
    "mkfs.ext4": "e2fsprogs",
}  #: the rest is util-linux


def program(name: str) -> str:
    """Return the full path of a program.

    Raises:
        SandboxFailed: it is not installed.
    """
    found = shutil.which(name, path=SYSTEM_PATH)
    if found is None:
        package = PACKAGES.get(name, "util-linux")
        raise SandboxFailed(f"{name} is not installed; `apt-get install {package}` or its like brings it")
    return found
