"""The production shape on a real engine, started with deploy/'s own commands, and what is to be seen of it from outside."""

import json
import subprocess
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from tests.deploy.shape import DEPLOY, plain_environment
from tests.support.factory import VERIFY
from tests.support.repositories import make_repository
from tests.support.services import NeverCame, eventually, free_port

PROJECT = "factory-e2e"
DEAR = 4.0  #: seconds between two questions through deploy/factory: one costs this machine about one
WORKERS = "10000:10000"


@dataclass
class Stack:
    data: Path
    port: int
    compose: dict[str, str]  #: what makes deploy/compose take another Compose than this machine's

    @property
    def state(self) -> Path:
        return self.data / "state"

    @property
    def environment(self) -> dict[str, str]:
        told = {"FACTORY_DATA": str(self.data), "FACTORY_PORT": str(self.port), "COMPOSE_PROJECT_NAME": PROJECT}
        return plain_environment(**told, **self.compose)

    @cached_property
    def home_label(self) -> str:
        return (self.state / "dagster" / "dagster.yaml").read_text().partition("factory.home: ")[2].partition("}")[0]

    def call(self, name: str, *words: str, told: str = "", timeout: float = 900, **variables: str) -> str:
        """Run a command of deploy/ with `told` as its standard input and return what it printed."""
        done = subprocess.run(
            [str(DEPLOY / name), *words], input=told,
            env={**self.environment, **variables}, capture_output=True, text=True, timeout=timeout, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:] + self.words()
        return done.stdout

    def words(self) -> str:
        done = subprocess.run([str(DEPLOY / "compose"), "logs", "--tail=20", "--no-color"], env=self.environment,
                              capture_output=True, text=True, check=False)  # fmt: skip
        return done.stdout[-6000:]

    def factory(self, *words: str, told: str = "") -> Any:
        return json.loads(self.call("factory", *words, "--json", told=told))

    def answers(self) -> bool:
        """Tell whether commands work."""
        words = [str(DEPLOY / "factory"), "status"]
        return subprocess.run(words, env=self.environment, capture_output=True, check=False).returncode == 0

    def get(self, path: str) -> tuple[int, dict[str, Any]]:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=20) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as refused:
            return refused.code, json.load(refused)

    def until(self, what: Callable[[], bool], words: str, pause: float = 0.5) -> None:
        try:
            eventually(what, words, pause=pause)
        except NeverCame as never:
            raise AssertionError(f"{never}\n{self.account()}") from never

    def account(self) -> str:
        """Return what the factory, the engine and the services tell of themselves, for a failed test's message."""
        commands = [
            [str(DEPLOY / "factory"), "status"], [str(DEPLOY / "factory"), "ticket", "list"],
            [str(DEPLOY / "factory"), "runs"], ["docker", "ps", "--all"], ["uptime"],
        ]  # fmt: skip
        told = [
            subprocess.run(words, env=self.environment, capture_output=True, text=True, check=False)
            for words in commands
        ]
        return "\n".join([*(done.stdout + done.stderr for done in told), self.words()])

    def enrol(self, name: str = "calc") -> None:
        source = make_repository(self.state / "source")
        subprocess.run(["chown", "-R", WORKERS, str(source)], check=True)
        self.factory("repo", "add", name, str(source), "--verify", VERIFY)

    def services(self, *filters: str) -> dict[str, dict[str, Any]]:
        """Return what the engine tells of each service's container."""
        found = containers(f"label=com.docker.compose.project={PROJECT}", *filters)
        return {one["Config"]["Labels"]["com.docker.compose.service"]: one for one in found}

    def made(self, *filters: str) -> list[dict[str, Any]]:
        """Return what the engine tells of each run worker and sandbox."""
        return containers(f"label=factory.home={self.home_label}", *filters)

    def mounts(self) -> list[str]:
        """Return what is mounted below the data folder, on this machine."""
        return [place for place in mounts_below(self.data) if place != str(self.data)]


@contextmanager
def running_stack(data: Path, **compose: str) -> Iterator[Stack]:
    """Bring a stack up, healthy, and remove every trace of it on this machine at the end of the block."""
    stack = Stack(data, free_port(), compose)
    try:
        stack.call("up")
        yield stack
    finally:
        subprocess.run([str(DEPLOY / "compose"), "down", "--timeout", "10"], env=stack.environment, check=False)
        for left in (one["Id"] for one in stack.made()):
            subprocess.run(["docker", "rm", "--force", left], capture_output=True, check=False)
        for place in sorted(mounts_below(stack.data), reverse=True):
            subprocess.run(["umount", "--lazy", place], check=False)


def docker(*words: str) -> str:
    return subprocess.run(["docker", *words], capture_output=True, text=True, check=True, timeout=60).stdout


def containers(*filters: str) -> list[dict[str, Any]]:
    """Return what the engine tells of each container that matches, running or not."""
    ids = docker("ps", "--all", "--quiet", *(word for one in filters for word in ("--filter", one))).split()
    # one that is gone by now is told of on standard error
    told = subprocess.run(["docker", "inspect", *ids], capture_output=True, text=True, check=False, timeout=60)
    return list(json.loads(told.stdout)) if ids else []


def mounts_below(folder: Path) -> list[str]:
    return [line.split()[4] for line in Path("/proc/self/mountinfo").read_text().splitlines() if str(folder) in line]
