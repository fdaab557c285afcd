"""Tries to use up the disk; each stops a little beyond the limit, in case there is none."""

import os
import shutil
import time

from control_plane.sandboxes.hostile.programs.loot import MEGABYTE, Canaries, Loot, filled, in_child, up

PIECE = 32 * MEGABYTE


def _fill(folder: str, wanted: int) -> str:
    path = os.path.join(folder, "hostile-fill")
    try:
        return filled(os.open(path, os.O_CREAT | os.O_WRONLY, 0o600), wanted)
    finally:
        os.unlink(path)


def disk_fill(canaries: Canaries) -> Loot:
    """All the folders it may write to together; reserving is tried too, because it is cheap."""
    loot = Loot()
    wanted = canaries["limits"]["disk_bytes"] * 5 // 4
    folders = {name: os.environ.get(name, ".") for name in ("PWD", "HOME", "TMPDIR", "FACTORY_OUT")}
    for name, folder in folders.items():
        loot.apart("reserve in " + name, _reserved, folder, wanted, seconds=10)
        loot.apart("fill " + name, _fill, folder, wanted, seconds=15)
    quarter = wanted // 4
    loot.apart("fill all four", _fill_all, list(folders.values()), quarter, seconds=15)
    return loot


def _fill_all(folders: list[str], each: int) -> str:
    paths = [os.path.join(folder, "hostile-part") for folder in folders]
    try:
        return " ".join(filled(os.open(path, os.O_CREAT | os.O_WRONLY, 0o600), each) for path in paths)
    finally:
        for path in paths:
            if os.path.exists(path):
                os.unlink(path)


def _reserved(folder: str, wanted: int) -> str:
    """In pieces, because the size of each file is limited too."""
    paths = [os.path.join(folder, "hostile-" + str(number)) for number in range(wanted // PIECE)]
    try:
        for path in paths:
            os.posix_fallocate(os.open(path, os.O_CREAT | os.O_WRONLY, 0o600), 0, PIECE)
        return str(wanted) + " bytes"
    finally:
        for path in paths:
            if os.path.exists(path):
                os.unlink(path)


def inode_fill(canaries: Canaries) -> Loot:
    loot = Loot()
    wanted = canaries["limits"]["disk_files"] * 5 // 4
    loot.apart("files in the workspace", _files, "many", wanted, seconds=25)
    shutil.rmtree("many", ignore_errors=True)
    return loot


def _files(folder: str, wanted: int) -> str:
    os.mkdir(folder)
    for number in range(wanted):
        os.mknod(os.path.join(folder, str(number)))
    return str(wanted) + " files"


def sparse_file(canaries: Canaries) -> Loot:
    loot = Loot()
    for folder in (".", os.environ["FACTORY_OUT"], os.environ["TMPDIR"]):
        loot.apart("1 TB in " + folder, _sparse, os.path.join(folder, "sparse"))
    return loot


def _sparse(path: str) -> str:
    descriptor = os.open(path, os.O_CREAT | os.O_WRONLY, 0o600)
    try:
        os.ftruncate(descriptor, 1 << 40)
        return "made"
    finally:
        os.close(descriptor)
        os.unlink(path)


def deep_folders(canaries: Canaries) -> Loot:
    """Deeper than a path can be; the outside must be able to remove them."""
    loot = Loot()
    loot.tried["depth"] = str(in_child(_deep, 20))
    return loot


def _deep() -> int:
    depth = 0
    try:
        while depth < 3000:
            os.mkdir("d")
            os.chdir("d")
            depth += 1
    except OSError:
        return depth
    return depth


def disk_filling_for_ever(canaries: Canaries) -> Loot:
    """Fills, removes and fills again until it is told to stop, which it is not asked."""
    up()
    chunk = b"x" * MEGABYTE
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        descriptor = os.open("endless", os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600)
        try:
            for _ in range(canaries["limits"]["disk_bytes"] // MEGABYTE):
                os.write(descriptor, chunk)
        except OSError:
            pass
        os.close(descriptor)
    return Loot()
