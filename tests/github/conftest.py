"""One stand-in a test: acme/app with an admin, a writer, a reader and a stranger."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from github import GithubException
from github.PullRequest import PullRequest
from github.Repository import Repository

from tests.support.github import StandIn, github_stand_in
from tests.support.github.receiver import Receiver, receiver

APP = "acme/app"
FILES = {
    "README.md": "# app\n",
    "src/calc.py": "def double(x):\n    return x * 2\n",
    "docs/guide.md": "one\ntwo\nthree\n",
}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.github)


@pytest.fixture
def github(tmp_path: Path) -> Iterator[StandIn]:
    with github_stand_in(tmp_path / "github") as stand_in:
        stand_in.repository(APP, FILES)
        for login, role in (("ann", "admin"), ("bob", "write"), ("eve", "read"), ("out", "none")):
            stand_in.grant(APP, login, role)
        yield stand_in


@pytest.fixture
def ann(github: StandIn) -> Repository:
    return github.as_person("ann").get_repo(APP)


@pytest.fixture
def bob(github: StandIn) -> Repository:
    return github.as_person("bob").get_repo(APP)


@pytest.fixture
def eve(github: StandIn) -> Repository:
    return github.as_person("eve").get_repo(APP)


@pytest.fixture
def listener() -> Iterator[Receiver]:
    with receiver() as told:
        yield told


@pytest.fixture
def raw(github: StandIn) -> Callable[..., requests.Response]:
    """Return a caller without PyGithub: `raw("GET", "/user", token, json=...)`."""

    def call(method: str, path: str, token: str | None = None, **more: Any) -> requests.Response:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        headers |= more.pop("headers", {})
        return requests.request(method, github.base_url + path, headers=headers, timeout=30, **more)

    return call


def refused(error: pytest.ExceptionInfo[GithubException]) -> tuple[int, str]:
    """Return a refusal's status and all of its words."""
    return error.value.status, json.dumps(error.value.data)


def open_pull(github: StandIn, author: Repository, branch: str = "feature", **more: Any) -> PullRequest:
    """Put a commit on a branch and ask for it to be merged."""
    github.commit(APP, more.pop("files", {f"{branch}.txt": "new\n"}), f"Add {branch}", branch=branch, login="bob")
    return author.create_pull(base="main", head=branch, title=f"Add {branch}", **more)
