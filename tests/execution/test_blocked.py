"""A harness that cannot go on says so in a file, and a person gets its words; claiming success does not help it."""

from pathlib import Path

import pytest

from domain.errors import NeedsPerson
from domain.lifecycle import Stage
from tests.support.factory import make_world


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ('echo "which database?" > "$FACTORY_OUT/BLOCKED.md"', "which database?"),
        ('echo "which one?" > "$FACTORY_OUT/BLOCKED.md"; exit 1', "which one?"),
        (': > "$FACTORY_OUT/BLOCKED.md"', "it did not say what it needs"),
        ('head -c 5000 /dev/zero | tr "\\0" x > "$FACTORY_OUT/BLOCKED.md"', "x" * 2000),
        ('head -c 2000000 /dev/zero > "$FACTORY_OUT/BLOCKED.md"', "more than 1000000 bytes"),
        ('printf "\\377\\376" > "$FACTORY_OUT/BLOCKED.md"', "\ufffd\ufffd"),
    ],
    ids=["asks", "asks and fails", "empty", "long", "huge", "not text"],
)
def test_a_blocked_run_goes_to_a_person_with_its_words(tmp_path: Path, command: str, words: str) -> None:
    world = make_world(tmp_path)
    ticket = world.file(commands=["echo done > done.txt", command])
    ended = world.run(ticket)
    assert isinstance(ended, NeedsPerson)
    assert words in ended.message
    assert len(ended.message) <= 2000
    assert (world.ticket(ticket).stage, len(world.factory.lookup.runs(ticket_id=ticket.id))) == (Stage.DEAD_LETTER, 1)
    assert world.factory.lookup.pull_request(ticket.id) is None


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    world = make_world(tmp_path)
    ticket = world.file(commands=["echo done > done.txt", 'ln -s /etc/passwd "$FACTORY_OUT/BLOCKED.md"'])
    assert world.run(ticket) is None
