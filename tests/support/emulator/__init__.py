"""A GitHub of another maker (`emulate` on npm), as a second opinion beside our own stand-in. See `install`."""

import json
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import requests

from tests.support.needed import NotInstalled

FOLDER = Path(__file__).resolve().parents[3] / ".github-description-emulator"
PEOPLE = ("acme", "ann", "bob", "factory-bot")
START_SECONDS = 120.0


class EmulatorMissing(NotInstalled):
    """Run tests/support/emulator/install first."""


@dataclass(frozen=True)
class Emulator:
    """It serves REST alone, under `localhost`: git it has none."""

    base_url: str

    @staticmethod
    def token(login: str) -> str:
        return f"emulated-{login}"

    def ask(self, verb: str, path: str, body: object = None, login: str = "acme") -> requests.Response:
        headers = {"Authorization": f"Bearer {self.token(login)}"}
        return requests.request(verb, self.base_url + path, json=body, headers=headers, timeout=60)

    def repository(self, name: str) -> str:
        """Make a repository that everybody of PEOPLE may write; return its full name."""
        self.ask("POST", "/user/repos", {"name": name, "private": True, "auto_init": False}).raise_for_status()
        for login in PEOPLE[1:]:
            place = f"/repos/acme/{name}/collaborators/{login}"
            self.ask("PUT", place, {"permission": "push"}).raise_for_status()
        return f"acme/{name}"


@contextmanager
def emulator(folder: Path) -> Iterator[Emulator]:
    """Run the emulator on a free port of loopback; all it knows is gone afterwards.

    Raises:
        EmulatorMissing: tests/support/emulator/install was not run.
    """
    program, node = FOLDER / "node_modules/emulate/dist/index.js", shutil.which("node")
    if node is None or not program.is_file():
        raise EmulatorMissing(
            f"{FOLDER.name}/ has no emulator, or there is no node: run tests/support/emulator/install"
        )
    folder.mkdir(parents=True)
    seed, log = folder / "seed.yaml", folder / "log"
    tokens = {Emulator.token(login): {"login": login, "scopes": ["repo", "user"]} for login in PEOPLE}
    seed.write_text(json.dumps({"tokens": tokens, "github": {"users": [{"login": login} for login in PEOPLE]}}))
    port = _free_port()
    with log.open("wb") as output:
        argv = [node, str(program), "start", "-s", "github", "-p", str(port), "--seed", str(seed)]
        process = subprocess.Popen(argv, stdout=output, stderr=output, cwd=folder)
    try:
        found = Emulator(f"http://localhost:{port}")
        _wait(found, process, log)
        yield found
    finally:
        process.terminate()
        process.wait(30)


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def _wait(found: Emulator, process: "subprocess.Popen[bytes]", log: Path) -> None:
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end and process.poll() is None:
        try:
            if found.ask("GET", "/user").json().get("login") == "acme":
                return
        except (requests.RequestException, ValueError):
            time.sleep(0.1)
    raise AssertionError(f"the emulator does not answer:\n{log.read_text()[-2000:]}")
