"""What of this machine a sandbox may see: the rule over paths as written. Pure; sources.py asks the disk."""

import re
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import Final

from adapters.sandbox.broker.config import Roots

NAME: Final = r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}"
DISK_TARGET: Final = "/sandbox"
DOOR_TARGET: Final = "/run/egress"
ENVIRONMENT_TARGET: Final = "/run/factory/environment"
#: where the engine would have to make a folder in what commands write to, or would cover what confines them
FORBIDDEN_TARGETS: Final = tuple(map(Path, ("/sandbox", "/tmp", "/proc", "/sys", "/dev", "/run/egress")))  # noqa: S108


class Kind(StrEnum):
    DISK = "disk"
    DOOR = "door"
    ENVIRONMENT = "environment"
    READABLE = "readable"


@dataclass(frozen=True, slots=True)
class Bind:
    source: Path
    target: Path
    writable: bool
    kind: Kind | None = None


def judge_binds(value: object, sandbox: str, roots: Roots) -> tuple[list[Bind], list[str]]:
    """Return the binds with their kinds, and words on each that a sandbox with this id may not have."""
    if not isinstance(value, list):
        return [], ["HostConfig.Binds"]
    judged = [judge_bind(one, sandbox, roots) for one in value]
    offences = [f"HostConfig.Binds: {one!r:.300}" for one, bind in zip(value, judged, strict=True) if bind is None]
    binds = [bind for bind in judged if bind is not None]
    if len({bind.target for bind in binds}) != len(binds):
        offences.append("HostConfig.Binds: one target twice")
    return binds, offences


def judge_bind(text: object, sandbox: str, roots: Roots) -> Bind | None:
    """Return what a bind is, or None when nobody may have it."""
    bind = parse_bind(text)
    if bind is None or not re.fullmatch(NAME, sandbox):
        return None
    kind = _kind(bind, sandbox, roots)
    return replace(bind, kind=kind) if kind else None


def parse_bind(text: object) -> Bind | None:
    """Read `source:target`, `:ro` or `:rw` behind it; None for anything else, relative and unnormalised paths too."""
    if not isinstance(text, str) or not text.isprintable():
        return None
    source, colon, rest = text.partition(":")
    target, _, mode = rest.partition(":")
    if not colon or mode not in ("", "ro", "rw") or not (_plain(source) and _plain(target)):
        return None
    return Bind(Path(source), Path(target), writable=mode != "ro")


def _plain(path: str) -> bool:
    normal = path.startswith("/") and not path.startswith("//") and ".." not in path.split("/")
    return normal and path != "/" and str(Path(path)) == path


def _kind(bind: Bind, sandbox: str, roots: Roots) -> Kind | None:
    target = str(bind.target)
    if bind.source == roots.sandboxes / sandbox / "disk":
        return Kind.DISK if target == DISK_TARGET and bind.writable else None
    if bind.source == roots.sandboxes / sandbox / "environment":
        return Kind.ENVIRONMENT if target == ENVIRONMENT_TARGET else None
    if bind.source == roots.doors / sandbox:
        return Kind.DOOR if target == DOOR_TARGET and not bind.writable else None
    if any(bind.target.is_relative_to(place) for place in FORBIDDEN_TARGETS):
        return None
    below = any(root in bind.source.parents for root in roots.readable)
    return Kind.READABLE if below and not bind.writable else None
