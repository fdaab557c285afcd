"""CI must not go green on tests that did not run."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests import conftest
from tests.architecture.places import ROOT

SAMPLE = """
import pytest

from tests.support.needed import NotInstalled

@pytest.mark.postgres
def test_needs_a_server():
    pytest.skip("no server could be started")

@pytest.mark.bubblewrap
def test_needs_namespaces():
    pytest.skip("bwrap cannot make namespaces here: denied")

@pytest.mark.github
def test_needs_what_is_not_installed():
    raise NotInstalled("nothing is not there as pinned: run deploy/install-nothing")

def test_runs():
    pass
"""


@pytest.mark.parametrize("workers", [[], ["-n", "1"]])
@pytest.mark.parametrize(
    ("chosen", "ci", "status"),
    [("", "true", 1), ("not postgres and not github", "true", 0), ("not postgres", "true", 1), ("", "", 0)],
)
def test_skipped_family_off_the_list_fails_ci(tmp_path: Path, chosen: str, ci: str, status: int, workers: list[str]):
    shutil.copy(ROOT / "tests" / "conftest.py", tmp_path)
    shutil.copy(conftest.ALLOWED, tmp_path)
    (tmp_path / "pytest.ini").write_text("[pytest]\nmarkers =\n  postgres: x\n  bubblewrap: x\n  github: x\n")
    (tmp_path / "test_sample.py").write_text(SAMPLE)
    words = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *workers, "-m", chosen]
    found = subprocess.run(
        words, cwd=tmp_path, env={"CI": ci, "HOME": str(tmp_path)}, capture_output=True, text=True, check=False
    )
    assert found.returncode == status, found.stdout
    assert "skipped family bubblewrap: 1 tests (allowed): bwrap cannot make namespaces here: denied" in found.stdout
    if "github" not in chosen:
        told = "skipped family github: 1 tests (NOT ALLOWED in CI): nothing is not there as pinned: run deploy/install-nothing"
        assert told in found.stdout
    if not chosen:
        assert "skipped family postgres: 1 tests (NOT ALLOWED in CI): no server could be started" in found.stdout


def test_every_allowed_skip_names_a_known_family():
    allowed = conftest.read_allowed(conftest.ALLOWED.read_text())
    assert len(allowed) <= 5
    for family, reason in allowed:
        assert family in conftest.MARKED_FAMILIES or family.startswith("tests/")
        assert reason.strip("*")
