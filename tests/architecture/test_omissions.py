"""`make docs-check` fails for a module that says nothing of itself, and for a visible change without a changelog line."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.architecture.places import ROOT
from tests.support.repositories import commit, git, make_repository

SCRIPT = ROOT / "docs" / "omissions.py"
SETTINGS = "resources/settings.py"
SAID = '"""All that can be set."""\n\nlimit = 3\n'
START: dict[str, str | bytes] = {SETTINGS: SAID, "CHANGELOG.md": "# Changelog\n"}


def check(source: Path) -> tuple[int, str]:
    words = [sys.executable, str(SCRIPT), "--root", str(source), "--base", "main"]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


@pytest.fixture
def source(tmp_path: Path) -> Path:
    made = make_repository(tmp_path / "product", dict(START))
    git(made, "checkout", "-q", "-b", "change")
    return made


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ({"sensors/watch.py": "limit = 3\n"}, "sensors/watch.py: begin"),
        ({"sensors/watch.py": "limit = 3\n", "CHANGELOG.md": "more\n"}, "sensors/watch.py: begin"),
        ({SETTINGS: SAID + "more = 4\n"}, "resources/settings.py: CHANGELOG.md"),
        ({"policy/rules/size.yaml": "most: 3\n"}, "policy/rules/size.yaml: CHANGELOG.md"),
        ({SETTINGS: SAID + "more = 4\n", "CHANGELOG.md": "# Changelog\n\n- more\n"}, None),
        ({"sensors/watch.py": SAID}, None),
        ({"sensors/__init__.py": ""}, None),
        ({"tests/test_x.py": "x = 1\n"}, None),
    ],
)
def test_an_omission_is_named(source: Path, files: dict[str, str | bytes], words: str | None) -> None:
    commit(source, files, "change it")
    code, said = check(source)
    assert (code != 0) is (words is not None), said
    assert (words or "") in said


def test_an_unknown_base_is_no_pass(source: Path) -> None:
    done = subprocess.run([sys.executable, str(SCRIPT), "--root", str(source), "--base", "gone"], check=False)
    assert done.returncode != 0


def test_docs_check_asks_for_omissions() -> None:
    target = (ROOT / "Makefile").read_text().partition("docs-check: ")[2].partition("\n\n")[0]
    assert "docs/omissions.py" in target
