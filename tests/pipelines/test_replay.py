"""factory dead-letter replay under real services, and the page of dead letters at their front door."""

import json
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from control_plane.front_token import front_token
from domain.lifecycle import RunState, Stage
from tests.support.factory import FIX, make_world
from tests.support.live import Live
from tests.support.live import live as running

pytestmark = pytest.mark.dagster


@pytest.fixture
def live(tmp_path: Path) -> Iterator[Live]:
    with running(make_world(tmp_path)) as services:
        yield services


def factory(live: Live, *words: str) -> subprocess.CompletedProcess[str]:
    argv = [str(Path(sys.executable).with_name("factory")), *words, "--json"]
    return subprocess.run(argv, env=live.environment, cwd=live.home, capture_output=True, text=True, check=False)


def page(live: Live, token: str) -> Any:
    address = f"http://127.0.0.1:{live.port}/v1/dead-letter"
    request = urllib.request.Request(address, headers={"Authorization": f"Bearer {token}"})
    with urllib.request.urlopen(request, timeout=60) as answer:
        return json.load(answer)


def test_a_dead_letter_is_replayed_by_a_backfill(live: Live, tmp_path: Path) -> None:
    gate = tmp_path / "open"
    ticket = live.world.file(commands=[FIX, f"test -f {gate}"])
    live.rest(ticket)
    assert live.world.ticket(ticket).stage is Stage.DEAD_LETTER
    with pytest.raises(urllib.error.HTTPError, match="401"):
        page(live, "guess")
    assert page(live, front_token(live.home)) == json.loads(factory(live, "dead-letter", "list").stdout)
    gate.touch()
    done = factory(live, "dead-letter", "replay", ticket.id, "--reason", "the gate is open")
    assert done.returncode == 0, done.stdout + done.stderr
    backfill = json.loads(done.stdout)["backfill_id"]
    live.until(lambda: live.world.ticket(ticket).stage is Stage.TESTING, "the ticket delivered")
    assert [run.state for run in live.runs(ticket)] == [RunState.FAILED, RunState.SUCCEEDED]
    live.check_one_pull_request(ticket)
    tags = [{one["key"]: one["value"] for one in run["tags"]} for run in live.dagster_runs(ticket)]
    assert tags[-1]["dagster/backfill"] == backfill
    audited = live.world.factory.lookup.timeline(ticket_id=ticket.id, names=["dead_letter_replayed"])
    assert [(one.component, one.payload["backfill_id"]) for one in audited] == [("person", backfill)]
    assert page(live, front_token(live.home)) == {"tickets": []}
    again = factory(live, "dead-letter", "replay", ticket.id, "--reason", "once more")
    assert json.loads(again.stdout)["error"]["code"] == "ticket.not_ready"


def test_a_partition_that_dagster_does_not_know_is_told(live: Live) -> None:
    now = live.world.factory.now()
    live.world.factory.operators.set_paused("*", True, actor="ann", reason="hold", now=now)
    ticket = live.world.file()
    live.world.factory.operators.request_cancel(ticket.id, actor="ann", reason="unwanted", now=now)
    done = factory(live, "dead-letter", "replay", ticket.id, "--reason", "after all")
    error = json.loads(done.stdout)["error"]
    assert (done.returncode, error["code"]) == (1, "service.failed")
    assert ticket.id in error["message"]
