"""The tracker that is files in a folder; people's hands make mistakes in them."""

import os
from pathlib import Path

import pytest

from adapters.tracker.local_files import MAX_BYTES
from domain.errors import ForgeRefused
from domain.tracking import ItemStatus, Standing
from tests.adapters.tracker.conformance import TrackerConformance
from tests.adapters.tracker.desks import NAME, LocalPeople


class TestLocalTracker(TrackerConformance):
    @pytest.fixture
    def people(self, tmp_path: Path) -> LocalPeople:
        return LocalPeople(tmp_path)


@pytest.fixture
def people(tmp_path: Path) -> LocalPeople:
    return LocalPeople(tmp_path)


WRONG = {
    "no front matter": b"Tidy calc",
    "never closed": b"---\ntitle: x\n",
    "no keys": b"---\n- x\n---\n",
    "bad yaml": b"---\ntitle: [\n---\n",
    "a tag": b"---\ntitle: !!python/object/apply:os.system [true]\n---\n",
    "not UTF-8": b"---\ntitle: \xff\n---\n",
    "wrong status": b"---\ntitle: x\nstatus: maybe\n---\n",
    "labels as text": b"---\ntitle: x\nlabels: agent:run\n---\n",
    "huge": b"---\ntitle: x\n---\n" + b"y" * MAX_BYTES,
    "empty": b"",
}


@pytest.mark.parametrize("content", WRONG.values(), ids=WRONG.keys())
def test_a_wrong_file_is_refused_and_hides_no_other(people: LocalPeople, content: bytes) -> None:
    wrong, right = people.write(labels=["agent:run"]), people.write(labels=["agent:run"])
    (people.folder / str(wrong) / "item.md").write_bytes(content)
    with pytest.raises(ForgeRefused):
        people.tracker.item(NAME, wrong)
    with pytest.raises(ForgeRefused):
        people.tracker.move(NAME, wrong, ItemStatus.DONE)
    assert [item.number for item in people.tracker.wanted(NAME)] == [right]


def test_what_is_not_told_has_a_default_and_what_is_unknown_is_kept(people: LocalPeople) -> None:
    number = people.write()
    path = people.folder / str(number) / "item.md"
    path.write_text("---\ntitle: x\nsprint: 12\nnumber: 99\nrepository: other\n---\nHello\n")
    item = people.tracker.item(NAME, number)
    assert item is not None
    assert (item.number, item.repository, item.status, item.text) == (number, NAME, ItemStatus.OPEN, "Hello")
    people.tracker.move(NAME, number, ItemStatus.IN_PROGRESS)
    assert "sprint: 12" in path.read_text()


@pytest.mark.parametrize("content", ["ann: owner", "[]", "ann: [write]", "ann", ""])
def test_who_is_not_plainly_told_may_nothing(people: LocalPeople, content: str) -> None:
    (people.folder / "people.yaml").write_text(content)
    assert people.tracker.standing(NAME, "ann") is Standing.NONE


def test_people_that_cannot_be_read_are_an_error(people: LocalPeople) -> None:
    (people.folder / "people.yaml").write_text("a: [")
    with pytest.raises(ForgeRefused):
        people.tracker.standing(NAME, "ann")


def test_a_writer_killed_halfway_leaves_the_old_file(people: LocalPeople, monkeypatch: pytest.MonkeyPatch) -> None:
    number = people.write()
    people.tracker.say(NAME, number, marker="m", text="before")

    def die(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(os, "fsync", die)
        people.tracker.say(NAME, number, marker="m", text="after")
    assert people.comments(number) == [(people.login, "before")]
    people.tracker.say(NAME, number, marker="m", text="after")
    assert people.comments(number) == [(people.login, "after")]
