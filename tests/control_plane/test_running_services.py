"""The installed command with real services: run, try, up, kill, interrupt."""

import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import psutil
import pytest

from control_plane.services.registry import Registry
from tests.support.factory import FIX
from tests.support.repositories import make_repository

pytestmark = [pytest.mark.dagster, pytest.mark.e2e]
FACTORY = str(Path(sys.executable).parent / "factory")
SLOW = "sleep 60"


@pytest.fixture
def home(tmp_path):
    source = make_repository(tmp_path / "source")
    environment = {key: value for key, value in os.environ.items() if not key.startswith("FACTORY_")}
    environment["FACTORY_HOME"] = str(tmp_path / "home")
    factory = Factory(environment, tmp_path)
    factory.json("repo", "add", "calc", source, "--verify", "python3 -m unittest -q", "--no-check")
    yield factory
    Registry(tmp_path / "home").reap()


class Factory:
    def __init__(self, environment: dict[str, str], folder: Path) -> None:
        self.environment = environment
        self.folder = folder

    def call(self, *words, timeout: float = 120) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [FACTORY, *map(str, words)], env=self.environment, cwd=self.folder, timeout=timeout,
            capture_output=True, text=True, check=False,
        )  # fmt: skip

    def json(self, *words, code: int = 0):
        done = self.call(*words, "--json")
        assert done.returncode == code, done.stderr
        return json.loads(done.stdout)

    def start(self, *words) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [FACTORY, *map(str, words)], env=self.environment, cwd=self.folder, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip

    def processes(self) -> list[str]:
        """Return what runs with this home in its environment, the test itself excluded."""
        found = []
        for process in psutil.process_iter():
            try:
                if process.environ().get("FACTORY_HOME") == self.environment["FACTORY_HOME"]:
                    found.append(" ".join(process.cmdline()))
            except psutil.Error:
                continue
        return found


def quiet(home: Factory, seconds: float = 10) -> bool:
    deadline = time.monotonic() + seconds
    while home.processes() and time.monotonic() < deadline:
        time.sleep(0.2)
    return not home.processes()


def test_run_starts_what_it_needs_and_leaves_nothing_behind(home):
    ticket = home.json("ticket", "add", "--title", "Tidy", "--command", FIX)["id"]
    done = home.call("run", ticket, "--wait", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["pull_request"]["number"] == 1
    assert "pull request #1" in done.stderr
    assert quiet(home)


def test_an_interrupted_run_says_so_and_leaves_nothing_behind(home):
    ticket = home.json("ticket", "add", "--title", "Slow", "--command", SLOW)["id"]
    process = home.start("run", ticket, "--wait")
    deadline = time.monotonic() + 60
    while home.json("ticket", "show", ticket)["stage"] != "building" and time.monotonic() < deadline:
        time.sleep(0.5)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=30)
    assert process.returncode == 130
    assert "takes it up again" in err
    assert quiet(home)
    assert home.json("ticket", "show", ticket)["stage"] == "building"


def test_up_answers_behind_its_guard_refuses_a_second_and_stops_whole(home):
    process = home.start("up", "--json")
    assert process.stdout is not None
    url = json.loads(process.stdout.readline())["url"]
    try:
        with pytest.raises(urllib.error.HTTPError, match="401"):
            urllib.request.urlopen(url.partition("?")[0], timeout=10)
        opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor())
        assert b"<html" in opener.open(url, timeout=20).read()
        second = home.call("up", "--json")
        assert second.returncode == 1
        assert "`factory up`" in json.loads(second.stdout)["error"]["message"]
        assert home.json("status")["services"]["alive"] is True
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=40)
    assert process.returncode == 0
    assert quiet(home)


def test_a_killed_up_leaves_nothing_that_the_next_does_not_end(home):
    first = home.start("up", "--json")
    assert first.stdout is not None
    first.stdout.readline()
    first.kill()
    first.communicate(timeout=20)
    second = home.start("up", "--json")
    assert second.stdout is not None
    second.stdout.readline()
    assert len([line for line in home.processes() if "_daemon" in line]) == 1
    second.send_signal(signal.SIGINT)
    second.communicate(timeout=40)
    assert quiet(home)


def test_the_trial_ends_as_promised_in_a_home_of_its_own(home):
    before = home.json("ticket", "list")
    told = home.json("try")
    assert told["ok"] is True
    assert told["stage"] == "testing"
    assert set(told["pull_request"]) == {"url", "branch", "head_sha"}
    assert told["policy_report"] == {"verdict": "pass"}
    assert [(one["stage"], one["pull_request"]) for one in told["others"]] == [("dead_letter", None), ("review", None)]
    assert told["home"].endswith("tries/1")
    assert home.json("ticket", "list") == before
    assert quiet(home)
