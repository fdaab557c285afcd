"""Where a ticket's way ends, and events in words."""

import pytest

from control_plane.runs.following import follow
from control_plane.runs.operating import dispatch
from control_plane.runs.wording import LONGEST, WORDS, describe, harmless
from control_plane.tickets.ending import Ending
from domain.errors import NotReady
from domain.events import CATALOGUE
from domain.execution import Event
from tests.support.factory import BREAK


def event(name: str, **payload) -> Event:
    return Event(seq=1, name=name, at="2026-01-01T00:00:00Z", actor="a", component="c", payload=payload)


@pytest.mark.parametrize(
    ("front", "ending"),
    [
        ({}, Ending.PULL_REQUEST),
        ({"commands": [BREAK]}, Ending.FAILED),
        ({"risk": "high"}, Ending.WAITS_FOR_PERSON),
    ],
)
def test_a_ticket_is_followed_to_its_end_and_every_event_is_shown_once(world, front, ending):
    ticket = world.file(**front)
    world.run(ticket)
    shown: list[int] = []
    assert follow(world.factory, [ticket.id], lambda one: shown.append(one.seq), lambda: None) == {ticket.id: ending}
    assert shown == [one.seq for one in world.factory.lookup.timeline(ticket_id=ticket.id)]


def test_an_approved_run_has_not_ended(world):
    ticket = world.file(risk="high")
    world.run(ticket)
    world.factory.operators.decide_approval(
        f"{ticket.id}-r1", approved=True, actor="ann", reason="fine", now=world.factory.now()
    )

    class Looked(Exception):
        pass

    looks = iter(range(3))

    def keep() -> None:
        if next(looks) == 2:
            raise Looked

    with pytest.raises(Looked):
        follow(world.factory, [ticket.id], lambda _: None, keep)


def test_dispatch_waits_for_its_turn_and_refuses_what_only_a_person_can_change(world):
    told: list[str] = []
    first, second = world.file(title="one"), world.file(title="two")
    dispatch(world.factory, first, told.append)
    dispatch(world.factory, second, told.append)
    dispatch(world.factory, first, told.append)
    assert [line.partition(" ")[2].split(":")[0] for line in told] == [
        "waits for its turn",
        "is being worked on already",
    ]
    blocked = world.file(title="three", deps=[second.id])
    with pytest.raises(NotReady):
        dispatch(world.factory, blocked, told.append)


def test_words_exist_for_catalogued_events_only_and_use_their_fields():
    assert set(WORDS) <= set(CATALOGUE)
    for name, spec in CATALOGUE.items():
        assert describe(event(name, **dict.fromkeys(spec.fields, "x")))


def test_an_event_without_its_fields_is_still_told():
    assert describe(event("step_failed", step="launch")) == "step_failed step=launch"
    assert describe(event("stage_changed", **{"from": "a", "to": "b", "event": "e", "reason": None})) == "ticket a → b"


@pytest.mark.parametrize("text", ["a\033[31mb", "a\x9b2Jb", "a\r\nb", "a\u202eb", "a\u2028b"])
def test_no_text_from_outside_can_steer_a_terminal(text):
    assert all(character.isprintable() for character in harmless(text))


def test_a_long_line_is_cut():
    assert len(harmless("x" * 10_000)) == LONGEST
