"""factory webhook list, show, replay."""

import json
from pathlib import Path

import pytest

from domain.deliveries import DeliveryState
from domain.webhooks import LARGEST
from tests.control_plane.conftest import cli  # noqa: F401 - a fixture
from tests.support.webhooks.sending import enrol

REPOSITORY = {"full_name": "Codertocat/Hello-World", "html_url": "https://github.com/Codertocat/Hello-World"}
OPENED = {"action": "opened", "pull_request": {"number": 2}, "repository": REPOSITORY}
ID = "72d3162e-cc78-11e3-81ab-4c9367dc0958"


def test_an_empty_inbox(sender, cli):  # noqa: F811
    empty = {"deliveries": [], "counts": {}, "without_secret": {}}
    assert cli("webhook", "list", "--json").document == empty
    assert cli("webhook", "list").out == "nothing here\n"


def test_list_shows_deliveries_and_counts(sender, cli):  # noqa: F811
    sender.send("pull_request", OPENED, x_github_delivery=ID)
    for _ in range(2):
        sender.send("star", {"action": "created", "repository": REPOSITORY})
    sender.factory.inbox.settle(ID, DeliveryState.FAILED, "\x1b[2Jno", now=sender.factory.now())
    document = cli("webhook", "list", "--json").document
    assert document["counts"] == {"pull_request": {"failed": 1}, "star": {"waiting": 2}}
    assert [one["event"] for one in document["deliveries"]] == ["star", "star", "pull_request"]
    [failed] = cli("webhook", "list", "--state", "failed", "--json").document["deliveries"]
    assert (failed["id"], failed["attempts"], failed["repository"]) == (ID, 1, "hello")
    said = cli("webhook", "list").out
    assert "\x1b" not in said
    assert said.splitlines()[-2:] == [
        "pull_request  0        0     0        1",
        "star          2        0     0        0",
    ]
    assert cli("webhook", "list", "--state", "nope").code == 2
    assert cli("webhook", "list", "--limit", "0").code == 2


def test_show_tells_what_it_asks_for_and_where_its_body_lies(sender, cli):  # noqa: F811
    sender.send("pull_request", OPENED, x_github_delivery=ID)
    document = cli("webhook", "show", ID.upper(), "--json").document
    assert document["asks"] == [{"effect": "JudgePull", "number": 2, "head": None, "again": False}]
    assert json.loads(Path(document["body"]["path"]).read_bytes()) == OPENED
    assert f"body: {document['body']['path']}" in cli("webhook", "show", ID).out
    assert cli("webhook", "show", "d-9", "--json").error["code"] == "input.not_found"


def test_show_of_a_body_that_is_gone_says_so(sender, cli):  # noqa: F811
    sender.send("pull_request", OPENED, x_github_delivery=ID)
    for path in sender.factory.settings.artifacts_dir.rglob("*.json"):
        path.unlink()
    assert "missing" in cli("webhook", "show", ID, "--json").document["unreadable"]
    assert "unreadable: " in cli("webhook", "show", ID).out


def test_replay_puts_a_stored_one_back(sender, cli):  # noqa: F811
    sender.send("pull_request", OPENED, x_github_delivery=ID)
    sender.factory.inbox.settle(ID, DeliveryState.FAILED, "no", now=sender.factory.now())
    assert cli("webhook", "replay", ID, "--json").document["state"] == "waiting"
    assert sender.factory.inbox.find(ID).attempts == 0
    assert cli("webhook", "replay", "nothing-like-it", "--json").error["code"] == "input.not_found"


def test_replay_feeds_a_file_as_one_delivery_however_often(sender, cli, tmp_path):  # noqa: F811
    file = tmp_path / "payload.json"
    file.write_text(json.dumps(OPENED))
    first = cli("webhook", "replay", file, "--event", "pull_request", "--json").document
    assert (first["event"], first["action"], first["repository"]) == ("pull_request", "opened", "hello")
    sender.factory.inbox.settle(first["id"], DeliveryState.DONE, "judged", now=sender.factory.now())
    again = cli("webhook", "replay", file, "--event", "pull_request", "--json").document
    assert (again["id"], again["state"]) == (first["id"], "waiting")
    enrol(sender.factory, "other", "https://github.com/octo/other")
    other = cli("webhook", "replay", file, "--event", "pull_request", "--repository", "other", "--json").document
    assert (other["repository"], other["id"] != first["id"]) == ("other", True)
    assert len(sender.factory.inbox.newest()) == 2


@pytest.mark.parametrize(
    ("content", "words", "code"),
    [
        (b"{}", [], "input.invalid"),
        (b"{}", ["--event", "pull_request"], "input.invalid"),
        (b"{}", ["--event", "Pull Request", "--repository", "hello"], "input.invalid"),
        (b"{}", ["--event", "push", "--repository", "nobody"], "input.not_found"),
        (b"[]", ["--event", "push", "--repository", "hello"], "input.invalid"),
        (b"\xff", ["--event", "push", "--repository", "hello"], "input.invalid"),
        (b"", ["--event", "push", "--repository", "hello"], "input.invalid"),
        (b" " * (LARGEST + 1), ["--event", "push", "--repository", "hello"], "input.invalid"),
    ],
)
def test_replay_refuses_what_is_no_delivery(sender, cli, tmp_path, content, words, code):  # noqa: F811
    file = tmp_path / "payload.json"
    file.write_bytes(content)
    assert cli("webhook", "replay", file, *words, "--json").error["code"] == code
    assert sender.factory.inbox.newest() == []
