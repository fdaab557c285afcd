"""`factory governance`, called as a user calls it, on real repositories with real scanners in a home of its own."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from control_plane.cli import app
from tests.support.needed import scanners
from tests.support.repositories import commit, git, make_repository

MAKEFILE = "test:\n\tpython3 -c 'import calc; assert calc.double(2) == 4'\n"
START: dict[str, str | bytes] = {"calc.py": "def double(x):\n    return x * 2\n", "Makefile": MAKEFILE}


@dataclass
class Said:
    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        return json.loads(self.out)

    def rule(self, name: str) -> dict[str, Any]:
        return next(one for one in self.document["verdicts"] if one["rule"] == name)


@dataclass
class Judge:
    """A repository with a base and a change, and the command line."""

    call: Callable[..., Said]
    source: Path
    rules: tuple[str, ...] = field(default=())

    def change(self, files: dict[str, str | bytes], message: str = "change") -> str:
        return commit(self.source, files, message)

    def run(self, *rules: str, base: str = "main", what: Path | None = None, words: tuple[str, ...] = ()) -> Said:
        told = [word for rule in rules for word in ("--rule", rule)]
        return self.call("governance", "run", what or self.source, "--base", base, "--json", *told, *words)


@pytest.fixture(scope="session", autouse=True)
def _scanners() -> None:
    scanners()


@pytest.fixture
def call(capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Said]:
    for name in ("FACTORY_DATABASE_URL", "FACTORY_POLICY_DIR", "FACTORY_ADVISORIES", "FACTORY_SCANNERS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("FACTORY_HOME", str(tmp_path / "home"))

    def run(*words: object) -> Said:
        capsys.readouterr()
        code = app.run([str(word) for word in words])
        said = capsys.readouterr()
        return Said(code, said.out, said.err)

    return run


@pytest.fixture
def judge(call: Callable[..., Said], tmp_path: Path) -> Judge:
    source = make_repository(tmp_path / "shop", dict(START))
    git(source, "checkout", "-q", "-b", "change")
    return Judge(call, source)
