"""Tries to stay: in the machine's programs, in shared environments, in what the next command or run reads."""

import glob
import os
import site
import sys

from control_plane.sandboxes.hostile.programs.loot import Canaries, Loot, done, opens

MARK = "hostile-was-here"


def programs_of_the_machine(canaries: Canaries) -> Loot:
    """Opened to append and never written, so that a machine without walls is not harmed."""
    loot = Loot()
    paths = [sys.executable, os.path.realpath(sys.executable), "/bin/sh", "/usr/bin/git", "/usr/bin/env", os.__file__]
    paths += glob.glob("/lib/*/libc.so.6") + glob.glob("/usr/lib/*/libc.so.6") + glob.glob("/lib64/ld-linux*")
    paths += ["/etc/passwd", "/etc/hosts", "/etc/resolv.conf", "/etc/ld.so.cache", "/etc/nsswitch.conf"]
    for path in paths:
        loot.attempt("write " + path, opens, path, os.O_WRONLY | os.O_APPEND)
    for folder in (
        "/",
        "/usr/bin",
        "/usr/lib",
        "/usr/local/bin",
        "/etc",
        "/opt",
        "/var",
        "/root",
        "/home",
        "/sys",
        "/boot",
    ):
        loot.attempt("make in " + folder, _made_and_removed, folder)
    for path in ("/etc/ld.so.preload", "/etc/gitconfig", "/etc/profile.d/x.sh", "/etc/crontab"):
        loot.attempt("make " + path, _made_and_removed, path, "")
    return loot


def _made_and_removed(folder: str, name: str = "hostile-made") -> str:
    path = os.path.join(folder, name) if name else folder
    os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    os.unlink(path)
    return "made " + path


def environment_cache(canaries: Canaries) -> Loot:
    """The prepared environment is shared between runs: one that writes to it writes to all."""
    loot = Loot()
    there = os.environ["FACTORY_ENVIRONMENT"]
    tool = os.path.join(there, "bin", "tool")
    loot.facts["seen"] = os.path.exists(tool)
    loot.attempt("write a program", opens, tool, os.O_WRONLY | os.O_APPEND)
    loot.attempt("make a file", opens, os.path.join(there, "bin", "python3"), os.O_WRONLY | os.O_CREAT)
    loot.attempt("make it writable", done, os.chmod, tool, 511)
    loot.attempt("rename it", done, os.rename, tool, tool + ".old")
    loot.attempt("remove it", done, os.unlink, tool)
    loot.attempt("new times", done, os.utime, tool, (0, 0))
    loot.attempt("make a folder", done, os.mkdir, os.path.join(there, "lib-hostile"))
    loot.attempt("replace it whole", done, os.rename, there, there + ".old")
    loot.attempt("a new attribute", done, os.setxattr, tool, "user.hostile", b"x")
    return loot


def next_run(canaries: Canaries) -> Loot:
    """Everything a later command reads on its own; the outside makes a new sandbox and looks whether it did."""
    loot = Loot()
    if loot.on_host(canaries, "mnt"):
        return loot
    home = os.environ["HOME"]
    shell = "echo " + MARK + "; export LD_PRELOAD=/tmp/x.so PATH=/tmp/hostile:$PATH\n"
    python = "print('" + MARK + "')\n"
    git = "[alias]\n\tstatus = !echo " + MARK + '\n[core]\n\tfsmonitor = "echo ' + MARK + '"\n'
    files = {
        home + "/.profile": shell, home + "/.bashrc": shell, home + "/.bash_profile": shell, home + "/.gitconfig": git,
        home + "/.config/git/config": git, site.getusersitepackages() + "/usercustomize.py": python,
        "sitecustomize.py": python, "usercustomize.py": python, "/tmp/hostile/git": shell,
        os.environ["TMPDIR"] + "/" + MARK: MARK, os.environ["FACTORY_OUT"] + "/" + MARK: MARK,
        "/dev/shm/" + MARK: MARK, "/var/tmp/" + MARK: MARK, "/etc/profile.d/x.sh": shell,
    }  # fmt: skip
    for path, text in files.items():
        _kept(loot, path, text)
    return loot


def _kept(loot: Loot, path: str, text: str) -> None:
    try:
        os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
        with open(path, "w") as file:
            file.write(text)
        os.chmod(path, 0o755)
        loot.tried[path] = "planted"
    except OSError as error:
        loot.tried[path] = str(error)
