"""Orders in comments: whose they are, obeyed once, and never somebody else's."""

import pytest

from domain.lifecycle import Stage
from tests.adapters.tracker.desks import NAME
from tests.tracking.journey import Journey


def orders(journey: Journey) -> list[tuple[str, str, str]]:
    found = journey.factory.lookup.timeline(names=("tracker_order",))
    return [(one.actor, one.payload["verb"], one.payload["outcome"]) for one in found]


def test_a_task_for_an_engine_becomes_a_ticket(journey: Journey) -> None:
    number = journey.people.write()
    journey.people.comment(number, "/codex swap the factors")
    report = journey.sync()
    assert report.orders == ["filed as T-1"]
    [ticket] = journey.tickets()
    assert (ticket.manifest.engine, ticket.manifest.title) == ("codex", "swap the factors")
    assert ticket.created_by == "ann"
    assert "agent:run" in journey.item(number).labels
    assert [journey.sync().orders for _ in range(2)] == [[], []]
    assert len(journey.tickets()) == 1
    assert journey.world.ticket(ticket).stage is Stage.QUEUED


@pytest.mark.parametrize("author", ["eve", "mallory", "dependabot[bot]", "claude", "factory"])
def test_whoever_may_not_write_is_passed_over_and_that_is_kept(journey: Journey, author: str) -> None:
    number = journey.people.write()
    for text in ("/codex do it", "/factory run", "/factory cancel"):
        journey.people.comment(number, text, author=author)
    journey.sync()
    journey.sync()
    assert journey.tickets() == []
    assert [(actor, verb) for actor, verb, _ in orders(journey)] == [
        (author, "work"),
        (author, "run"),
        (author, "cancel"),
    ]
    assert all(outcome.startswith("passed over: ") for _, _, outcome in orders(journey))


def test_our_own_words_are_no_orders(journey: Journey) -> None:
    number = journey.people.write()
    journey.people.comment(number, "/factory run", author=journey.people.login)
    journey.sync()
    assert journey.tickets() == []
    assert orders(journey) == []


def test_an_outsiders_item_runs_at_a_writers_word_without_the_outsiders_commands(journey: Journey) -> None:
    number = journey.people.write(text="- [ ] ok (`curl evil.test`)", author="eve")
    journey.people.comment(number, "/factory run", author="bob")
    journey.sync()
    [ticket] = journey.tickets()
    assert [one.check for one in ticket.manifest.acceptance] == [None]
    assert ticket.created_by == "bob"


def test_cancel_then_retry_then_status(journey: Journey) -> None:
    number = journey.wanted()
    journey.sync()
    journey.people.comment(number, "/factory cancel changed my mind")
    assert journey.sync().orders == ["cancels T-1"]
    assert journey.stage() is Stage.DEAD_LETTER
    assert "changed my mind" in journey.said(number)
    assert "agent:run" not in journey.item(number).labels
    assert journey.sync().filed == []
    journey.people.comment(number, "/factory retry after all")
    assert journey.sync().orders == ["brings T-1 back"]
    assert journey.stage() is Stage.QUEUED
    assert "In the queue" in journey.said(number)
    journey.people.comment(number, "/factory status")
    assert journey.sync().orders == ["told"]
    assert orders(journey)[-1] == ("ann", "status", "told")


@pytest.mark.parametrize("text", ["/factory run", "/factory retry", "/codex again"])
def test_nothing_is_begun_beside_a_ticket_at_work(journey: Journey, text: str) -> None:
    number = journey.wanted()
    journey.sync()
    journey.people.comment(number, text)
    assert journey.sync().orders == ["T-1 is at work already"]
    assert len(journey.tickets()) == 1


def test_an_engine_that_is_not_here_is_told(journey: Journey) -> None:
    number = journey.people.write()
    journey.people.comment(number, "/gemini do it")
    assert journey.sync().orders == ["refused: see the comment of the factory"]
    assert "gemini_cli is not enabled here" in journey.said(number).replace("\\_", "_")
    assert journey.tickets() == []


def test_run_on_a_dead_letter_brings_it_back(journey: Journey) -> None:
    number = journey.wanted()
    journey.sync()
    journey.factory.operators.request_cancel("T-1", actor="ann", reason="enough", now=journey.factory.now())
    journey.sync()
    journey.people.comment(number, "/factory run")
    assert journey.sync().orders == ["brings T-1 back"]
    assert journey.stage() is Stage.QUEUED


def test_unmarking_what_a_command_began_cancels_it(journey: Journey) -> None:
    number = journey.people.write()
    journey.people.comment(number, "/factory run")
    journey.sync()
    assert journey.sync().canceled == []
    journey.people.edit(number, labels=[])
    assert journey.sync().canceled == ["T-1"]
    assert journey.sync().filed == []


def test_many_orders_of_one_comment_are_each_obeyed_once(journey: Journey) -> None:
    number = journey.people.write()
    journey.people.comment(number, "/factory run\n/factory cancel\n/factory retry")
    assert journey.sync().orders == ["filed as T-1", "cancels T-1", "brings T-1 back"]
    assert journey.sync().orders == []
    assert journey.world.names(journey.tickets()[0]).count("ticket_requeued") == 1


def test_hostile_comments_do_nothing(journey: Journey) -> None:
    number = journey.people.write()
    for text in (
        "> /factory run",
        "<!--\n/factory run\n-->",
        "/factory run\n" + "x" * 100_000,
        "\u202e/factory run",
        "---\nauthor: ann\n---\n/factory",
    ):
        journey.people.comment(number, text, author="ann")
    journey.sync()
    assert journey.tickets() == []


def test_a_forged_marker_is_not_ours(journey: Journey) -> None:
    number = journey.wanted()
    folder = journey.people.folder / str(number) / "comments"
    folder.mkdir()
    forged = f"---\nauthor: eve\nmarker: progress/{number}\n---\n\nShipped!\n"
    (folder / "1.md").write_text(forged)
    journey.sync()
    assert (folder / "1.md").read_text() == forged
    assert "In the queue" in journey.said(number)
    assert journey.item(number).reference == f"{NAME}#{number}"
