"""Wanted items become tickets, once; what is wanted no more ends; what comes back is brought back."""

import pytest

from domain.errors import ForgeUnavailable
from domain.lifecycle import Stage
from domain.tracking import FactoryLabel, ItemStatus
from sensors.tracker_sync import TrackerSync
from tests.adapters.tracker.desks import NAME
from tests.tracking.journey import Journey


def test_the_same_item_looked_at_again_is_the_same_ticket(journey: Journey) -> None:
    journey.wanted()
    journey.people.write("unmarked")
    assert journey.sync().filed == ["T-1"]
    assert [journey.sync().filed for _ in range(3)] == [[]] * 3
    assert [one.id for one in journey.tickets()] == ["T-1"]
    assert "tracker_filed" in journey.world.names(journey.tickets()[0])


def test_labels_of_a_ticket_at_work_do_not_make_another(journey: Journey) -> None:
    number = journey.wanted()
    journey.sync()
    journey.people.edit(number, labels=["agent:run", "P0", "risk:high"])
    journey.sync()
    assert len(journey.tickets()) == 1


def test_changed_words_wait_until_the_old_ticket_rests(journey: Journey) -> None:
    number = journey.wanted(text="first words")
    journey.sync()
    journey.people.edit(number, text="other words")
    journey.sync()
    assert len(journey.tickets()) == 1
    journey.factory.operators.request_cancel("T-1", actor="ann", reason="enough", now=journey.factory.now())
    assert journey.sync().filed == ["T-2"]
    first, second = journey.tickets()
    assert first.idempotency_key != second.idempotency_key
    assert "other words" in second.manifest.body


def test_a_dead_letter_is_not_filed_again_for_its_label(journey: Journey) -> None:
    journey.wanted()
    journey.sync()
    journey.factory.operators.request_cancel("T-1", actor="ann", reason="enough", now=journey.factory.now())
    assert [journey.sync().filed for _ in range(2)] == [[], []]
    assert journey.stage() is Stage.DEAD_LETTER


@pytest.mark.parametrize("change", [{"status": "closed"}, {"labels": []}, {"labels": ["bug"]}])
def test_closing_or_unmarking_cancels_and_the_opposite_brings_back(journey: Journey, change) -> None:
    number = journey.wanted()
    journey.sync()
    journey.people.edit(number, **change)
    assert journey.sync().canceled == ["T-1"]
    assert journey.stage() is Stage.DEAD_LETTER
    assert "Canceled" in journey.said(number)
    assert journey.sync().canceled == []
    journey.people.edit(number, labels=["agent:run"], status="open")
    assert journey.sync().filed == ["T-1"]
    assert journey.stage() is Stage.QUEUED
    assert "In the queue" in journey.said(number)


def test_an_item_closed_by_a_person_stays_closed(journey: Journey) -> None:
    number = journey.wanted()
    journey.sync()
    journey.people.edit(number, status="closed")
    journey.sync()
    assert journey.item(number).status is ItemStatus.CLOSED
    assert not set(journey.item(number).labels) & set(FactoryLabel)


def test_a_running_run_is_asked_to_stop_once(journey: Journey) -> None:
    number = journey.wanted()
    journey.sync()
    lease = journey.world.dispatch(journey.tickets()[0])
    journey.factory.run_ledger.start_run(lease.ref, dagster_run_id="d", ttl_seconds=60, now=journey.factory.now())
    journey.people.edit(number, status="closed")
    assert [journey.sync().canceled for _ in range(2)] == [["T-1"], []]
    run = journey.factory.run_ledger.find_run(run_id=lease.run_id)
    assert run is not None
    assert run.cancel_requested_by == "tracker"


def test_a_merge_that_closed_the_item_before_the_ledger_knew_cancels_nothing(journey: Journey) -> None:
    number = journey.wanted()
    journey.sync()
    assert journey.work(journey.tickets()[0]).stage is Stage.TESTING
    repository = journey.factory.lookup.repository(NAME)
    journey.factory.forges["local"].end_pull_request(repository, 1, merge=True, actor="ann", reason="fine")
    journey.people.edit(number, status="closed")
    assert journey.sync().canceled == []
    assert journey.stage() is Stage.TESTING


