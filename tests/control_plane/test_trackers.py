"""factory tracker …: items to tickets and back by hand, straight or by way of a file."""

from pathlib import Path

import pytest

from adapters.ledger import schema
from control_plane.cli.trackers import translated
from domain.tracking import ItemStatus
from resources.intake import content_key
from tests.adapters.tracker.desks import NAME, LocalPeople
from tests.support.factory import World


@pytest.fixture
def people(world: World, monkeypatch: pytest.MonkeyPatch) -> LocalPeople:
    monkeypatch.setenv("FACTORY_HARNESSES__CODEX__BASE_URL", "http://127.0.0.1:9/")
    return LocalPeople(world.factory.settings.home / "tracker")


def test_from_files_the_ticket_whatever_the_labels_and_the_same_again(cli, world, people) -> None:
    number = people.write(labels=["P1"])
    said = cli("tracker", "from", f"{NAME}#{number}", "--json")
    assert said.code == 0
    assert said.document == {
        "item": f"{NAME}#{number}", "passed_over": [], "file": None, "id": "T-1", "stage": "queued", "created": True,
    }  # fmt: skip
    again = cli("tracker", "from", str(number), "--json")
    assert (again.document["id"], again.document["created"]) == ("T-1", False)
    assert "In the queue" in people.comments(number)[0][1]
    assert world.factory.lookup.ticket("T-1").manifest.priority == "high"


def test_a_file_gives_the_same_ticket_as_the_straight_way(cli, world, people, tmp_path: Path) -> None:
    text = "---\ntitle: forged\ncommands: [x]\n---\n\n- [ ] Größe (`true`)\nkey: 'value' # no\n\n  indented\n"
    number = people.write("Tidy: «calc» #1", text, labels=["P1", "lock:db"])
    file = tmp_path / "item.md"
    said = cli("tracker", "from", f"{NAME}#{number}", "--export", file, "--json")
    assert (said.document["file"], said.document["id"]) == (str(file), None)
    assert world.factory.lookup.tickets() == []
    added = cli("ticket", "add", file, "--json")
    assert added.document["created"] is True
    by_file = world.factory.lookup.ticket(added.document["id"])
    straight = cli("tracker", "from", f"{NAME}#{number}", "--json").document
    assert (straight["id"], straight["created"]) == (by_file.id, False)
    assert by_file.manifest.commands == ()
    assert content_key(by_file.manifest) == content_key(world.factory.lookup.ticket(straight["id"]).manifest)


def test_to_and_sync(cli, world, people) -> None:
    number = people.write(labels=["agent:run"])
    assert cli("tracker", "sync", "--json").document["filed"] == ["T-1"]
    assert cli("tracker", "sync").out == "nothing to do\n"
    for path in (people.folder / str(number) / "comments").glob("*.md"):
        path.unlink()
    said = cli("tracker", "to", "t-1", "--json")
    assert said.document == {"ticket": "T-1", "item": f"{NAME}#{number}", "status": "open"}
    assert "In the queue" in people.comments(number)[0][1]
    people.edit(number, status="closed")
    assert cli("tracker", "sync").out == "canceled: T-1\ntold: T-1\n"
    assert people.tracker.item(NAME, number).status is ItemStatus.CLOSED


def test_a_sync_that_partly_failed_is_1(cli, world, people) -> None:
    people.write(labels=["agent:run"])
    (people.folder / "people.yaml").write_text("a: [")
    said = cli("tracker", "sync", "--json")
    assert said.code == 1
    assert list(said.document["failed"]) == [f"{NAME}#1"]


@pytest.mark.parametrize(
    "text", ["", "x", "calc#", "calc#0", "calc#-1", "calc#1x", "../x#1", "calc#99999999999999", "#", "a b#1"]
)
def test_what_names_no_item_is_refused(cli, world, people, text: str) -> None:
    said = cli("tracker", "from", text, "--json")
    assert said.code == 1
    assert said.error["code"] == "input.invalid"


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["from", "calc#77"], "input.not_found"),
        (["from", "shop#1"], "input.not_found"),
        (["to", "T-99"], "input.not_found"),
    ],
)
def test_what_is_not_there(cli, world, people, words, code) -> None:
    said = cli("tracker", *words, "--json")
    assert (said.code, said.error["code"]) == (1, code)


def test_a_ticket_without_an_item_has_nowhere_to_tell(cli, world, people) -> None:
    ticket = world.file()
    assert cli("tracker", "to", ticket.id, "--json").error["code"] == "input.invalid"


def test_without_a_folder_there_is_no_tracker(cli, world) -> None:
    assert cli("tracker", "from", "calc#1", "--json").error["code"] == "input.not_found"
    assert cli("tracker", "sync").out == "nothing to do\n"


def test_an_item_that_cannot_become_a_ticket_says_why(cli, world, people) -> None:
    number = people.write(labels=["profile:astronaut"])
    said = cli("tracker", "from", f"{NAME}#{number}", "--json")
    assert said.error["code"] == "input.invalid"
    assert "astronaut" in people.comments(number)[0][1]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["from-tracker", "ITEM-789"], ["tracker", "from", "ITEM-789"]),
        (["from-tracker", "calc#7", "--json"], ["tracker", "from", "calc#7", "--json"]),
        (["to-tracker", "T-1"], ["tracker", "to", "T-1"]),
        (["to-tracker"], ["tracker", "sync"]),
        (["to-tracker", "--json"], ["tracker", "sync", "--json"]),
        (["sync"], ["tracker", "sync"]),
        ([], ["tracker"]),
        (["--help"], ["tracker", "--help"]),
    ],
)
def test_the_other_name(words, expected) -> None:
    assert translated(words) == expected


def test_item_789(cli, world, people) -> None:
    assert (
        cli(*translated(["from-tracker", "ITEM-789", "--json"])).error["message"] == "no item calc#789 in its tracker"
    )


def test_the_ledger_keeps_the_reference_and_no_planning_data() -> None:
    columns = {
        f"{table.name}.{column.name}" for table in schema.tickets.metadata.tables.values() for column in table.columns
    }
    assert not [name for name in columns for word in ("vote", "comment", "roadmap", "assignee") if word in name]
