"""What the factory does outside with what a sandbox left, done here to see whether a trap springs."""

import os
import subprocess
import tarfile
import time
import tracemalloc
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from control_plane.sandboxes.hostile.planting import PREFIX
from control_plane.sandboxes.hostile.programs.persisting import MARK
from control_plane.sandboxes.hostile.shapes import Scene
from domain.confinement import SandboxFailed
from domain.harness import Command
from domain.sandbox import OutputLine
from domain.taxonomy import FactoryError

SMALL = 1 << 20
SWAPS = 400
NAMES = (
    "absolute", "relative", "folder", "process", "descriptor", "passwd", "chain", "loop", "fifo", "socket", "device",
    "directory", "escaped", *(f"hard{number}" for number in range(12)), *(f"hard{number}-hard" for number in range(12)),
    *(f"hard{number}-link" for number in range(12)),
)  # fmt: skip
GIT = ("git", "-c", "core.hooksPath=/dev/null", "-c", "core.fsmonitor=false", "-c", "protocol.ext.allow=never")


def collect_all(scene: Scene) -> Mapping[str, Any]:
    """Collect every name that was planted; only what the sandbox itself wrote may come out."""
    began = time.monotonic()
    taken = [name for name in (*NAMES, scene.secret.name) if _collected(scene, name) is not None]
    return {"taken": taken, "seconds": time.monotonic() - began}


def _collected(scene: Scene, name: str, limit: int = SMALL) -> bytes | None:
    try:
        return scene.sandbox.collect(scene.ref, name, limit=limit)
    except FactoryError:
        return None


def collect_huge(scene: Scene) -> Mapping[str, Any]:
    """Collect a file that claims to be huge; it must be refused without being read."""
    tracemalloc.start()
    began = time.monotonic()
    taken = _collected(scene, "huge")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return {"taken": [] if taken is None else ["huge"], "seconds": time.monotonic() - began, "peak_bytes": peak}


def collect_swapped(scene: Scene) -> Mapping[str, Any]:
    """Collect again and again while the file is swapped for a link to a secret."""
    found = [_collected(scene, "swapped") for _ in range(SWAPS)]
    taken = {one for one in found if one not in {None, b"", b"fine"}}
    return {"taken": ["swapped"] if taken else [], "leaked": any(PREFIX.encode() in one for one in taken if one)}


def import_with_git(scene: Scene) -> Mapping[str, Any]:
    """Fetch the bundle into a bare repository of ours and look at all of it, as the factory does."""
    bundle = _collected(scene, "result.bundle", limit=16 * SMALL)
    if bundle is None:
        return {"untried": "no bundle came out"}
    (scene.folder / "result.bundle").write_bytes(bundle)
    bare = scene.folder / "bare.git"
    words = [
        ["init", "-q", "--bare", str(bare)],
        ["-C", str(bare), "fetch", "-q", "--no-tags", str(scene.folder / "result.bundle"), "HEAD:refs/heads/result"],
        ["-C", str(bare), "fsck", "--strict"],
        ["-C", str(bare), "diff-tree", "-r", "--raw", "--root", "--no-ext-diff", "--no-textconv", "result"],
        ["-C", str(bare), "log", "-p", "--no-ext-diff", "--no-textconv", "result"],
    ]
    codes = [_git(scene, one) for one in words]
    return {"codes": codes, "untried": "" if codes[:2] == [0, 0] else f"the bundle did not arrive: {codes}"}


def _git(scene: Scene, words: list[str]) -> int:
    environment = {"PATH": os.environ["PATH"], "HOME": str(scene.folder), "GIT_CONFIG_NOSYSTEM": "1"}
    done = subprocess.run([*GIT, *words], env=environment, capture_output=True, check=False, timeout=60)
    return done.returncode


def unpack(scene: Scene) -> Mapping[str, Any]:
    """Unpack the archive as hostile: each member by itself, refused ones left out."""
    packed = _collected(scene, "results.tar")
    if packed is None:
        return {"untried": "no archive came out"}
    archive, target = scene.folder / "results.tar", scene.folder / "inner" / "target"
    archive.write_bytes(packed)
    target.mkdir(parents=True)
    with tarfile.open(archive) as members:
        for member in members:
            _unpacked(members, member, target)
    beside = {path.name for path in (*scene.folder.iterdir(), *target.parent.iterdir())}
    odd = [path.name for path in target.rglob("*") if path.is_symlink() or not (path.is_file() or path.is_dir())]
    return {"taken": sorted(beside - {"results.tar", "inner", "target"}) + odd, "fine": (target / "fine.txt").exists()}


def _unpacked(members: tarfile.TarFile, member: tarfile.TarInfo, target: Path) -> None:
    """Take a regular file whose name stays inside, as bytes; Python's own filter is not in every 3.11."""
    path = PurePosixPath(member.name)
    content = members.extractfile(member) if member.isreg() else None
    if content is None or path.is_absolute() or ".." in path.parts:
        return
    try:
        (target / path).parent.mkdir(parents=True, exist_ok=True)
        with (target / path).open("xb") as file:
            file.write(content.read())
    except OSError:
        return


def look_in_a_new_run(scene: Scene) -> Mapping[str, Any]:
    """Make the next run's sandbox under another name, and the same one's again; nothing of the first may show."""
    names = (f"{scene.spec.id}-next", scene.spec.id)
    script = "sh -lc env; env; /usr/bin/python3 -c pass; git status; ls -aR . $HOME $TMPDIR $FACTORY_OUT /tmp /dev/shm"
    return {"shown": [name for name in names if MARK in _said_in_new(scene, name, script)]}


def _said_in_new(scene: Scene, name: str, script: str) -> str:
    ref = scene.sandbox.provision(scene.spec.model_copy(update={"id": name}))
    try:
        return _said(scene, ref.id, script)
    finally:
        scene.sandbox.teardown(ref)


def _said(scene: Scene, name: str, script: str) -> str:
    ref = scene.ref.model_copy(update={"id": name})
    outputs = scene.sandbox.execute(ref, Command(argv=("/bin/sh", "-c", script)))
    text = "\n".join(output.text for output in outputs if isinstance(output, OutputLine))
    if "FACTORY_OUT=" not in text:
        raise SandboxFailed(f"the next run said nothing: {text[:200]}")
    return text


def works_after(scene: Scene) -> Mapping[str, Any]:
    """Run one more command in the same sandbox: it must still answer."""
    try:
        return {"untried": "" if _said(scene, scene.ref.id, "env") else "no answer"}
    except FactoryError as error:
        return {"broken": error.message}
