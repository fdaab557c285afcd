"""What a newcomer does first, in the sandbox that the machine gives by itself: the strongest."""

import signal
from pathlib import Path

import pytest

from tests.support.installed import Installed, installed

pytestmark = [pytest.mark.docker, pytest.mark.e2e]


@pytest.fixture
def home(tmp_path):
    with installed(tmp_path) as home:
        yield home


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
    assert home.is_quiet()


def test_an_interrupted_run_says_so_and_leaves_nothing_behind(home):
    ticket = home.json("ticket", "add", "--title", "Slow", "--command", "sleep 60")["id"]
    process = home.start("run", ticket, "--wait")
    while "sleep 60" not in process.stderr.readline():
        assert process.poll() is None
    assert sandboxes(home) != []
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "takes it up again" in err
    assert home.is_quiet()
    assert sandboxes(home) == []
    assert home.json("ticket", "show", ticket)["stage"] == "building"


def sandboxes(home: Installed) -> list[str]:
    """Return the folders and mounts of the home's sandboxes."""
    place = Path(home.environment["FACTORY_HOME"]) / "sandboxes"
    folders = [path for folder in (place, place / "docker-disks") for path in folder.glob("T-*")]
    return [*map(str, folders), *(line for line in Path("/proc/mounts").read_text().splitlines() if str(place) in line)]
