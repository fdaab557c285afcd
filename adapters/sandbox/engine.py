"""What the container broker offers, over its socket: containers of one shape, and disks that cannot outgrow a limit."""

import json
import os
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import quote

import docker
import requests
from docker.errors import APIError, DockerException, ImageNotFound
from docker.utils.socket import SocketError

from domain.errors import ImageUnavailable, PatchTooLarge, SandboxFailed, StorageFull

PATIENCE_SECONDS = 60
GONE, TOO_LARGE, FULL = 404, 413, 507


class Engine:
    """One client of the broker. Every method raises SandboxFailed when the broker or Docker does not do it."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @cached_property
    def client(self) -> Any:
        """The socket is reached through its directory's descriptor: a path of more than 107 bytes has no address."""
        if not self.answers():
            raise SandboxFailed(_why_no_broker(self.path))
        if not self.answers():
            raise SandboxFailed(_why_no_broker(self.path))
        folder = os.open(self.path.parent, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
        address = f"unix:///proc/self/fd/{folder}/{self.path.name}"
        return docker.APIClient(base_url=address, version="auto", timeout=PATIENCE_SECONDS)

    def answers(self) -> bool:
        """Tell whether a broker serves the socket; Docker behind it may be away."""
        if not self.path.exists():
            return False
        with socket.socket(socket.AF_UNIX) as probe, suppress(OSError):
            folder = os.open(self.path.parent, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
            try:
                return probe.connect_ex(f"/proc/self/fd/{folder}/{self.path.name}") == 0
            finally:
                os.close(folder)
        return False

    def image_id(self, image: str) -> str | None:
        """Return the id of a local image, None when there is none. What stands behind an @ may be the id itself."""
        found = self._image(image)
        digest = image.rpartition("@")[2]
        return found if found is not None or digest == image else self._image(digest)

    def _image(self, image: str) -> str | None:
        content = self._ask("GET", f"images/{image}/json", missing_ok=True, below="")
        return None if content is None else str(json.loads(content)["Id"])

    def create(self, body: Mapping[str, Any], name: str) -> str:
        with told("create the container"):
            try:
                return str(self.client.create_container_from_config(dict(body), name)["Id"])
            except ImageNotFound as error:
                raise ImageUnavailable(f"the image {body['Image']} is gone, or policy no longer names it") from error

    def attach(self, container: str, *, stdin: bool) -> Any:
        """Return a socket object that carries the container's streams; keep it as long as its descriptor is used."""
        wanted = {"stream": 1, "stdin": int(stdin), "stdout": 1, "stderr": 1}
        with told("attach to the container"):
            return self.client.attach_socket(container, params=wanted)

    def start(self, container: str) -> None:
        with told("start the container"):
            self.client.start(container)

    def state(self, container: str) -> dict[str, Any]:
        with told("look at the container"):
            return dict(self.client.inspect_container(container)["State"])

    def kill(self, container: str, signal: str = "SIGKILL") -> None:
        """Harmless when it has ended or is gone."""
        with told("kill the container"):
            try:
                self.client.kill(container, signal)
            except APIError as error:
                if error.status_code not in (GONE, 409):
                    raise

    def resize(self, container: str, rows: int, columns: int) -> None:
        with told("resize the terminal"):
            self.client.resize(container, rows, columns)

    def remove(self, container: str) -> None:
        """Kill and remove it with all it holds; harmless when it is gone or going."""
        with told("remove the container"):
            try:
                self.client.remove_container(container, v=True, force=True)
            except APIError as error:
                if error.status_code not in (GONE, 409):
                    raise

    def containers(self, labels: Mapping[str, str], *, running: bool = False) -> list[dict[str, Any]]:
        wanted = {"label": [f"{key}={value}" for key, value in labels.items()]}
        with told("list the containers"):
            return list(self.client.containers(all=not running, filters=wanted))

    def catch(self, container: str) -> None:
        """Lead every address inside the container's network to the relay there."""
        self._ask("POST", f"containers/{container}/catch")

    def cpu_seconds(self, container: str) -> float | None:
        told_now = self._ask("GET", f"containers/{container}/usage", missing_ok=True)
        used = json.loads(told_now or b"{}").get("cpu_seconds")
        return None if used is None else float(used)

    def make_disk(self, name: str, order: Mapping[str, Any]) -> None:
        """Make a sandbox's disk of so many `bytes` and `files`, for commands in an `image` by its id; beside it a
        prepared `environment`, or one as large as the disk if it is a `new_environment`.
        """
        self._ask("POST", f"disks/{name}", order)

    def disks(self) -> list[str]:
        return list(json.loads(self._ask("GET", "disks") or b"[]"))

    def remove_disk(self, name: str) -> None:
        self._ask("DELETE", f"disks/{name}", missing_ok=True)

    def lend(self, name: str, file: str, content: bytes) -> None:
        self._ask("PUT", f"disks/{name}/out/{file}", content)

    def fetch(self, name: str, file: str, limit: int) -> bytes | None:
        """Return a regular file of a disk's `out`; None when it is missing or something else."""
        return self._ask("GET", f"disks/{name}/out/{quote(file, safe='')}?limit={limit}", missing_ok=True)

    def _ask(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | bytes | None = None,
        *,
        missing_ok: bool = False,
        below: str = "/factory",
    ) -> bytes | None:
        data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        with told(f"{method.lower()} {path.split('?', maxsplit=1)[0]}"):
            client = self.client
            answer = client.request(
                method, f"{client.base_url}{below}/{path}", data=data or b"", timeout=PATIENCE_SECONDS
            )
        if answer.status_code == GONE and missing_ok:
            return None
        if answer.status_code >= 400:
            raise _refused(answer, path)
        return bytes(answer.content)


def _refused(answer: Any, path: str) -> Exception:
    words = str(answer.text).strip()[:500]
    with suppress(ValueError, KeyError, TypeError):
        words = json.loads(words)["message"]
    if answer.status_code == TOO_LARGE:
        return PatchTooLarge(words)
    failure = StorageFull if answer.status_code == FULL else SandboxFailed
    return failure(f"the container broker refused {path.split('?', maxsplit=1)[0]}: {words}")


@contextmanager
def told(what: str) -> Iterator[None]:
    """Turn the client's errors into the taxonomy's."""
    try:
        yield
    except (DockerException, requests.RequestException, SocketError, OSError) as error:
        words = error.explanation if isinstance(error, APIError) and error.explanation else str(error)
        raise SandboxFailed(f"cannot {what}: {str(words)[:500]}") from error


def _why_no_broker(path: Path) -> str:
    return f"no container broker answers at {path}: it needs a Docker engine, and root for the disks"
