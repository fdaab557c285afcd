"""A broker in a process of its own before the real engine, and what an honest run worker asks it for."""

import http.client
import json
import os
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import docker

from adapters.sandbox.broker.serving import strict_profile

IMAGE = "factory-base:bookworm"
ENGINE = Path("/var/run/docker.sock")
REPOSITORY = Path(__file__).parents[3]
SERVING = """
import asyncio, sys
from pathlib import Path
from adapters.sandbox.broker.config import BrokerConfig, Roots, WorkerShape
from adapters.sandbox.broker.serving import serve
top, home, engine = Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3])
roots = Roots(top / "sandboxes", top / "environments", top / "doors", (top / "mirrors",))
worker = WorkerShape(
    image="factory-base:bookworm", user="10001:10001", networks=("none",),
    binds=frozenset({f"{top}/mirrors:/mirrors:ro"}), environment=frozenset({"DAGSTER_RUN_JOB_NAME", "FACTORY_HOME"}),
    tmpfs={"/tmp": "rw,nosuid,nodev,size=16m,nr_inodes=1k"},
)
images = frozenset({"factory-base:bookworm"})
config = BrokerConfig(
    home=home, sockets=top / "sockets", roots=roots, images=lambda: images, logs=top / "logs",
    docker=engine, worker=worker, grace_seconds=float(sys.argv[4]), sweep_seconds=0.3,
)
asyncio.run(serve(config))
"""


def engine_answers() -> bool:
    try:
        client = docker.DockerClient(base_url=f"unix://{ENGINE}", timeout=10)
        client.images.get(IMAGE)
        client.close()
    except Exception:
        return False
    return os.geteuid() == 0


@dataclass
class Brokerage:
    """A running broker; `call` speaks plain HTTP to it."""

    top: Path
    home: str
    engine: Path = ENGINE
    grace: float = 60.0
    process: subprocess.Popen[bytes] = field(init=False)

    def start(self) -> None:
        log = (self.top / "broker.log").open("ab")
        argv = [sys.executable, "-c", SERVING, str(self.top), self.home, str(self.engine), str(self.grace)]
        self.process = subprocess.Popen(argv, cwd=REPOSITORY, stdout=log, stderr=subprocess.STDOUT)
        log.close()
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                break
            try:
                self.call("GET", "/factory/disks")
                return
            except OSError:
                time.sleep(0.02)
        raise AssertionError(self.log())

    def log(self) -> str:
        return (self.top / "broker.log").read_text()

    def kill(self) -> None:
        self.process.kill()
        self.process.wait(20)

    def client(self, role: str = "sandbox") -> docker.DockerClient:
        return docker.DockerClient(base_url=f"unix://{self.socket(role)}", timeout=60)

    def socket(self, role: str = "sandbox") -> Path:
        return self.top / "sockets" / f"{role}.sock"

    def call(self, method: str, target: str, body: Any = None, role: str = "sandbox") -> tuple[int, Any]:
        connection = Plain(self.socket(role))
        content = body if isinstance(body, bytes | None) else json.dumps(body).encode()
        try:
            connection.request(method, target, body=content)
            answer = connection.getresponse()
            content = answer.read()
        finally:
            connection.close()
        kind = answer.getheader("content-type", "")
        return answer.status, json.loads(content) if kind.startswith("application/json") and content else content

    def raw(self, sent: bytes, role: str = "sandbox") -> bytes:
        """Send bytes as they are and return all that comes back."""
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(30)
            connection.connect(str(self.socket(role)))
            connection.sendall(sent)
            received = b""
            while piece := connection.recv(65536):
                received += piece
        return received

    def disk(self, name: str, size: int = 32 << 20, files: int = 1000) -> Path:
        status, told = self.call("POST", f"/factory/disks/{name}", {"bytes": size, "files": files})
        assert status == 201, told
        return Path(told["path"])


