"""Who interrupts `factory governance run` does not wait for what it runs, and finds nothing left of it."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.backends import BACKENDS, serving
from tests.support.repositories import commit, git, make_repository
from tests.support.services import eventually
from tests.support.sleeping import sleepers, unique

MODULE = "control_plane.cli.app"


def shop(folder: Path, seconds: str) -> Path:
    source = make_repository(folder, {"shop.py": "price = 1\n", "Makefile": f"test:\n\tsleep {seconds}\n"})
    git(source, "checkout", "-q", "-b", "change")
    commit(source, {"shop.py": "price = 2\n"}, "Raise the price")
    return source


def interrupted(source: Path, home: Path, rule: str, seconds: str, **told: str) -> subprocess.CompletedProcess[str]:
    argv = [sys.executable, "-m", MODULE, "governance", "run", str(source), "--base", "main", "--rule", rule]
    log = home.parent / "said.log"
    with log.open("w") as said:
        environment = os.environ | {"FACTORY_HOME": str(home)} | told
        process = subprocess.Popen(argv, env=environment, stdout=said, stderr=said, cwd=Path(__file__).parents[2])
        try:
            eventually(lambda: sleepers(seconds), f"{rule} at work", log)
            process.send_signal(signal.SIGINT)
            code = process.wait(60)
        finally:
            process.kill()
    eventually(lambda: not sleepers(seconds), "nothing of it is left", log)
    return subprocess.CompletedProcess(argv, code, log.read_text())


@pytest.mark.parametrize("backend", ["process", *BACKENDS])
def test_the_repositorys_own_checks_end(tmp_path, backend):
    home, seconds = tmp_path / "home", unique()
    source = shop(tmp_path / "shop", seconds)
    with serving(home, backend):
        done = interrupted(source, home, "tests", seconds, FACTORY_SANDBOX=backend)
    assert done.returncode == 130
    assert done.stdout.endswith("stopping …\n")


def test_scanners_end(tmp_path):
    seconds = unique()
    fake = tmp_path / "fake-bandit"
    fake.write_text(f"#!/bin/sh\nsleep {seconds}\n")
    fake.chmod(0o755)
    told = {"FACTORY_SCANNERS": json.dumps({"bandit": {"executable": str(fake)}}), "FACTORY_SANDBOX": "process"}
    done = interrupted(shop(tmp_path / "shop", seconds), tmp_path / "home", "sast", seconds, **told)
    assert done.returncode == 130
    assert done.stdout.endswith("stopping …\n")
