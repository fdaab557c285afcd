"""The nightly job over merged changes: what escaped is counted and told; what cannot be read keeps nothing else back."""

import json
import shutil
from pathlib import Path

import dagster as dg
import pytest

from factory_pipelines.definitions import define
from policy.governance.escapes import escapes_of
from resources.merged import merge_commits
from tests.support.factory import World, make_world

SECRET = """printf 'password = "%s"\\n' hunter2-of-mine-77 > deploy.cfg"""
pytestmark = pytest.mark.dagster


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    monkeypatch.setenv("FACTORY_ALERT_COMMAND", json.dumps(["sh", "-c", f"cat >> {tmp_path}/alerts"]))
    return make_world(tmp_path, autonomy="autonomous")


def merge(world: World, **front: object) -> None:
    ticket = world.file(**front)
    assert world.run(ticket) is None
    factory = world.factory
    repository, pull = factory.lookup.repository("calc"), factory.lookup.pull_request(ticket.id)
    assert pull is not None
    ended = factory.forges["local"].end_pull_request(repository, pull.number, merge=True, actor="ann", reason="fine")
    factory.operators.ship(ticket.id, actor="ann", merge_sha=ended.merge_sha, now=factory.now())


def night(world: World) -> dict[str, int]:
    with dg.DagsterInstance.ephemeral() as instance:
        job = define(world.factory).resolve_job_def("governance_rescan")
        result = job.execute_in_process(instance=instance)
        assert result.success
        (told,) = [one for one in result.all_events if one.is_successful_output]
        return {name: value.value for name, value in told.step_output_data.metadata.items()}


def test_what_escaped_is_counted_and_told(world: World, tmp_path: Path) -> None:
    merge(world, title="one")
    merge(world, title="two", commands=[SECRET])
    assert night(world) == {"judged": 2, "unreadable": 0, "escaped": 1}
    alerts = (tmp_path / "alerts").read_text()
    assert ("violation_escaped" in alerts, "hunter2" in alerts) == (True, False)
    told = escapes_of(world.factory.governance.reports(limit=10), merge_commits(world.factory.lookup))
    assert (told.rescanned, told.escaped_critical) == (2, 1)
    assert night(world) == {"judged": 0, "unreadable": 0, "escaped": 0}


def test_what_cannot_be_read_is_tried_again(world: World) -> None:
    merge(world, title="one")
    bare = world.factory.settings.forge_dir / "calc.git"
    shutil.move(bare, bare.with_suffix(".gone"))
    assert night(world) == {"judged": 0, "unreadable": 1, "escaped": 0}
    shutil.move(bare.with_suffix(".gone"), bare)
    assert night(world)["judged"] == 1


def test_a_night_without_merges(world: World) -> None:
    assert night(world) == {"judged": 0, "unreadable": 0, "escaped": 0}
