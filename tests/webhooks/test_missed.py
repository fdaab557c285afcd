"""Webhooks that never come: whatever they would have told is found by looking, once."""

from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

from domain.lifecycle import Stage
from factory_pipelines.definitions import OUTSIDE
from sensors.tracking import tracker_items
from tests.support.hub import FULL_NAME, HubHouse, hub_house

pytestmark = pytest.mark.dagster
(MISSED,) = (one for one in OUTSIDE if one.name == "missed_words")


@pytest.fixture
def house(tmp_path: Path) -> Iterator[HubHouse]:
    with hub_house(tmp_path) as found:
        yield found


def looked(house: HubHouse, sensor: dg.SensorDefinition) -> str:
    told = sensor(dg.build_sensor_context(instance=house.instance, resources={"factory": house.factory}))
    assert isinstance(told, dg.SkipReason)
    return told.skip_message or ""


def wanted(house: HubHouse) -> list[str]:
    return [str(one.payload["reason"]) for one in house.factory.lookup.timeline(names=("rework_wanted",))]


def test_nothing_is_lost_when_no_webhook_ever_comes(house: HubHouse) -> None:
    house.hear()
    house.github.webhooks.to_lose = 10_000
    number = house.issue("Tidy calc", "Please.", "engine:codex", "agent:run")
    assert house.hear() == "no delivery waits"
    assert looked(house, tracker_items).startswith("filed 1")
    assert [one.success for one in house.work()] == [True]
    assert [one.success for one in house.judge()] == [True]
    assert looked(house, MISSED) == "ended 0, noted 0, failed 0"
    house.pull().merge()
    assert looked(house, MISSED) == "ended 1, noted 0, failed 0"
    assert house.ticket().stage is Stage.SHIPPED
    looked(house, tracker_items)
    assert house.hub().get_issue(number).state == "closed"
    assert looked(house, MISSED) == "ended 0, noted 0, failed 0"


def test_what_is_said_against_our_change_is_noted_once_by_webhook_and_by_looking(house: HubHouse) -> None:
    house.deliver()
    pull, home = house.pull(), house.hub("bob")
    home.get_pull(pull.number).create_review(body="No.", event="REQUEST_CHANGES")
    home.get_commit(pull.head.sha).create_status("failure", description="red", context="ci/unit")
    ci = house.github.ci(FULL_NAME).get_repo(FULL_NAME)
    ci.create_check_run("build", pull.head.sha, status="completed", conclusion="failure")
    house.hear()
    heard = wanted(house)
    assert {"bob requested changes", "the status ci/unit is failure", "the check build ended in failure"} <= set(heard)
    looked(house, MISSED)
    assert wanted(house) == heard
    house.github.webhooks.to_lose = 10_000
    home.get_commit(pull.head.sha).create_status("error", description="red", context="ci/lint")
    looked(house, MISSED)
    looked(house, MISSED)
    assert wanted(house) == [*heard, "the status ci/lint is error"]


def test_a_forge_that_does_not_answer_is_asked_again(house: HubHouse) -> None:
    house.deliver()
    house.github.fail(on="GET /repos/{owner}/{repo}/pulls", next=50, status=502)
    assert looked(house, MISSED) == "ended 0, noted 0, failed 1"
    house.github.mend()
    assert looked(house, MISSED) == "ended 0, noted 0, failed 0"
