"""What the broker is told: where things lie, how large they may be, and the one shape of a run worker."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

HOME_LABEL = "factory.home"
ROLE_LABEL = "factory.role"
SANDBOX_LABEL = "factory.sandbox"
DEADLINE_LABEL = "factory.deadline"  #: Unix seconds after which a sandbox's container may be cleared away


class Role(StrEnum):
    """Who speaks: told by the socket used. The value is also the role of the containers it may touch."""

    SANDBOX = "sandbox"
    LAUNCHER = "worker"


@dataclass(frozen=True, slots=True)
class Roots:
    """Folders of this machine, absolute and without links, at the same path for the engine and the broker.

    Only trusted users may write to them: a bind's source is checked before the engine opens it.
    """

    sandboxes: Path  #: `<id>/disk` is a workspace
    environments: Path  #: `<name>.img` keeps a prepared environment
    doors: Path  #: `<id>` holds the door of the sandbox with that id
    readable: tuple[Path, ...] = ()  #: what lies below may be mounted read-only: mirrors, certificates


@dataclass(frozen=True, slots=True)
class Limits:
    """The most one sandbox may ask for."""

    memory_bytes: int = 16 * 1024**3
    nano_cpus: int = 8 * 10**9
    disk_bytes: int = 64 * 1024**3
    disk_files: int = 5_000_000
    lent_bytes: int = 1024**3  #: one file lent in, or read out


@dataclass(frozen=True, slots=True)
class WorkerShape:
    """The one kind of container the launcher may start; what is not named here it may not have."""

    image: str
    user: str  #: `uid:gid`, not root
    networks: tuple[str, ...]  #: the first at creation, the others by connecting
    binds: frozenset[str]  #: `source:target:ro` or `source:target:rw`, exactly these
    environment: frozenset[str]  #: names; values are free
    labels: Mapping[str, str] = field(default_factory=dict)  #: beside the factory's and Dagster's own
    groups: tuple[str, ...] = ()  #: additional group ids, to reach a socket of ours
    tmpfs: Mapping[str, str] = field(default_factory=dict)  #: options with nosuid, nodev, size and nr_inodes
    working_dir: str = ""
    read_only: bool = True
    memory_bytes: int = 2 * 1024**3
    nano_cpus: int = 2 * 10**9
    processes: int = 1024


@dataclass(frozen=True, slots=True)
class BrokerConfig:
    """One broker of one factory on one engine."""

    home: str  #: id of the factory; containers of others are not seen
    sockets: Path  #: folder of `sandbox.sock` and `launcher.sock`
    roots: Roots
    images: Callable[[], frozenset[str]]  #: what a sandbox may be made from now, by name, digest or id
    logs: Path  #: folder for the last words of run workers
    docker: Path = Path("/var/run/docker.sock")
    sandbox_group: int = 0  #: gid that may open sandbox.sock
    launcher_group: int = 0
    socket_mode: int = 0o660
    limits: Limits = Limits()
    worker: WorkerShape | None = None  #: without one, launcher.sock is not offered
    grace_seconds: float = 60.0  #: an exited run worker is kept this long
    sweep_seconds: float = 15.0  #: between two looks for what has exited
    user: str = "10001:10001"  #: whom commands of a sandbox run as
