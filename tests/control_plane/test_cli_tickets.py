"""Tickets, runs and people's decisions through the command line, on a real ledger, forge and sandbox."""

import json
import subprocess

import pytest

from control_plane.runs.decisions import current_person
from tests.support.factory import BREAK, FIX

SHOWN = {"id", "title", "stage", "next", "runs", "pull_request", "policy_report", "waiting_for"}


def add(cli, *words):
    return cli("ticket", "add", "--title", "Tidy", "--command", FIX, *words, "--json").document


def test_a_ticket_is_filed_once_per_content(cli, world):
    first, again = add(cli), add(cli)
    assert first == {"id": first["id"], "stage": "queued", "created": True}
    assert again == {**first, "created": False}


def test_a_file_and_stdin_are_read_and_errors_name_lines(cli, world, tmp_path):
    path = tmp_path / "t.md"
    path.write_text("---\ntitle: Tidy\nrepository: calc\ncommands: 'true'\n---\nPlease.\n")
    assert cli("ticket", "add", path, "--json").document["created"] is True
    path.write_text("---\ntitle: Tidy\nrepository: nowhere\nengine: oracle\ndeps: T-77\n---\n")
    said = cli("ticket", "add", path, "--json")
    assert said.code == 1
    assert [(one["line"], one["path"]) for one in said.error["details"]["errors"]] == [
        (3, "repository"), (4, "engine"), (5, "deps"),
    ]  # fmt: skip


@pytest.mark.parametrize("words", [[], ["file.md", "--title", "x"]])
def test_a_ticket_is_a_file_or_a_title(cli, world, words):
    assert cli("ticket", "add", *words).code == 2


def test_wrong_options_name_their_keys(cli, world):
    said = cli("ticket", "add", "--title", "x", "--risk", "huge", "--priority", "now", "--json")
    assert [one["path"] for one in said.error["details"]["errors"]] == ["priority", "risk"] or said.code == 1
    assert "risk" in said.err


def test_the_same_key_with_other_content_is_a_conflict(cli, world, tmp_path):
    path = tmp_path / "t.md"
    for body, code in (("a", 0), ("a", 0), ("b", 1)):
        path.write_text(f"---\ntitle: T\nrepository: calc\ncommands: x\nidempotency-key: k\n---\n{body}\n")
        said = cli("ticket", "add", path, "--json")
        assert said.code == code
    assert said.error["code"] == "ticket.idempotency_conflict"


def test_show_has_exactly_the_promised_keys(cli, world):
    document = cli("ticket", "show", add(cli)["id"].lower(), "--json").document
    assert set(document) == SHOWN
    assert document["next"]["actor"] == "factory"
    assert document["runs"] == []
    assert document["pull_request"] is None
    assert document["policy_report"] is None