class Plain(http.client.HTTPConnection):
    def __init__(self, path: Path) -> None:
        super().__init__("broker", timeout=60)
        self.path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(60)
        folder = os.open(self.path.parent, os.O_RDONLY)  # because a socket's path is at most 108 bytes
        try:
            self.sock.connect(f"/proc/self/fd/{folder}/{self.path.name}")
        finally:
            os.close(folder)


@contextmanager
def brokerage(top: Path, **options: Any) -> Iterator[Brokerage]:
    """Serve below `top`, and leave no container and no mount behind."""
    for name in ("sandboxes", "environments", "doors", "mirrors"):
        (top / name).mkdir(parents=True)
    broker = Brokerage(top, uuid.uuid4().hex[:12], **options)
    broker.start()
    try:
        yield broker
    finally:
        broker.kill()
        clear(broker)


def clear(broker: Brokerage) -> None:
    engine = docker.DockerClient(base_url=f"unix://{ENGINE}")
    for container in engine.containers.list(all=True, filters={"label": f"factory.home={broker.home}"}):
        container.remove(force=True)
    engine.close()
    for found in (broker.top / "sandboxes").iterdir():
        subprocess.run(["umount", "-l", found / "disk"], capture_output=True, check=False)


def sandbox_body(broker: Brokerage, name: str, *command: str, **host: Any) -> dict[str, Any]:
    """What the sandbox adapter sends: every field that must be there."""
    return {
        "Image": IMAGE,
        "Cmd": list(command or ("true",)),
        "User": "10001:10001",
        "Env": ["HOME=/sandbox/home"],
        "WorkingDir": "/sandbox/work",
        "Labels": {"factory.home": broker.home, "factory.role": "sandbox", "factory.sandbox": name},
        "HostConfig": {
            "Binds": [f"{broker.top}/sandboxes/{name}/disk:/sandbox"],
            "ReadonlyRootfs": True,
            "CapDrop": ["ALL"],
            "SecurityOpt": ["no-new-privileges", "seccomp=" + json.dumps(strict_profile())],
            "PidsLimit": 128,
            "Memory": 256 << 20,
            "MemorySwap": 256 << 20,
            "NanoCpus": 10**9,
            "NetworkMode": "none",
            "IpcMode": "private",
            "CgroupnsMode": "private",
            "Init": True,
            "LogConfig": {"Type": "none", "Config": {}},
            "Dns": ["127.0.0.1"],
            "Ulimits": [{"Name": "core", "Soft": 0, "Hard": 0}, {"Name": "nofile", "Soft": 1024, "Hard": 1024}],
            "Tmpfs": {"/tmp": "rw,nosuid,nodev,size=16m,nr_inodes=1k,mode=1777"},
            **host,
        },
    }


def worker_body(broker: Brokerage, *command: str) -> dict[str, Any]:
    return {
        "Image": IMAGE,
        "Cmd": list(command or ("dagster", "api", "execute_run", "{}")),
        "User": "10001:10001",
        "Env": ["DAGSTER_RUN_JOB_NAME=work", f"FACTORY_HOME={broker.top}"],
        "Labels": {
            "factory.home": broker.home, "factory.role": "worker",
            "dagster/run_id": str(uuid.uuid4()), "dagster/job_name": "work",
        },
        "NetworkingConfig": {"EndpointsConfig": {"none": None}},
        "HostConfig": {
            "Binds": [f"{broker.top}/mirrors:/mirrors:ro"],
            "Tmpfs": {"/tmp": "rw,nosuid,nodev,size=16m,nr_inodes=1k"},
            "NetworkMode": "none",
            "ReadonlyRootfs": True,
            "CapDrop": ["ALL"],
            "SecurityOpt": ["no-new-privileges"],
            "Memory": 256 << 20,
            "MemorySwap": 256 << 20,
            "NanoCpus": 10**9,
            "PidsLimit": 128,
        },
    }  # fmt: skip
