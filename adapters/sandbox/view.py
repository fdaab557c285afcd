"""What a bubblewrap sandbox sees of this machine: which host paths, read-only or not, and a small /etc."""

import sys
from dataclasses import dataclass
from pathlib import Path

import uv

from adapters.sandbox.surroundings import AGENTS, SCANNERS
from adapters.sandbox.workspace import ENVIRONMENT, INSIDE, MIRROR, Workspace
from domain.sandbox import SandboxSpec

SYSTEM = ("usr", "bin", "sbin", "lib", "lib32", "lib64", "libx32")
#: of the host's /etc, when they exist: public, and programs need them
ETC = ("ssl/certs", "ssl/openssl.cnf", "pki/tls/certs", "ca-certificates", "alternatives", "ld.so.cache", "localtime")
DOOR = Path("/run/egress")  #: where the door's socket, relay and certificates are seen
RELAY = (str(DOOR / "relay.py"), str(DOOR / "egress.sock"), "--")
TOOLS = "/run/factory/bin"  #: last on PATH
SYSTEM_PYTHON = Path("/usr/bin/python3")
TMP_BYTES = 512 * 1024**2


@dataclass(frozen=True, slots=True)
class Seen:
    """A host path and where it is seen."""

    source: Path
    target: Path
    writable: bool = False


def system() -> list[str]:
    """Return the bwrap options for the machine's programs, shared by every sandbox."""
    options: list[str] = []
    for path in (Path("/") / name for name in SYSTEM):
        if path.is_symlink():
            options += ["--symlink", str(path.readlink()), str(path)]
        elif path.is_dir():
            options += ["--ro-bind", str(path), str(path)]
    for path in (Path("/etc") / name for name in ETC):
        if path.exists():
            options += ["--ro-bind", str(path.resolve()), str(path)]
    return [*options, "--proc", "/proc", "--dev", "/dev", "--size", str(TMP_BYTES), "--tmpfs", "/tmp"]  # noqa: S108


def seen(workspace: Workspace, spec: SandboxSpec, *, door: bool) -> list[Seen]:
    """Return what one command of a sandbox sees besides the system, each path once, outer ones first."""
    found = [Seen(workspace.disk, INSIDE, writable=True)]
    found += [Seen(path, Path("/etc") / path.name) for path in sorted(workspace.etc.iterdir())]
    found.append(Seen(Path(uv.find_uv_bin()), Path(TOOLS) / "uv"))
    if not SYSTEM_PYTHON.exists():
        home = Path(sys.base_prefix)
        found += [_same(home), Seen(home / "bin" / "python3", Path(TOOLS) / "python3")]
    if spec.mirror is not None:
        found.append(Seen(Path(spec.mirror), MIRROR))
    if spec.environment is not None:
        found.append(Seen(workspace.top / "environment", ENVIRONMENT, writable=spec.environment_writable))
    if spec.agents is not None:
        found.append(Seen(Path(spec.agents), AGENTS))
    if spec.scanners is not None:
        found.append(Seen(Path(spec.scanners), SCANNERS))
    if door and spec.door is not None:
        found.append(Seen(Path(spec.door), DOOR))
    return sorted({one.target: one for one in reversed(found) if one.source.exists()}.values(), key=_depth)


def python() -> str:
    """Return a Python that is seen inside, for the door's relay."""
    return str(SYSTEM_PYTHON) if SYSTEM_PYTHON.exists() else f"{sys.base_prefix}/bin/python3"


def _depth(one: Seen) -> tuple[int, str]:
    return len(one.target.parts), str(one.target)


def _same(path: Path) -> Seen:
    return Seen(path, path)


def write_etc(etc: Path, user: int) -> None:
    """Write the few files of /etc that are the sandbox's own."""
    files = {
        "passwd": f"root:x:0:0:root:/nonexistent:/bin/sh\nfactory:x:{user}:{user}:factory:/nonexistent:/bin/sh\n",
        "group": f"root:x:0:\nfactory:x:{user}:\n",
        "hosts": "127.0.0.1 localhost\n::1 localhost\n",
        "nsswitch.conf": "passwd: files\ngroup: files\nhosts: files dns\n",
        "resolv.conf": "nameserver 127.0.0.1\noptions timeout:1 attempts:1\n",
    }
    for name, text in files.items():
        (etc / name).write_text(text)
        (etc / name).chmod(0o644)