def test_a_ticket_on_its_way_to_a_merge(cli, world):
    ticket = world.file()
    assert world.run(ticket) is None
    document = cli("ticket", "show", ticket.id, "--json").document
    assert document["stage"] == "testing"
    assert set(document["pull_request"]) == {"url", "number", "branch", "base_sha", "head_sha"}
    assert set(document["runs"][0]) == {"id", "state", "reason", "fence", "harness", "dagster_run_ids"}
    assert document["policy_report"]["verdict"] == "pass"
    assert cli("run", ticket.id, "--wait", "--json").document == document
    assert cli("ticket", "done-check", ticket.id, "--json").document["done"] is True
    assert cli("ship", ticket.id, "--reason", "fine", "--json").document["stage"] == "shipped"
    merged = subprocess.run(
        ["git", "--git-dir", world.factory.lookup.repository("calc").remote, "log", "--format=%s", "main"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert "Tidy calc" in merged.stdout


def test_a_ticket_that_breaks_a_test_is_a_dead_letter_and_may_be_requeued(cli, world):
    ticket = world.file(commands=[BREAK])
    assert world.run(ticket) is not None
    assert [one["id"] for one in cli("dead-letter", "list", "--json").document["tickets"]] == [ticket.id]
    said = cli("run", ticket.id, "--wait", "--json")
    assert said.code == 1
    assert cli("ticket", "done-check", ticket.id).code == 1
    requeued = cli("dead-letter", "requeue", ticket.id, "--reason", "again", "--json").document
    assert requeued["stage"] == "queued"


def test_a_risky_ticket_waits_for_a_person(cli, world):
    ticket = world.file(risk="high")
    assert world.run(ticket) is None
    waiting = cli("runs", "--state", "awaiting_approval", "--json").document["runs"]
    assert [one["ticket"] for one in waiting] == [ticket.id]
    assert cli("run", ticket.id, "--wait", "--json").code == 3
    run = waiting[0]["id"]
    assert run in cli("status").out
    approved = cli("approve", run.upper(), "--reason", "read it", "--json").document
    assert (approved["state"], approved["actor"]) == ("approved", current_person())
    again = cli("reject", run, "--reason", "changed my mind", "--json")
    assert (again.code, again.error["code"]) == (1, "approval.refused")


def test_a_rejected_run_ends_with_the_reason(cli, world):
    ticket = world.file(risk="high")
    world.run(ticket)
    cli("reject", f"{ticket.id}-r1", "--reason", "not like this", "--json")
    assert "not like this" in cli("ticket", "show", ticket.id, "--json").document["runs"][0]["reason"]


def test_cancel_and_pause_and_resume(cli, world):
    ticket = world.file()
    assert cli("pause", "--reason", "release day", "--json").document == {"paused": {"*": "release day"}}
    said = cli("run", ticket.id, "--no-wait", "--json")
    assert (said.code, said.error["code"]) == (1, "dispatch.paused")
    assert "release day" in cli("ticket", "readiness", ticket.id, "--json").document["reasons"][0]
    assert cli("resume", "--reason", "released", "--json").document == {"paused": {}}
    assert cli("pause", "--reason", "x", "--repository", "nope").code == 1
    assert cli("cancel", ticket.id, "--reason", "unwanted", "--json").document["stage"] == "dead_letter"


def test_dispatch_without_waiting_says_when_nobody_will_start_it(cli, world):
    said = cli("run", world.file().id, "--no-wait", "--json")
    assert said.code == 0
    assert said.document["stage"] == "assigned"
    assert "factory up" in said.err


def test_dispatch_of_a_held_lock_waits_rather_than_fails(cli, world):
    world.dispatch(world.file(title="first"))
    said = cli("run", world.file(title="second").id, "--no-wait", "--json")
    assert said.code == 0
    assert "waits for its turn" in said.err


def test_the_timeline_is_one_document_or_lines(cli, world):
    ticket = world.file(commands=["printf 'a\\033[31mb\\n'", FIX])
    world.run(ticket)
    document = cli("timeline", ticket.id, "--json").document
    names = [event["name"] for event in document["events"]]
    assert names[0] == "ticket_created"
    assert "pull_request_saved" in names
    assert "\033" not in cli("timeline", ticket.id).out
    lines = cli("timeline", ticket.id, "--follow", "--json").out.splitlines()
    assert [json.loads(line)["name"] for line in lines] == names


HOSTILE = ["\udcff", "T-1\udcff", "T-1\0", "T-1\x1b[2J", "x" * 100_000]


@pytest.mark.parametrize("name", HOSTILE, ids=["surrogate", "behind", "nul", "escape", "huge"])
@pytest.mark.parametrize(
    "words",
    ["ticket show", "ticket readiness", "ticket done-check", "run", "run --follow", "timeline", "logs", "ship",
     "approve --reason x", "reject --reason x", "cancel --reason x", "interrupt --reason x", "continue --reason x",
     "dead-letter requeue --reason x", "dead-letter close --reason x", "dead-letter replay --reason x", "runs --ticket",
     "repo show", "pause --reason x --repository", "route explain", "egress log"],
)  # fmt: skip
def test_no_name_is_worse_than_unknown(cli, world, words, name):
    world.file()
    said = cli(*words.split(), name, "--json")
    assert (said.code, said.error["code"]) == (1, "input.not_found")
    assert "\x1b" not in said.err


@pytest.mark.parametrize("name", HOSTILE, ids=["surrogate", "behind", "nul", "escape", "huge"])
def test_a_list_of_a_repository_nobody_knows_is_empty(cli, world, name):
    world.file()
    assert cli("ticket", "list", "--repository", name, "--json").document == {"tickets": []}


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["timeline", "T-99"], "input.not_found"),
        (["approve", "T-99-r1", "--reason", "x"], "input.not_found"),
        (["cancel", "T-99", "--reason", "x"], "input.not_found"),
        (["ship", "T-1"], "forge.refused"),
        (["dead-letter", "requeue", "T-1", "--reason", "x"], "lifecycle.illegal_transition"),
        (["repo", "show", "nope"], "input.not_found"),
        (["repo", "add", "nope", "/nowhere"], "repository.invalid"),
        (["repo", "add", "a b", "."], "input.invalid"),
        (["repo", "add", "calc", "/elsewhere"], "input.invalid"),
        (["repo", "add", "x", ".", "--autonomy", "total"], "input.invalid"),
        (["policy", "check", "BAD"], "policy.invalid"),
    ],
)
def test_each_failure_has_its_code(cli, world, tmp_path, words, code):
    world.file()
    (tmp_path / "gates.yaml").write_text("max_files: none\n")
    said = cli(*[str(tmp_path) if word == "BAD" else word for word in words], "--json")
    assert (said.code, said.error["code"]) == (1, code)


