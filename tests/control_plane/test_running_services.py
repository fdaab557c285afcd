"""The installed command with real services: run, up, kill, interrupt."""

import json
import signal
import urllib.error
import urllib.request

import pytest

from tests.support.factory import FIX
from tests.support.installed import installed

pytestmark = [pytest.mark.dagster, pytest.mark.e2e]


@pytest.fixture
def home(tmp_path):
    with installed(tmp_path, sandbox="process") as home:
        yield home


def test_run_starts_what_it_needs_and_leaves_nothing_behind(home):
    ticket = home.json("ticket", "add", "--title", "Tidy", "--command", FIX)["id"]
    done = home.call("run", ticket, "--wait", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["pull_request"]["number"] == 1
    assert "pull request #1" in done.stderr
    assert home.is_quiet()


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
    assert home.is_quiet()


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
    assert home.is_quiet()
