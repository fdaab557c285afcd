"""Before bubblewrap, as root: come under the sandbox's bounds, lay out what it sees, make its network, become its user.

A source below a 0700 directory (/root, a private FACTORY_HOME) cannot be opened by another user. So each is bind
mounted below a small tmpfs, in a mount namespace of its own: nothing is seen outside, and all goes with the process.
The script stays, as the first process of a namespace: nothing below can outlive it, nor it the one who started it.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from adapters.sandbox.catching import CATCH
from adapters.sandbox.programs import program
from domain.errors import SandboxFailed

USER = 10001  #: whom commands run as; never uid 0
ROOMS = ("/mnt", "/media", "/srv")
#: $1 room, $2 the folder of all disks, $3 who started it, then the groups' files, --, the sources, --, the program.
#: All paths are ours. Disks of other sandboxes are let go, or each would live as long as this process; one that its
#: owner removes meanwhile is gone by itself.
SCRIPT = """set -e
room=$1; disks=$2; starter=$3; shift 3
look() { while read -r key value; do if [ "$key" = PPid: ]; then parent=$value; fi; done < "/proc/$1/status"; }
look self; look "$parent"; [ "$parent" = "$starter" ] || exit 1
while [ "$1" != -- ]; do echo $$ > "$1"; shift; done; shift
mount -t tmpfs -o mode=0711,size=1m,nosuid,nodev stage "$room"
number=0
while [ "$1" != -- ]; do
  if [ -d "$1" ]; then mkdir "$room/$number"; else : > "$room/$number"; fi
  mount --bind "$1" "$room/$number"
  number=$((number + 1)); shift
done
shift
let_go() { umount -l "$1" 2> /dev/null || ! mountpoint -q "$1" || umount -l "$1"; }
while read -r _ place _; do case $place in "$disks"/*) let_go "$place" ;; esac; done < /proc/self/mounts
"""
#: bubblewrap looks its child up by a number of this namespace, so /proc must be this namespace's too
RUN = """mount -t proc proc /proc
cd /
"$@"
exit $?
"""


@dataclass(frozen=True, slots=True)
class Stage:
    """What one command needs laid out."""

    sources: Sequence[Path]
    disks: Path  #: the folder that the disks of all sandboxes lie below
    groups: Sequence[str]  #: files to write the process number to
    network: bool  #: a network of its own in which the door's relay can catch every address


def stage(wanted: Stage) -> tuple[tuple[str, ...], list[Path]]:
    """Return what to put before the bwrap command, and where bwrap finds each source."""
    room = _room(wanted.sources)
    script = SCRIPT + (CATCH if wanted.network else "") + RUN
    dying = (program("setpriv"), "--pdeathsig", "KILL")
    alone = (program("unshare"), "--mount", "--propagation", "private", "--pid", "--fork", "--kill-child=KILL")
    before = (
        *dying, *alone, *(("--net",) if wanted.network else ()),
        program("sh"), "-c", script, "stage", str(room), str(wanted.disks), str(os.getpid()), *wanted.groups, "--",
        *map(str, wanted.sources), "--",
        program("setpriv"), "--reuid", str(USER), "--regid", str(USER), "--clear-groups", "--no-new-privs",
    )  # fmt: skip
    return before, [room / str(number) for number in range(len(wanted.sources))]


def _room(sources: Sequence[Path]) -> Path:
    """Return an existing folder that covers no source."""
    for room in map(Path, ROOMS):
        if room.is_dir() and not any(source.resolve().is_relative_to(room) for source in sources):
            return room
    raise SandboxFailed(f"root needs one of {', '.join(ROOMS)} to exist, with neither FACTORY_HOME nor Python below it")