def test_status_and_doctor_have_the_promised_shape(cli, world):
    world.file()
    status = cli("status", "--json").document
    assert status["stages"]["queued"] == 1
    assert status["queue"]["depth"] == 1
    said = cli("doctor", "--json")
    assert set(said.document) == {"ok", "checks"}
    assert all(set(check) == {"name", "ok", "detail", "remedy"} for check in said.document["checks"])
    bad = {check["name"] for check in said.document["checks"] if not check["ok"]}
    assert "services" in bad
    assert said.code == 1


def test_doctor_reports_a_ticket_that_nobody_moves(cli, world):
    lease = world.dispatch(world.file())
    world.clock.move(0)
    world.factory.run_ledger.start_run(lease.ref, dagster_run_id="d", ttl_seconds=0.001, now=world.factory.now())
    checks = {check["name"]: check for check in cli("doctor", "--json").document["checks"]}
    assert not checks["expired leases"]["ok"]
    assert not checks["stalled tickets"]["ok"]
    assert lease.ticket_id in checks["stalled tickets"]["detail"]


def test_doctor_speaks_of_an_unreachable_ledger_instead_of_failing(cli, world, monkeypatch):
    monkeypatch.setenv("FACTORY_DATABASE_URL", "postgresql://nobody@127.0.0.1:1/none")
    said = cli("doctor", "--json")
    checks = {check["name"]: check for check in said.document["checks"]}
    assert not checks["ledger"]["ok"]
    assert "[ledger.unavailable]" in checks["ledger"]["detail"]


def test_an_older_ledger_must_be_migrated_by_hand(cli, world):
    assert cli("db", "rollback", "--to", "base", "--json").document == {"rolled_back": "base"}
    assert cli("ticket", "list", "--json").error["code"] == "ledger.outdated"
    assert cli("db", "migrate", "--json").document == {"migrated": True}
    assert cli("ticket", "list", "--json").document == {"tickets": []}


def test_config_hides_passwords(cli, world, monkeypatch):
    monkeypatch.setenv("FACTORY_DATABASE_URL", "postgresql://ann:hunter2@db/x")
    said = cli("config", "show", "--json")
    assert said.document["database_url"] == "postgresql://ann:***@db/x"
    assert cli("config", "check", "--json").document["ok"] is True
    monkeypatch.setenv("FACTORY_MAX_RUNNING", "-1")
    assert cli("config", "check", "--json").error["code"] == "settings.invalid"


def test_policy_check_lists_the_rules(cli, world):
    assert cli("policy", "check", "--json").document["ok"] is True
