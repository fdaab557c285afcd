"""What the script that installs OpenHands finds, refuses and copies; nothing is downloaded here."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

DEPLOY = Path(__file__).parents[2] / "deploy"
LOCK = (DEPLOY / "agents" / "openhands.lock").read_text()
NEEDED = (
    "sh", "dirname", "uname", "sha256sum", "cut", "cat", "realpath", "sed", "ls", "id", "getent", "head", "touch",
)  # fmt: skip


def install(checkout: Path, *words: str, **told: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [checkout / "deploy" / "install-openhands", *words],
        env={"PATH": str(checkout / "programs"), **told},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A folder like a checkout, on a machine with little more than a shell, whose user has no home."""
    shutil.copytree(DEPLOY / "agents", tmp_path / "deploy" / "agents")
    shutil.copy2(DEPLOY / "install-openhands", tmp_path / "deploy")
    (tmp_path / "programs").mkdir()
    for name in NEEDED:
        (tmp_path / "programs" / name).symlink_to(str(shutil.which(name)))
    (tmp_path / "programs" / "getent").unlink()
    make(tmp_path / "programs" / "getent", "echo 'ann:x:1:1::/nonexistent:/bin/sh'")
    return tmp_path


def make(file: Path, script: str) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(f"#!/bin/sh\n{script}\n")
    file.chmod(0o755)
    return file


def test_every_package_is_pinned_by_its_digest_and_no_address_is_told() -> None:
    assert "://" not in LOCK
    packages = re.findall(
        r"^([a-z0-9][\w.-]*)(?:\[[^]]+\])?==\S+(?: ;[^\\\n]+)? \\\n    --hash=sha256:[0-9a-f]{64}", LOCK, re.MULTILINE
    )
    assert len(packages) == len(re.findall(r"^[^ #\n]", LOCK, re.MULTILINE)) > 100
    wanted = re.findall(r"^([\w-]+==\S+)$", (DEPLOY / "agents" / "openhands.in").read_text(), re.MULTILINE)
    assert {one.split("==")[0] for one in wanted} == {"openhands", "setuptools"}
    assert all(f"\n{one} \\" in f"\n{LOCK}" for one in wanted)


def test_without_its_python_it_says_what_to_do_and_leaves_nothing(checkout) -> None:
    for words in ((), ("--python",), ("--image",)):
        done = install(checkout, *words)
        assert done.returncode == 1, done.stdout
        assert "Python 3.12" in done.stderr
        assert "FACTORY_PYTHON312" in done.stderr
    assert not list(checkout.glob(".agents*"))


@pytest.mark.parametrize("words", [["--nope"], ["--help"], ["-f"]])
def test_misuse_shows_the_usage(checkout, words) -> None:
    done = install(checkout, *words)
    assert done.returncode == 2
    assert "Usage: deploy/install-openhands" in done.stderr


@pytest.mark.parametrize("place", ["told", "PATH", "PYENV_ROOT", "HOME", "user", "uv"])
def test_its_python_is_found_where_people_have_it(checkout, place) -> None:
    folders = {"PATH": "programs", "PYENV_ROOT": "p/versions/3.12.9/bin", "HOME": "h/.pyenv/versions/3.12.1/bin",
               "user": "u/.pyenv/versions/3.12.7/bin"}  # fmt: skip
    python = make(checkout / folders.get(place, "x y") / "python3.12", "exit 0")
    told = {"told": {"FACTORY_PYTHON312": str(python)}, "PYENV_ROOT": {"PYENV_ROOT": str(checkout / "p")},
            "HOME": {"HOME": str(checkout / "h")}}.get(place, {})  # fmt: skip
    if place == "user":
        make(checkout / "programs" / "getent", f"echo 'ann:x:1:1::{checkout}/u:/bin/sh'")
    if place == "uv":
        make(checkout / ".venv" / "bin" / "uv", f"[ \"$UV_PYTHON_DOWNLOADS\" = never ] && echo '{python}'")
    done = install(checkout, "--python", **told)
    assert (done.returncode, done.stdout) == (0, f"{python}\n"), done.stderr


def test_one_that_does_not_start_or_is_another_is_passed_over(checkout) -> None:
    """As pyenv's shims are, where no version is chosen."""
    make(checkout / "programs" / "python3.12", "echo 'pyenv: python3.12: command not found' >&2; exit 127")
    assert install(checkout, "--python", FACTORY_PYTHON312=sys.executable).returncode == (
        sys.version_info[:2] != (3, 12)
    )
    assert install(checkout, "--python", FACTORY_PYTHON312="/nowhere/python3.12").returncode == 1


def test_it_is_fresh_for_this_very_lock_only(checkout) -> None:
    agents = checkout / "agents"
    assert install(checkout, "--fresh", str(agents)).returncode == 1
    wanted = subprocess.run(
        ["sh", "-c", "{ uname -sm; cat agents/openhands.lock agents/copy-python.py install-openhands; } | sha256sum"],
        cwd=checkout / "deploy", capture_output=True, text=True, check=True,
    ).stdout[:64]  # fmt: skip
    (agents / "openhands").mkdir(parents=True)
    (agents / "openhands" / ".installed").write_text(f"{wanted}\n")
    assert install(checkout, "--fresh", str(agents)).returncode == 0
    assert install(checkout, str(agents)).returncode == 0
    assert not (agents / "openhands" / ".in-image").exists()
    assert install(checkout, "--image", str(agents)).returncode == 0
    assert (agents / "openhands" / ".in-image").exists()
    (checkout / "deploy" / "agents" / "openhands.lock").write_text("other==1\n")
    assert install(checkout, "--fresh", str(agents)).returncode == 1


def test_a_copied_python_works_in_any_place_and_brings_its_own_library(tmp_path) -> None:
    """With the Python of these tests: what is copied is what runs the script."""
    base = Path(os.path.realpath(sys.executable))
    subprocess.run([base, "-I", DEPLOY / "agents" / "copy-python.py", tmp_path / "first"], check=True)
    moved = (tmp_path / "first").rename(tmp_path / "another place")
    (program,) = (moved / "bin").iterdir()
    script = "import ctypes, json, ssl, sqlite3, sys; print(json.dumps([sys.prefix, sys.path, sys.executable]))"
    told = subprocess.run(
        [program, "-I", "-c", script], env={"PATH": "/usr/bin:/bin"}, capture_output=True, text=True, check=False
    )
    assert told.returncode == 0, told.stderr
    assert str(moved) in told.stdout
    assert str(base.parent.parent / "lib") not in told.stdout
    assert subprocess.run([program, "-I", "-c", "import test"], capture_output=True, check=False).returncode == 1
