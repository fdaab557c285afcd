"""The git a workspace needs, as scripts that run inside its sandbox, never outside."""

from contextlib import closing
from datetime import timedelta

from adapters.sandbox.contract import Sandbox
from domain.errors import PatchUnreadable
from domain.execution import SandboxRef
from domain.governance import FileChange
from domain.harness import Command
from domain.sandbox import Exit, OutputLine
from sensors.pulse import Pulse

PATCH_FILE = "patch.diff"
TREE_FILE = "tree"
RAW_FILE = "raw"
NUMSTAT_FILE = "numstat"
_GIT = "git -c core.hooksPath=/dev/null -c core.fsmonitor=false -c core.quotePath=true"
_DIFF = f"{_GIT} diff --cached --no-ext-diff --no-textconv --no-color -M"

#: everything in the workspace against the base commit ($1), commits of the agent included
WRITE_PATCH = f"""set -e
{_GIT} add -A
{_GIT} write-tree > "$FACTORY_OUT/{TREE_FILE}"
{_DIFF} --binary --full-index --src-prefix=a/ --dst-prefix=b/ "$1" > "$FACTORY_OUT/{PATCH_FILE}"
"""
#: what the index holds against the base commit ($1), as data
DESCRIBE = f"""set -e
{_GIT} write-tree > "$FACTORY_OUT/{TREE_FILE}"
{_DIFF} --raw --no-abbrev -z "$1" > "$FACTORY_OUT/{RAW_FILE}"
{_DIFF} --numstat -z "$1" > "$FACTORY_OUT/{NUMSTAT_FILE}"
{_GIT} cat-file --batch-check='%(objectname) %(objectsize)' --batch-all-objects --unordered > "$FACTORY_OUT/sizes"
"""


def run_git(sandbox: Sandbox, ref: SandboxRef, script: str, base_sha: str, pulse: Pulse) -> None:
    """Run one of the scripts above.

    Raises:
        PatchUnreadable: git could not read the workspace; its last words are in the message.
    """
    command = Command(argv=("sh", "-c", script, "git", base_sha), timeout=timedelta(minutes=10))
    words: list[str] = []
    end: Exit | None = None
    with closing(iter(sandbox.execute(ref, command))) as outputs:  # type: ignore[type-var]
        for output in outputs:
            pulse.observe(output)
            match output:
                case OutputLine(text=text):
                    words = [*words[-9:], text]
                case Exit():
                    end = output
    if end is None or end.code != 0:
        raise PatchUnreadable(" | ".join(words) or "git ended without a word")


def read_text(sandbox: Sandbox, ref: SandboxRef, name: str, limit: int = 20_000_000) -> str:
    content = sandbox.collect(ref, name, limit=limit)
    if content is None:
        raise PatchUnreadable(f"the workspace left no {name}")
    return content.decode("utf-8", "surrogateescape")


def parse_changes(raw: str, numstat: str, sizes: str) -> tuple[tuple[FileChange, ...], int, int]:
    """Return (files, lines added, lines removed) from git's -z outputs."""
    binary, added, removed = _parse_numstat(numstat)
    size_of = dict(line.split(" ", 1) for line in sizes.splitlines() if " " in line)
    fields = raw.split("\0")
    files: list[FileChange] = []
    while len(fields) > 1:
        meta = fields.pop(0).lstrip(":").split(" ")
        _old_mode, new_mode, _old, new, status = meta[:5]
        old_path = fields.pop(0) if status[0] == "R" else None
        path = fields.pop(0)
        files.append(
            FileChange(
                path=_printable(path),
                status=status[0],
                binary=path in binary,
                size=int(size_of.get(new, "0")),
                mode=new_mode,
                old_path=_printable(old_path) if old_path else None,
            )
        )
    return tuple(files), added, removed


def _parse_numstat(numstat: str) -> tuple[set[str], int, int]:
    binary: set[str] = set()
    added = removed = 0
    fields = numstat.split("\0")
    while len(fields) > 1:
        plus, minus, path = fields.pop(0).split("\t", 2)
        if not path:
            fields.pop(0)
            path = fields.pop(0)
        if plus == "-":
            binary.add(path)
        else:
            added, removed = added + int(plus), removed + int(minus)
    return binary, added, removed


def _printable(path: str) -> str:
    return path.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
