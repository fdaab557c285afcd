"""The Docker sandbox: each command in a container of its own, on the sandbox's disk, through the container broker."""

import hashlib
import os
import re
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from adapters.sandbox import syscalls
from adapters.sandbox.attached import Attached
from adapters.sandbox.engine import Engine
from adapters.sandbox.execution import follow
from adapters.sandbox.rooted import RootedSandbox
from adapters.sandbox.surroundings import environment_for
from adapters.sandbox.view import DOOR, RELAY
from adapters.sandbox.workspace import ENVIRONMENT, INSIDE, MIRROR, Workspace
from domain.errors import ImageUnavailable, SandboxFailed
from domain.execution import SandboxRef
from domain.harness import Command
from domain.sandbox import Availability, Exit, Isolation, Mailbox, Output, SandboxSpec, Tick

USER = "10001:10001"
TOOLS = "/usr/local/bin"  #: the image has uv there
#: by its full path: the environment leads PATH. In the foreground it hands a signal on once, to what it runs
TIMEOUT = ("/usr/bin/timeout", "--foreground", "--signal=KILL")
GROUP = ("/sbin/docker-init", "-s", "-g", "--")  #: hands a signal on to the whole group of the command
PYTHON = "/usr/bin/python3"  #: the image has one, for the door's relay
FILES = 4096  #: open files
PLAIN = r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}"  #: names of results the broker hands out
TMP_OPTIONS = "rw,nosuid,nodev,size=256m,nr_inodes=20k,mode=1777"
GRACE_SECONDS = 30  #: after a command's own limit, when the container ends by itself though nobody watches


class DockerSandbox(RootedSandbox):
    """For agents too. Needs the container broker, and the image."""

    name = "docker"
    isolation = Isolation.CONTAINER
    inside = INSIDE

    def __init__(self, root: Path, engine: Engine, image: str) -> None:
        super().__init__(root)
        self._engine, self._image = engine, image
        self._home = home_id(root)
        self._disks = disks_of(root)

    def image(self, wanted: str | None = None) -> str:
        name = wanted or self._image
        found = self._engine.image_id(name)
        if found is None:
            raise ImageUnavailable(f"the image {name} is not on this machine", image=name)
        return found

    def _make(self, workspace: Workspace, spec: SandboxSpec) -> None:
        """Pin the image by its id: a name that moves meanwhile changes nothing for what runs here."""
        image = self.image(spec.image)
        workspace.begin(spec.model_copy(update={"image": image}))
        order: dict[str, Any] = {"bytes": spec.disk_bytes, "files": spec.disk_files, "image": image}
        if spec.environment:
            order |= {"environment": Path(spec.environment).name, "new_environment": spec.environment_writable}
        self._engine.make_disk(workspace.top.name, order)

    def _unmake(self, workspace: Workspace) -> None:
        if not workspace.top.exists() and not self._engine.path.exists():
            return
        for found in self._engine.containers(self._labels(workspace.top.name)):
            self._engine.remove(found["Id"])
        self._engine.remove_disk(workspace.top.name)

    def lend(self, workspace: Workspace, name: str, source: Path) -> None:
        self._engine.lend(workspace.top.name, name, source.read_bytes())

    def collect(self, ref: SandboxRef, name: str, *, limit: int) -> bytes | None:
        if re.fullmatch(PLAIN, name) is None:
            return None
        return self._engine.fetch(ref.id, name, limit)

    def execute(self, ref: SandboxRef, command: Command, mail: Mailbox | None = None) -> Iterator[Output]:
        attached = self.begin(ref, command)
        try:
            yield from self._told(attached, command, mail)
        finally:
            attached.close()

    def begin(self, ref: SandboxRef, command: Command) -> Attached:
        workspace = self._workspace(ref)
        spec = workspace.spec()
        door = command.network and spec.door is not None
        told = environment_for(workspace, spec, command, self.mark(ref), TOOLS)
        body = self._body(workspace, spec, command, door)
        body["Env"] = [f"{name}={value}" for name, value in told.items()]
        container = self._engine.create(body, f"factory-{self._home}-{ref.id}-{os.urandom(4).hex()}")
        try:
            attached = Attached(self._engine, container, stdin=command.stdin is not None)
            self._engine.start(container)
            if door:
                self._engine.catch(container)
        except BaseException:
            self._engine.remove(container)
            raise
        return attached

    def _told(self, attached: Attached, command: Command, mail: Mailbox | None) -> Iterator[Output]:
        """Pass outputs on with what the engine knows."""
        spent: float | None = None
        for output in follow(attached, command, mail):
            match output:
                case Tick():
                    spent = self._engine.cpu_seconds(attached.container) or spent
                    yield output.model_copy(update={"cpu_seconds": spent})
                case Exit():
                    yield output.model_copy(update={"out_of_memory": attached.out_of_memory, "cpu_seconds": spent})
                case _:
                    yield output

    def interrupt(self, ref: SandboxRef) -> None:
        for found in self._engine.containers(self._labels(ref.id), running=True):
            self._engine.kill(found["Id"], "SIGINT")

    def leftovers(self) -> list[SandboxRef]:
        """Folders, and what the broker has of sandboxes whose folder is gone; while it is away, only folders."""
        found = {ref.id for ref in super().leftovers()}
        with suppress(SandboxFailed):
            found |= set(self._known_outside())
        return [SandboxRef(backend=self.name, id=name) for name in sorted(found)]

    def _known_outside(self) -> list[str]:
        if not self._engine.answers():
            return []
        labels = {"factory.home": self._home, "factory.role": "sandbox"}
        containers = self._engine.containers(labels)
        return [*(one["Labels"]["factory.sandbox"] for one in containers), *self._engine.disks()]

    def available(self) -> Availability:
        """Return whether it works here, found out by really running something, and why not."""
        try:
            image = self._engine.image_id(self._image)
            if image is None:
                return Availability(
                    works=False, detail=f"there is no image {self._image}", remedy="deploy/build-images sandbox"
                )
            return self._probed(image)
        except SandboxFailed as error:
            return Availability(works=False, detail=error.message, remedy="apt-get install docker.io; dockerd &")

    def _probed(self, image: str) -> Availability:
        failed = self.tried_out()
        if failed is not None:
            return Availability(works=False, detail=f"a container ended with {failed}", remedy="docker info")
        return Availability(works=True, detail=f"containers of {self._image} ({image[7:19]})", toolchain=image)

    def _labels(self, name: str) -> dict[str, str]:
        return {"factory.home": self._home, "factory.role": "sandbox", "factory.sandbox": name}

    def _body(self, workspace: Workspace, spec: SandboxSpec, command: Command, door: bool) -> dict[str, Any]:
        deadline = int(command.timeout.total_seconds()) + GRACE_SECONDS
        relay = (PYTHON, "-I", *RELAY) if door else ()
        stdin = command.stdin is not None
        return {
            "Image": spec.image or self._image,
            "Cmd": [*TIMEOUT, str(deadline), *GROUP, *relay, *command.argv],
            "User": USER,
            "WorkingDir": str(workspace.seen("work")),
            "Labels": {**self._labels(workspace.top.name), "factory.deadline": str(int(time.time()) + deadline)},
            "AttachStdin": stdin, "OpenStdin": stdin, "StdinOnce": stdin, "AttachStdout": True, "AttachStderr": True,
            "HostConfig": _walls(spec) | {"Binds": _binds(self._disks / workspace.top.name, spec)},
        }  # fmt: skip


