"""Which agent programs are installed, and what the script that installs them refuses; nothing is downloaded here."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

DEPLOY = Path(__file__).parents[2] / "deploy"
MANIFEST = json.loads((DEPLOY / "agents" / "package.json").read_text())
LOCK = json.loads((DEPLOY / "agents" / "package-lock.json").read_text())
WANTED = MANIFEST["dependencies"] | MANIFEST["optionalDependencies"]


def install(checkout: Path, *words: str, path: str = "/usr/bin:/bin") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [checkout / "deploy" / "install-agents", *words],
        env={"PATH": path},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A folder like a checkout, with the script and what it installs."""
    shutil.copytree(DEPLOY / "agents", tmp_path / "deploy" / "agents")
    shutil.copy2(DEPLOY / "install-agents", tmp_path / "deploy")
    return tmp_path


@pytest.fixture
def without_npm(tmp_path: Path) -> str:
    """A PATH with all that the script needs but npm."""
    folder = tmp_path / "programs"
    folder.mkdir()
    for name in ("sh", "dirname", "uname", "sha256sum", "cut", "cat", "realpath", "sed", "ls"):
        (folder / name).symlink_to(str(shutil.which(name)))
    return str(folder)


def test_every_program_is_pinned_to_one_version() -> None:
    assert all(re.fullmatch(r"\d+\.\d+\.\d+", version) for version in WANTED.values())
    assert LOCK["packages"][""]["dependencies"] == MANIFEST["dependencies"]
    for name, version in WANTED.items():
        assert LOCK["packages"][f"node_modules/{name}"]["version"] == version


def test_the_lock_has_the_digest_of_every_package_and_no_address() -> None:
    packages = {name: one for name, one in LOCK["packages"].items() if name}
    assert packages
    assert [name for name, one in packages.items() if not one["integrity"].startswith("sha512-")] == []
    assert [name for name, one in packages.items() if "resolved" in one] == []
    assert "://" not in re.sub(r'"funding": \{[^}]*\}', "", (DEPLOY / "agents" / "package-lock.json").read_text())


def test_without_npm_it_says_what_to_do_and_leaves_nothing(checkout, without_npm) -> None:
    done = install(checkout, path=without_npm)
    assert done.returncode == 1
    assert "apt-get install npm" in done.stderr
    assert not list(checkout.glob(".agents*"))


def test_a_folder_with_something_else_is_left_alone(checkout) -> None:
    if shutil.which("npm", path="/usr/bin:/bin") is None:
        pytest.fail("npm is missing: apt-get install npm")
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
    assert "Usage: deploy/install-agents" in done.stderr
    assert not list(checkout.glob(".agents*"))


def test_what_is_installed_counts_only_for_these_very_versions(checkout) -> None:
    """The stamp of an installed folder is its own; one of other versions, or none, makes it stale."""
    agents = checkout / "odd name; $(touch x)"
    assert install(checkout, "--fresh", str(agents)).returncode == 1
    agents.mkdir()
    shutil.copy2(DEPLOY.parent / ".agents" / ".installed", agents)
    assert install(checkout, "--fresh", str(agents)).returncode == 0
    assert install(checkout, str(agents)).returncode == 0
    manifest = checkout / "deploy" / "agents" / "package.json"
    manifest.write_text(manifest.read_text().replace("2.1.197", "2.1.198"))
    assert install(checkout, "--fresh", str(agents)).returncode == 1
    (agents / ".installed").write_text("")
    assert install(checkout, "--fresh", str(agents)).returncode == 1


def test_openhands_beside_them_leaves_them_fresh(checkout) -> None:
    """The stamp's first line is theirs, whatever else the folder holds."""
    agents = checkout / "agents"
    agents.mkdir()
    own = (DEPLOY.parent / ".agents" / ".installed").read_text().splitlines()[0]
    (agents / ".installed").write_text(f"{own}\n{'0' * 64}\n")
    assert install(checkout, "--fresh", str(agents)).returncode == 0
