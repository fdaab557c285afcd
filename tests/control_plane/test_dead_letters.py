"""factory dead-letter and GET /v1/dead-letter, on a real ledger and real runs."""

import asyncio
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette

from control_plane.front_guard import FrontGuard
from control_plane.front_letters import letters_route
from control_plane.runs.person import current_person
from resources.settings import load_settings
from tests.support.factory import BREAK

PORT = 3999
BEARER = "Bearer the-token"
KEYS = {"id", "title", "class", "code", "reason", "attempts", "evidence", "remedy", "run", "closed"}
LOST = "\udc9b31m"  # no UTF-8 can hold it


@dataclass
class Answer:
    status: int
    headers: dict[bytes, bytes]
    body: bytes


def ask(world, query: str = "", method: str = "GET", *, home: Path | None = None, **headers: str) -> Answer:
    settings = world.factory.settings if home is None else load_settings(home)
    pairs = {"host": f"127.0.0.1:{PORT}", "authorization": BEARER, **headers}
    scope = {
        "type": "http", "method": method, "path": "/v1/dead-letter", "raw_path": b"/v1/dead-letter", "root_path": "",
        "query_string": query.encode(), "headers": [(k.encode(), v.encode()) for k, v in pairs.items()],
    }  # fmt: skip
    sent: list[dict[str, Any]] = []

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    async def receive() -> dict[str, Any]:
        return {"type": "http.request"}

    guard = FrontGuard(Starlette(routes=[letters_route(settings)]), token="the-token", port=PORT)
    asyncio.run(guard(scope, receive, send))
    return Answer(sent[0]["status"], dict(sent[0]["headers"]), b"".join(one.get("body", b"") for one in sent))


def bury(world, **front):
    ticket = world.file(**front)
    world.factory.operators.request_cancel(ticket.id, actor="bob", reason="unwanted", now=world.factory.now())
    return ticket


def audited(world, ticket, name: str) -> list[tuple[str, str, dict[str, Any]]]:
    found = world.factory.lookup.timeline(ticket_id=ticket.id, names=[name])
    return [(one.actor, one.component, one.payload) for one in found]


def ids(cli, *words: str) -> list[str]:
    return [one["id"] for one in cli("dead-letter", "list", *words, "--json").document["tickets"]]


def test_a_dead_letter_tells_why_what_to_do_and_where_the_evidence_lies(cli, world):
    ticket = world.file(commands=[BREAK])
    assert world.run(ticket) is not None
    (one,) = cli("dead-letter", "list", "--json").document["tickets"]
    assert set(one) >= KEYS
    assert (one["id"], one["run"], one["attempts"]) == (ticket.id, f"{ticket.id}-r1", 1)
    assert (one["class"], one["code"], one["closed"]) == ("non_retriable", "verify.failed", None)
    assert one["reason"].startswith("verify.failed: ")
    assert "ticket show" in one["remedy"]
    assert {"patch", "transcript"} <= {artifact["kind"] for artifact in one["evidence"]}
    assert all(Path(artifact["path"]).stat().st_size == artifact["size"] for artifact in one["evidence"])
    said = cli("dead-letter", "list").out
    assert one["remedy"] in said
    assert one["evidence"][0]["path"] in said


def test_what_never_ran_has_no_evidence(cli, world):
    ticket = bury(world)
    (one,) = cli("dead-letter", "list", "--json").document["tickets"]
    assert (one["id"], one["code"], one["run"], one["evidence"]) == (ticket.id, "run.canceled", None, [])


def test_a_closed_one_stays_dead_and_is_listed_only_with_all(cli, world):
    ticket, other = bury(world, lock="a"), bury(world, lock="b")
    told = cli("dead-letter", "close", ticket.id.lower(), "--reason", "nobody wants it", "--json").document
    assert (told["closed"]["actor"], told["closed"]["reason"]) == (current_person(), "nobody wants it")
    assert told["stage"] == "dead_letter"
    assert ids(cli) == [other.id]
    assert ids(cli, "--all") == [ticket.id, other.id]
    assert f"closed by {current_person()}: nobody wants it" in cli("dead-letter", "list", "--all").out
    assert audited(world, ticket, "dead_letter_closed") == [(current_person(), "person", {"reason": "nobody wants it"})]
    assert "dead letter closed: nobody wants it" in cli("timeline", ticket.id).out


