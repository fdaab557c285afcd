"""How a program is started that reads settings from files in its home."""

import shlex
from collections.abc import Mapping
from pathlib import PurePosixPath

#: files are the program's own business: nobody else's to read
_PRIVATE = "umask 077"


def with_files(files: Mapping[str, str], argv: tuple[str, ...]) -> tuple[str, ...]:
    """Return a command line that writes `files` (path in HOME → text), then becomes `argv`.

    All of it is seen in the process list: nothing secret belongs in here.
    """
    writes = [_PRIVATE, *(_write(name, text) for name, text in sorted(files.items()))]
    return ("sh", "-c", f'set -e; ({"; ".join(writes)}); exec "$@"', "sh", *argv)


def _write(name: str, text: str) -> str:
    folder = shlex.quote(str(PurePosixPath(name).parent))
    return f'mkdir -p "$HOME"/{folder}; printf %s {shlex.quote(text)} > "$HOME"/{shlex.quote(name)}'
