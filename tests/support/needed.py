"""What tests need besides the locked packages, each put in place by a script of its own."""

import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SCANNERS = ROOT / ".scanners"


class NotInstalled(Exception):
    """Something is not there; the message names the script. Its tests are skipped by tests/conftest.py, which fails CI."""


def scanners() -> Path:
    """Return the folder of the scanner programs.

    Raises:
        NotInstalled: they are not there as pinned.
    """
    return fresh("deploy/install-scanners", SCANNERS)


def fresh(script: str, folder: Path) -> Path:
    """Return the folder that a script fills.

    Raises:
        NotInstalled: it is not there as pinned.
    """
    if subprocess.run([ROOT / script, "--fresh"], check=False).returncode != 0:
        raise NotInstalled(f"{folder.name} is not there as pinned: run {script}")
    return folder
