"""As root: lay every source below a folder the sandbox's user can enter, and start as that user.

A source below a 0700 directory (/root, a private FACTORY_HOME) cannot be opened by another user. So each is bind
mounted below a small tmpfs, in a mount namespace of its own: nothing is seen outside, and all goes with the process.
"""

import os
from collections.abc import Sequence
from pathlib import Path

from adapters.sandbox.programs import program
from domain.errors import SandboxFailed

USER = 10001  #: whom commands run as when the factory is root; never uid 0
ROOMS = ("/mnt", "/media", "/srv")
#: $1 room, then sources, then -- and the program. Sources are the control plane's own paths.
SCRIPT = """set -e
room=$1; shift
mount -t tmpfs -o mode=0711,size=1m,nosuid,nodev stage "$room"
number=0
while [ "$1" != -- ]; do
  if [ -d "$1" ]; then mkdir "$room/$number"; else : > "$room/$number"; fi
  mount --bind "$1" "$room/$number"
  number=$((number + 1)); shift
done
shift
cd /
exec "$@"
"""


def user() -> int:
    """Return the user id that commands run as: never 0."""
    return os.geteuid() or USER


def stage(sources: Sequence[Path]) -> tuple[tuple[str, ...], list[Path]]:
    """Return what to put before the bwrap command, and where bwrap finds each source."""
    if os.geteuid() != 0:
        return (), list(sources)
    room = _room(sources)
    ids = ("--reuid", str(USER), "--regid", str(USER), "--clear-groups", "--no-new-privs")
    before = (
        program("unshare"), "--mount", "--propagation", "private",
        program("sh"), "-c", SCRIPT, "stage", str(room), *map(str, sources), "--",
        program("setpriv"), *ids,
    )  # fmt: skip
    return before, [room / str(number) for number in range(len(sources))]


def _room(sources: Sequence[Path]) -> Path:
    """Return an existing folder that covers no source."""
    for room in map(Path, ROOMS):
        if room.is_dir() and not any(source.resolve().is_relative_to(room) for source in sources):
            return room
    raise SandboxFailed(f"root needs one of {', '.join(ROOMS)} to exist, with neither FACTORY_HOME nor Python below it")


def hand_over(folder: Path) -> None:
    """Give a folder and all below it to the user of commands; links are given, never followed."""
    if os.geteuid() != 0:
        return
    os.chown(folder, USER, USER, follow_symlinks=False)
    for _, folders, files, descriptor in os.fwalk(folder, follow_symlinks=False):
        for name in (*folders, *files):
            os.chown(name, USER, USER, dir_fd=descriptor, follow_symlinks=False)