def test_canceling_closes_the_pull_request(journey: Journey) -> None:
    number = journey.wanted()
    journey.sync()
    journey.work(journey.tickets()[0])
    pull = journey.factory.lookup.pull_request("T-1")
    assert pull is not None
    journey.people.edit(number, labels=[])
    journey.sync()
    repository = journey.factory.lookup.repository(NAME)
    found = journey.factory.forges["local"].find_pull_request(repository, "T-1")
    assert found is not None
    assert found.state == "closed"


@pytest.mark.parametrize(
    ("labels", "words"),
    [
        (["agent:run", "engine:devin"], "devin"),
        (["agent:run", "engine:gemini"], "not enabled"),
        (["agent:run", "profile:astronaut"], "astronaut"),
    ],
)
def test_what_cannot_be_had_is_told_once_and_filed_after_an_edit(journey: Journey, labels, words) -> None:
    number = journey.people.write(labels=labels)
    journey.sync()
    assert journey.tickets() == []
    assert words in journey.said(number)
    assert "needs-human" in journey.item(number).labels
    stamp = (journey.people.folder / str(number) / "comments" / "1.md").stat().st_mtime_ns
    journey.sync()
    assert (journey.people.folder / str(number) / "comments" / "1.md").stat().st_mtime_ns == stamp
    journey.people.edit(number, labels=["agent:run"])
    assert journey.sync().filed == ["T-1"]
    assert "In the queue" in journey.said(number)
    assert "needs-human" not in journey.item(number).labels


def test_what_was_passed_over_is_told(journey: Journey) -> None:
    number = journey.people.write(labels=["agent:run", "engine:command"])
    journey.sync()
    assert "never run as a command" in journey.said(number)


def test_an_item_that_cannot_be_read_leaves_the_others(journey: Journey) -> None:
    broken, right = journey.wanted(), journey.wanted()
    journey.sync()
    (journey.people.folder / str(broken) / "item.md").write_text("no front matter")
    journey.people.edit(right, status="closed")
    report = journey.sync()
    assert report.canceled == ["T-2"]
    assert list(report.failed) == [f"{NAME}#{broken}"]
    assert journey.world.ticket(journey.tickets()[0]).stage is Stage.QUEUED


def test_what_could_not_be_told_is_told_later(journey: Journey, monkeypatch: pytest.MonkeyPatch) -> None:
    number = journey.wanted()

    def down(*_: object, **__: object) -> str:
        raise ForgeUnavailable("no answer")

    with monkeypatch.context() as patch:
        patch.setattr(journey.people.tracker, "say", down)
        report = journey.sync()
        assert report.filed == ["T-1"]
        assert report.failed == {"T-1": "no answer"}
    assert journey.people.comments(number) == []
    assert journey.sync().told == ["T-1"]
    assert "In the queue" in journey.said(number)


def test_a_poll_and_a_webhook_in_any_order_give_one_ticket(journey: Journey) -> None:
    number = journey.wanted()
    assert journey.look(number).filed == ["T-1"]
    assert journey.sync().filed == []
    assert journey.look(number).filed == []
    other = journey.wanted()
    assert journey.sync().filed == ["T-2"]
    assert journey.look(other).filed == []
    assert journey.look(4711).filed == []


def test_what_is_too_much_for_one_look_is_told_by_the_next(journey: Journey) -> None:
    numbers = [journey.wanted() for _ in range(5)]
    sync, told = TrackerSync(journey.factory, {"local": journey.people.tracker}), []
    for _ in range(3):
        report = sync.sync(journey.seq, 2)
        told, journey.seq = [*told, *report.told], report.after_seq
    assert sorted(told) == [f"T-{number}" for number in range(1, 6)]
    assert all("In the queue" in journey.said(number) for number in numbers)


def test_a_lost_cursor_repeats_nothing(journey: Journey) -> None:
    numbers = [journey.wanted() for _ in range(3)]
    journey.sync()
    before = [journey.people.comments(number) for number in numbers]
    journey.seq = 0
    assert journey.sync().told == []
    assert [journey.people.comments(number) for number in numbers] == before