def home_id(root: Path) -> str:
    """Return what tells the containers of one factory from those of another on the same engine."""
    return hashlib.sha256(str(root.absolute()).encode()).hexdigest()[:12]


def disks_of(root: Path) -> Path:
    """Return where the container broker keeps the disks; nobody else writes there."""
    return root.absolute() / "docker-disks"


def _walls(spec: SandboxSpec) -> dict[str, Any]:
    return {
        "ReadonlyRootfs": True,
        "CapDrop": ["ALL"],
        "SecurityOpt": ["no-new-privileges", f"seccomp={syscalls.profile()}"],
        "NetworkMode": "none",
        "Dns": ["127.0.0.1"],
        "IpcMode": "private",
        "CgroupnsMode": "private",
        "Init": True,
        "PidsLimit": spec.processes,
        "Memory": spec.memory_bytes,
        "MemorySwap": spec.memory_bytes,
        "NanoCpus": int(spec.cpus * 1e9),
        "Ulimits": [
            {"Name": name, "Soft": limit, "Hard": limit}
            for name, limit in (("nofile", FILES), ("core", 0), ("fsize", spec.disk_bytes))
        ],
        "Tmpfs": {"/tmp": TMP_OPTIONS},  # noqa: S108 - inside
        "LogConfig": {"Type": "none"},
    }


def _binds(top: Path, spec: SandboxSpec) -> list[str]:
    binds = [f"{top / 'disk'}:{INSIDE}"]
    if spec.mirror is not None:
        binds.append(f"{spec.mirror}:{MIRROR}:ro")
    if spec.environment is not None:
        binds.append(f"{top / 'environment'}:{ENVIRONMENT}" + ("" if spec.environment_writable else ":ro"))
    if spec.door is not None:
        binds.append(f"{spec.door}:{DOOR}:ro")
    return binds
