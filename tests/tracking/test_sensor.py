"""The sensor: one look a tick, and a cursor that holds the last event that was told."""

import dagster as dg
import pytest

from sensors.tracking import tracker_items
from tests.tracking.journey import Journey

pytestmark = pytest.mark.dagster


def tick(journey: Journey, cursor: str | None = None) -> tuple[str, str]:
    with dg.DagsterInstance.ephemeral() as instance:
        context = dg.build_sensor_context(instance=instance, cursor=cursor, resources={"factory": journey.factory})
        answer = tracker_items(context)
        assert isinstance(answer, dg.SkipReason)
        return answer.skip_message or "", context.cursor or ""


def test_a_tick_files_and_tells_and_the_next_goes_on_from_there(journey: Journey) -> None:
    number = journey.wanted()
    said, cursor = tick(journey)
    assert said == "filed 1, canceled 0, told 1, failed 0"
    assert int(cursor) > 0
    assert tick(journey, cursor) == ("filed 0, canceled 0, told 0, failed 0", cursor)
    journey.people.edit(number, status="closed")
    assert tick(journey, cursor)[0] == "filed 0, canceled 1, told 1, failed 0"


@pytest.mark.parametrize("cursor", ["", "x", "-1", "9.5", "²"])
def test_a_strange_cursor_begins_anew(journey: Journey, cursor: str) -> None:
    journey.wanted()
    assert tick(journey, cursor)[0] == "filed 1, canceled 0, told 1, failed 0"


def test_what_fails_is_in_the_reason(journey: Journey) -> None:
    journey.wanted()
    (journey.people.folder / "people.yaml").write_text("a: [")
    assert tick(journey)[0].endswith("failed 1")
