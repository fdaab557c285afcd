"""Which scanner programs are installed, and what the script that installs them refuses; nothing is downloaded here."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.support.needed import scanners

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
LOCKS = sorted((DEPLOY / "scanners").glob("*.lock"))
PINNED = re.compile(r"^([A-Za-z0-9._-]+)(?:\[[^]]*\])?==([^\s;\\]+)", re.MULTILINE)


def install(checkout: Path, *words: str, path: str = "/usr/bin:/bin") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [checkout / "deploy" / "install-scanners", *words],
        env={"PATH": path},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A folder like a checkout, with the script and what it installs."""
    shutil.copytree(DEPLOY / "scanners", tmp_path / "deploy" / "scanners")
    shutil.copytree(ROOT / ".ci", tmp_path / ".ci")
    shutil.copy2(DEPLOY / "install-scanners", tmp_path / "deploy")
    return tmp_path


@pytest.mark.parametrize("lock", LOCKS, ids=lambda path: path.name)
def test_every_lock_pins_what_is_asked_for_with_digests_and_no_address(lock) -> None:
    text = lock.read_text()
    asked = dict(PINNED.findall(lock.with_suffix(".in").read_text()))
    found = dict(PINNED.findall(text))
    assert asked
    assert asked.items() <= found.items()
    assert "://" not in text
    blocks = re.split(r"(?m)^(?=[a-z])", text)
    assert all("--hash=sha256:" in block for block in blocks if "==" in block)
    assert " ; " not in text, "a marker would leave a package out where another Python runs it"


def test_there_are_two_locks() -> None:
    assert [path.name for path in LOCKS] == ["programs.lock", "requirements.lock"]


def test_without_a_python_it_says_what_to_do_and_leaves_nothing(checkout, tmp_path) -> None:
    folder = tmp_path / "programs"
    folder.mkdir()
    for name in ("sh", "dirname", "uname", "sha256sum", "cut", "cat", "realpath", "sed", "ls"):
        (folder / name).symlink_to(str(shutil.which(name)))
    done = install(checkout, path=str(folder))
    assert done.returncode == 1
    assert "apt-get install python3" in done.stderr
    assert not list(checkout.glob(".scanners*"))


def test_a_folder_with_something_else_is_left_alone(checkout) -> None:
    mine = checkout / "mine"
    mine.mkdir()
    (mine / "thesis.txt").write_text("years of work")
    done = install(checkout, str(mine))
    assert done.returncode == 1
    assert "holds something else" in done.stderr
    assert [path.name for path in mine.iterdir()] == ["thesis.txt"]


@pytest.mark.parametrize("words", [["--nope"], ["--help"], ["-f"]])
def test_misuse_shows_the_usage(checkout, words) -> None:
    done = install(checkout, *words)
    assert done.returncode == 2
    assert "Usage: deploy/install-scanners" in done.stderr
    assert not list(checkout.glob(".scanners*"))


def test_what_is_installed_counts_only_for_these_very_versions(checkout) -> None:
    """The stamp of an installed folder is its own; one of other versions, or none, makes it stale."""
    installed = scanners() / ".installed"
    other = checkout / "odd name; $(touch x)"
    assert install(checkout, "--fresh", str(other)).returncode == 1
    other.mkdir()
    shutil.copy2(installed, other)
    assert install(checkout, "--fresh", str(other)).returncode == 0
    assert install(checkout, str(other)).returncode == 0
    lock = checkout / "deploy" / "scanners" / "programs.lock"
    lock.write_text(lock.read_text().replace("ruff==0", "ruff==1"))
    assert install(checkout, "--fresh", str(other)).returncode == 1
    (other / ".installed").write_text("")
    assert install(checkout, "--fresh", str(other)).returncode == 1


def test_what_is_installed_starts_from_any_place_and_names_none(tmp_path) -> None:
    """No start script, link or setting of it leads back to where it was installed."""
    moved = tmp_path / "some where" / "scanners"
    shutil.copytree(scanners(), moved, symlinks=True, ignore=shutil.ignore_patterns("semgrep-core"))
    told = subprocess.run(
        [moved / "bin" / "bandit", "--version"],
        cwd=tmp_path,
        env={"PATH": "/nonexistent"},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert "1." in told.stdout
    assert not list(moved.rglob("*.so"))
    scripts = [path for path in (moved / "bin").iterdir() if path.stat().st_size < 10_000]
    assert len(scripts) == 4
    assert not [path.name for path in scripts if str(ROOT) in path.read_text()]
    for link in (path for path in moved.rglob("*") if path.is_symlink()):
        assert not str(link.readlink()).startswith(str(ROOT))


def test_a_folder_with_modules_of_the_same_names_does_not_stand_before_its_own(tmp_path) -> None:
    for name in ("bandit", "yaml", "json", "argparse"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit('mine')\n")
    told = subprocess.run(
        [scanners() / "bin" / "bandit", "--version"],
        cwd=tmp_path,
        env={"PATH": "/usr/bin:/bin", "PYTHONPATH": str(tmp_path), "PYTHONSTARTUP": str(tmp_path / "json.py")},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert "mine" not in told.stdout + told.stderr
