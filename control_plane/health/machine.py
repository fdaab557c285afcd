"""What this machine must offer: programs, a writable home, room."""

import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

import uv

from adapters.sandbox.contract import Sandbox
from domain.model import Value
from domain.sandbox import Isolation

OLDEST_PYTHON = (3, 11)
OLDEST_GIT = (2, 30)
LEAST_ROOM = 1024**3  #: bytes


class Check(Value):
    name: str
    ok: bool
    detail: str
    remedy: str | None = None


def python_check() -> Check:
    ok = sys.version_info[:2] >= OLDEST_PYTHON
    return Check(name="python", ok=ok, detail=platform.python_version(), remedy=None if ok else "Install Python 3.11+.")


def git_check() -> Check:
    words = _said("git", "--version")
    found = re.search(r"(\d+)\.(\d+)", words or "")
    ok = found is not None and (int(found[1]), int(found[2])) >= OLDEST_GIT
    return Check(name="git", ok=ok, detail=words or "not found", remedy=None if ok else "Install git 2.30 or newer.")


def uv_check() -> Check:
    try:
        detail, ok = _said(str(shutil.which("uv") or uv.find_uv_bin()), "--version") or "does not start", True
    except FileNotFoundError:
        detail, ok = "not found", False
    return Check(name="uv", ok=ok, detail=detail, remedy=None if ok else "Run `make install` again.")


def home_check(home: Path) -> Check:
    try:
        home.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=home):
            ok = True
    except OSError:
        ok = False
    return Check(name="home", ok=ok, detail=str(home), remedy=None if ok else "Make it writable, or set FACTORY_HOME.")


def disk_check(home: Path) -> Check:
    there = next(folder for folder in (home, *home.parents) if folder.exists())
    free = shutil.disk_usage(there).free
    ok = free >= LEAST_ROOM
    return Check(
        name="disk", ok=ok, detail=f"{free / 1024**3:.1f} GiB free", remedy=None if ok else "Free at least 1 GiB."
    )


def sandbox_checks(sandboxes: Mapping[str, Sandbox]) -> list[Check]:
    """Report whether each sandbox works here, why another does not, and what would fix it."""
    checks, working = [], []
    for name, sandbox in sandboxes.items():
        found = sandbox.available()
        working += [name] if found.works and sandbox.isolation is not Isolation.NONE else []
        detail = f"isolation {sandbox.isolation}: {found.detail}" if found.works else f"does not work: {found.detail}"
        checks.append(Check(name=f"sandbox {name}", ok=True, detail=detail, remedy=found.remedy))
    return [*checks, _agents(working)]


def _agents(working: list[str]) -> Check:
    """Trusted commands need no isolation; without any, agents are refused, which is safe and worth knowing."""
    detail = f"run in {working[0]}" if working else "run nowhere: no sandbox here isolates; trusted commands still run"
    return Check(name="agents", ok=True, detail=detail, remedy=None if working else "Fix one of the sandboxes above.")


def _said(*argv: str) -> str | None:
    try:
        done = subprocess.run(argv, capture_output=True, text=True, timeout=10, check=False, env=dict(os.environ))
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip() or None
