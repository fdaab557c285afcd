"""factory interrupt and factory continue, on a real ledger."""

from datetime import timedelta

import pytest

from control_plane.runs.person import current_person


def start(world, **front):
    ticket = world.file(**front)
    lease = world.dispatch(ticket)
    world.factory.run_ledger.start_run(lease.ref, dagster_run_id="d", ttl_seconds=60, now=world.factory.now())
    return ticket, lease


def park(world, lease, rule: str) -> None:
    now = world.factory.now()
    asked = {"rule": rule, "reason": "enough for now", "deadline": now + timedelta(days=1)}
    world.factory.run_ledger.await_approval(lease.ref, **asked, now=now)


@pytest.mark.parametrize("by_ticket", [True, False])
def test_a_running_run_is_asked_to_pause_once(cli, world, by_ticket):
    ticket, lease = start(world)
    asked = ticket.id.lower() if by_ticket else lease.run_id
    document = cli("interrupt", asked, "--reason", "wrong track", "--json").document
    assert (document["id"], document["interrupt_requested_by"]) == (lease.run_id, current_person())
    assert cli("interrupt", asked, "--reason", "again", "--json").document["interrupt_reason"] == "wrong track"
    assert world.names(ticket).count("interrupt_requested") == 1


@pytest.mark.parametrize("rule", ["interrupted", "budget"])
def test_a_paused_run_says_what_comes_next_and_goes_on(cli, world, rule):
    ticket, lease = start(world)
    park(world, lease, rule)
    next_ = cli("ticket", "show", ticket.id, "--json").document["next"]
    assert (next_["actor"], next_["action"]) == ("person", f"continue or reject {lease.run_id}: enough for now")
    assert "factory continue" in cli("interrupt", ticket.id, "--reason", "x").err
    document = cli("continue", ticket.id, "--json").document
    assert (document["run_id"], document["state"], document["rule"]) == (lease.run_id, "approved", rule)
    assert world.dispatch(ticket).fence == lease.fence + 1


def test_approve_and_reject_of_a_paused_run_still_work(cli, world):
    _, lease = start(world)
    park(world, lease, "interrupted")
    assert cli("approve", lease.run_id, "--reason", "fine", "--json").document["state"] == "approved"
    said = cli("continue", lease.run_id, "--json")
    assert (said.code, said.error["code"]) == (1, "approval.refused")
    assert "goes on by itself" in said.error["message"]


def test_a_finished_change_is_approved_not_continued(cli, world):
    ticket = world.file(risk="high")
    world.run(ticket)
    said = cli("continue", ticket.id, "--json")
    assert (said.code, said.error["code"]) == (1, "approval.refused")
    assert f"factory approve {ticket.id}-r1" in said.error["message"]
    assert cli("ticket", "show", ticket.id, "--json").document["next"]["action"].startswith("approve or reject")


@pytest.mark.parametrize("command", ["interrupt", "continue"])
def test_what_is_not_at_work_or_paused_says_what_to_do(cli, world, command):
    ticket = world.file()
    none = cli(command, ticket.id, "--reason", "x", "--json")
    assert (none.code, none.error["code"]) == (1, "input.not_found")
    assert "factory run" in none.error["message"]
    world.dispatch(ticket)
    assert "factory cancel" in cli(command, ticket.id, "--reason", "x").err


def test_a_run_at_work_or_over_cannot_be_continued(cli, world):
    ticket, _ = start(world)
    assert "--follow" in cli("continue", ticket.id).err
    other = world.file(lock="other")
    world.run(other)
    for command in ("continue", "interrupt"):
        assert "it is over" in cli(command, other.id, "--reason", "x").err


@pytest.mark.parametrize("command", ["interrupt", "continue", "logs"])
def test_nobody_of_that_name(cli, world, command):
    for name in ("T-99", "T-1-r99", "", "x" * 100_000, "../..", "T-1\x1b[2J"):
        said = cli(command, name, *([] if command == "logs" else ["--reason", "x"]), "--json")
        assert (said.code, said.error["code"]) == (1, "input.not_found")
        assert len(said.err) < 1000
        assert "\x1b" not in said.err


def test_an_interrupt_needs_a_reason(cli, world):
    assert cli("interrupt", "T-1").code == 2
