"""Forges what a hostile sandbox could hand over: trees git would not write, bundles git would not make."""

import hashlib
import os
import subprocess
import zlib
from collections.abc import Iterable, Sequence
from pathlib import Path

from tests.support.repositories import ENV, make_repository
from tests.support.repositories import git as words

RESULT = "refs/factory/result"
Item = tuple[str, bytes, str]  #: mode, name, object id


class Smith:
    """A workspace and the mirror it came from."""

    def __init__(self, folder: Path, files: dict[str, str | bytes] | None = None) -> None:
        self.source = make_repository(folder / "source", files or {"f": "x\n", "d/g": "y\n" * 50})
        self.mirror = folder / "mirror.git"
        words(folder, "clone", "-q", "--bare", str(self.source), str(self.mirror))
        self.base = words(self.source, "rev-parse", "HEAD")
        self.work = folder / "work"
        words(folder, "clone", "-q", str(self.mirror), str(self.work))

    def git(self, *arguments: str, stdin: bytes = b"", **environment: str) -> bytes:
        """Run git in the workspace."""
        done = subprocess.run(
            ["git", *arguments], cwd=self.work, env={**ENV, **environment}, check=True, capture_output=True, input=stdin
        )
        return done.stdout.strip()

    def blob(self, content: bytes) -> str:
        return self.git("hash-object", "-w", "--stdin", stdin=content).decode()

    def tree(self, *items: Item) -> str:
        """Write a tree of any names and modes, in the order given."""
        content = b"".join(mode.encode() + b" " + name + b"\0" + bytes.fromhex(oid) for mode, name, oid in items)
        return self.git("hash-object", "-w", "-t", "tree", "--literally", "--stdin", stdin=content).decode()

    def file(self, name: bytes, content: bytes = b"evil\n", mode: str = "100644") -> Item:
        return (mode, name, self.blob(content))

    def commit(self, tree: str, *parents: str) -> str:
        told = [word for parent in parents or (self.base,) for word in ("-p", parent)]
        return self.git("commit-tree", tree, *told, "-m", "x").decode()

    def bundle(self, tip: str, *excluded: str, refs: Sequence[str] = (RESULT,)) -> bytes:
        """Return a bundle of a commit as git itself makes it."""
        for ref in refs:
            self.git("update-ref", ref, tip)
        path = self.work / ".git" / "made.bundle"
        path.unlink(missing_ok=True)
        self.git("bundle", "create", "-q", str(path), *refs, *(f"^{one}" for one in excluded or (self.base,)))
        return path.read_bytes()

    def bundle_tree(self, *items: Item) -> bytes:
        return self.bundle(self.commit(self.tree(*items)))

    def bundle_work(self) -> bytes:
        """Return a bundle of everything that is in the workspace now."""
        self.git("add", "-A")
        return self.bundle(self.commit(self.git("write-tree").decode()))


def split(bundle: bytes) -> tuple[bytes, bytes]:
    at = bundle.index(b"\n\n") + 2
    return bundle[:at], bundle[at:]


def pack(objects: Iterable[tuple[int, int, bytes]], count: int | None = None, version: int = 2) -> bytes:
    """Return a pack of (kind, declared size, compressed data with whatever stands before it)."""
    listed = list(objects)
    body = b"PACK" + version.to_bytes(4, "big") + (len(listed) if count is None else count).to_bytes(4, "big")
    for kind, size, data in listed:
        body += _head(kind, size) + data
    return body + hashlib.sha1(body).digest()


def number(value: int) -> bytes:
    """Return a number as deltas write it."""
    out = bytearray()
    while True:
        value, low = value >> 7, value & 127
        out.append(low | (128 if value else 0))
        if not value:
            return bytes(out)


def delta(base_size: int, result_size: int) -> bytes:
    """Return a delta that copies the base's beginning over and over."""
    chunk = min(base_size, 0xFFFFFF)
    copy = bytes([0x80 | 0x70]) + chunk.to_bytes(3, "little")
    return number(base_size) + number(result_size) + copy * (result_size // chunk)


def _head(kind: int, size: int) -> bytes:
    first, rest = (kind << 4) | (size & 15), size >> 4
    return bytes([first]) if not rest else bytes([first | 128]) + number(rest)


def zeros(size: int) -> bytes:
    """Return compressed zeros, made a step at a time."""
    stream, step = zlib.compressobj(9), bytes(1 << 20)
    out = b"".join(stream.compress(step[: min(len(step), size - at)]) for at in range(0, size, len(step)))
    return out + stream.flush()


def plain(content: bytes) -> bytes:
    return zlib.compress(content)


def canary_script(folder: Path) -> tuple[Path, Path]:
    """Return a program that leaves a mark when it runs, and the mark."""
    mark, program = folder / "canary", folder / "program.sh"
    program.write_text(f"#!/bin/sh\ntouch {mark}\ncat\n")
    os.chmod(program, 0o755)  # noqa: PTH101 - the file is ours
    return program, mark