def test_it_is_closed_once_and_open_again_when_it_dies_again(cli, world):
    ticket = bury(world)
    cli("dead-letter", "close", ticket.id, "--reason", "first")
    again = cli("dead-letter", "close", ticket.id, "--reason", "second", "--json")
    assert (again.code, again.error["code"]) == (1, "ticket.not_ready")
    assert len(audited(world, ticket, "dead_letter_closed")) == 1
    back = cli("dead-letter", "requeue", ticket.id, "--reason", "after all", "--json").document
    assert (back["stage"], ids(cli, "--all")) == ("queued", [])
    assert [actor for actor, _, _ in audited(world, ticket, "ticket_requeued")] == [current_person()]
    cli("cancel", ticket.id, "--reason", "no")
    assert ids(cli) == [ticket.id]
    assert cli("dead-letter", "close", ticket.id, "--reason", "second").code == 0


@pytest.mark.parametrize("verb", ["close", "replay"])
@pytest.mark.parametrize("reason", ["", " \n", "x" * 2_001])
def test_a_reason_is_given_in_words(cli, world, verb, reason):
    ticket = bury(world)
    said = cli("dead-letter", verb, ticket.id, "--reason", reason, "--json")
    assert (said.code, said.error["code"]) == (1, "input.invalid")
    assert audited(world, ticket, f"dead_letter_{verb}d") == []


@pytest.mark.parametrize("verb", ["close", "replay"])
def test_only_a_dead_letter_is_closed_or_replayed(cli, world, verb):
    ticket = world.file()
    said = cli("dead-letter", verb, ticket.id, "--reason", "x", "--json")
    assert (said.code, said.error["code"]) == (1, "ticket.not_ready")
    for unknown in ("T-99", "../../etc", "T" * 10_000):
        said = cli("dead-letter", verb, unknown, "--reason", "x", "--json")
        assert (said.code, said.error["code"]) == (1, "input.not_found")
    assert cli("dead-letter", verb, ticket.id).code == 2


def test_replay_without_services_launches_nothing(cli, world):
    ticket = bury(world)
    said = cli("dead-letter", "replay", ticket.id, "--reason", "x", "--json")
    assert (said.code, said.error["code"]) == (1, "service.failed")
    assert "factory up" in said.error["message"]
    assert audited(world, ticket, "dead_letter_replayed") == []


def test_hostile_words_steer_neither_terminal_nor_page(cli, world):
    ticket = bury(world, title="\x1b]0;owned\x07 tidy")
    cli("dead-letter", "close", ticket.id, "--reason", f"\x1b[31m{LOST}")
    assert "\x1b" not in cli("dead-letter", "list", "--all").out
    answer = ask(world, "all=true")
    assert (answer.status, json.loads(answer.body)["tickets"][0]["closed"]["reason"]) == (200, f"\x1b[31m{LOST}")


def test_the_page_tells_what_the_command_tells(cli, world):
    ticket, other = bury(world, lock="a"), bury(world, lock="b")
    cli("dead-letter", "close", other.id, "--reason", "x")
    answer = ask(world)
    assert (answer.status, answer.headers[b"content-type"]) == (200, b"application/json")
    assert (answer.headers[b"cache-control"], answer.headers[b"x-frame-options"]) == (b"no-store", b"DENY")
    assert json.loads(answer.body) == cli("dead-letter", "list", "--json").document
    assert [one["id"] for one in json.loads(answer.body)["tickets"]] == [ticket.id]
    assert json.loads(ask(world, "all=true").body) == cli("dead-letter", "list", "--all", "--json").document


def test_the_page_is_behind_the_guard(world):
    bury(world)
    for wrong in ("", "Bearer guess", "Basic the-token"):
        answer = ask(world, authorization=wrong)
        assert (answer.status, b"run.canceled" in answer.body) == (401, False)
    assert ask(world, host="evil.example").status == 421
    assert ask(world, method="POST").status == 405
    assert ask(world, method="POST", origin="http://evil.example").status == 403
    assert ask(world, "all=perhaps").status == 400
    assert ask(world, "all=" + "x" * 100_000).status == 400


def test_a_ledger_out_of_reach_is_told_without_its_address(world, tmp_path):
    answer = ask(world, home=tmp_path / "nothing")
    assert answer.status == 503
    assert json.loads(answer.body)["error"]["code"].startswith("ledger.")
    assert str(tmp_path).encode() not in answer.body
