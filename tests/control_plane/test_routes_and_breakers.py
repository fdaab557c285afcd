"""factory route explain, factory breaker …, and why a ticket waits when the router finds nobody."""

import pytest

from control_plane.routing.outcomes import outcome_document
from control_plane.routing.wording import route_lines
from control_plane.runs.person import current_person
from domain.errors import HarnessFailed, InvalidInput
from domain.failures import AttemptEnd
from domain.lifecycle import Component, RunState
from domain.routing import Refusal, RefusalCode, Route, Scored, Term
from policy.rules_model import Policy
from tests.support.factory import World

REPOSITORY = "repository:calc"


def fail(world: World, times: int) -> None:
    """End that many runs in failure, each of a ticket of its own."""
    end = AttemptEnd(error=HarnessFailed("it said so"), run_state=RunState.FAILED, retry_at=None)
    for _ in range(times):
        lease = world.dispatch(world.file(lock="x"))
        world.factory.run_ledger.start_run(lease.ref, dagster_run_id=lease.run_id, ttl_seconds=60, now=world.clock())
        world.factory.backlog.fail_ticket(lease.ref, end=end, component=Component.EXECUTION, now=world.clock())


@pytest.fixture
def opened(world: World) -> World:
    policy: Policy = world.factory.policy
    fail(world, policy.breakers.repository.failures)
    return world


def listed(cli) -> dict[str, dict]:
    return {one["scope"]: one for one in cli("breaker", "list", "--json").document["breakers"]}


# --- route


def test_the_choice_is_shown_with_each_term_and_the_refused(cli, world):
    ticket = world.file()
    document = cli("route", "explain", ticket.id.lower(), "--json").document
    assert document["chosen"]["name"] == "command"
    assert document["ticket_id"] == ticket.id
    out = cli("route", "explain", ticket.id).out
    assert out.splitlines()[0] == f"{ticket.id} -> command: {document['reason']}"
    assert all(f"  {term['name']:16}" in out for term in document["chosen"]["terms"])
    assert world.names(ticket) == ["ticket_created"]  # nothing was started


def test_nobody_can_says_who_and_why_and_run_points_there(cli, world):
    ticket = world.file(engine="codex", commands=[])
    out = cli("route", "explain", ticket.id).out
    assert f"{ticket.id} -> nobody: nobody can: codex:" in out
    assert "refused:" in out
    said = cli("run", ticket.id, "--no-wait", "--json")
    assert (said.code, said.error["code"]) == (1, "harness.unavailable")
    assert "codex" in said.error["message"]
    assert f"`factory route explain {ticket.id}`" in said.err


def test_a_full_house_is_waited_for(cli, world, monkeypatch):
    monkeypatch.setenv("FACTORY_HARNESSES__COMMAND__LIMIT", "1")
    world.dispatch(world.file(lock="a"))
    ticket = world.file(lock="b")
    assert "it waits" in cli("route", "explain", ticket.id).out
    said = cli("run", ticket.id, "--no-wait", "--json")
    assert said.code == 0
    assert f"{ticket.id} waits for its turn: nobody can: command:" in said.err
    assert "factory route explain" in said.err


def test_nothing_in_a_route_can_steer_a_terminal():
    evil = "a\x1b[2J\nb"
    term = Term(name="load", value=1, weight=1, points=1, why=evil)
    scored = Scored(candidate=evil, name="command", matched=(evil,), terms=(term,), total=1)
    refusal = Refusal(candidate=evil, code=RefusalCode.UNHEALTHY, reason=evil * 1000)
    route = Route(ticket_id="T-1", chosen=scored, alternatives=(scored,), refused=(refusal,), reason=evil)
    assert all(line.isprintable() for line in route_lines(route))


@pytest.mark.parametrize("name", ["T-99", "", "x" * 100_000])
def test_explain_of_no_ticket(cli, world, name):
    assert cli("route", "explain", name, "--json").error["code"] == "input.not_found"


# --- breaker


def test_every_scope_is_listed_closed(cli, world):
    found = listed(cli)
    assert {"everything", "harness:command", "harness:codex", REPOSITORY} <= set(found)
    assert {one["state"] for one in found.values()} == {"closed"}
    assert all(set(one) == {"scope", "state", "reason", "until"} for one in found.values())


def test_an_open_breaker_is_told_and_closed_by_a_person(cli, opened):
    ticket = opened.file()
    state = listed(cli)[REPOSITORY]
    assert state["state"] == "open"
    assert state["until"] is not None
    said = cli("run", ticket.id, "--no-wait")
    assert said.code == 0
    assert f"factory breaker reset {REPOSITORY} --reason" in said.err
    assert f"breaker of {REPOSITORY} is open" in cli("route", "explain", ticket.id).err
    closed = cli("breaker", "reset", REPOSITORY, "--reason", "the tests\x1b[2J are fixed", "--json").document
    assert (closed["scope"], closed["state"]) == (REPOSITORY, "closed")
    assert listed(cli)[REPOSITORY]["state"] == "closed"
    assert cli("run", ticket.id, "--no-wait", "--json").document["stage"] == "assigned"
    event = next(one for one in opened.factory.lookup.timeline() if one.name == "breaker_reset")
    assert (event.actor, event.component, event.payload["scope"]) == (current_person(), "person", REPOSITORY)


def test_a_reset_leaves_other_scopes_alone(cli, opened):
    assert cli("breaker", "reset", "harness:command", "--reason", "x").out == "harness:command is closed\n"
    assert cli("breaker", "reset", "everything", "--reason", "x").code == 0
    assert listed(cli)[REPOSITORY]["state"] == "open"


@pytest.mark.parametrize(
    ("scope", "code"),
    [
        ("everything:", "input.invalid"),
        ("", "input.invalid"),
        ("harness", "input.invalid"),
        ("harness:", "input.invalid"),
        ("ticket:T-1", "input.invalid"),
        ("x" * 100_000, "input.invalid"),
        ("harness:nope", "input.not_found"),
        ("repository:nope", "input.not_found"),
        ("repository:" + "x" * 100_000, "input.not_found"),
        ("harness:a\x1b[2J", "input.not_found"),
        ("repository:\udcff", "input.not_found"),
        ("repository:calc\0", "input.not_found"),
        ("\udcff", "input.invalid"),
    ],
)
def test_a_scope_must_exist(cli, world, scope, code):
    said = cli("breaker", "reset", scope, "--reason", "x", "--json")
    assert (said.code, said.error["code"]) == (1, code)
    assert len(said.err) < 1000
    assert "\x1b" not in said.err
    assert "breaker_reset" not in [one.name for one in world.factory.lookup.timeline()]


def test_a_reset_is_written_with_its_event_or_not_at_all(cli, opened, monkeypatch):
    def refuse(name, payload):
        raise InvalidInput("not this one")

    with monkeypatch.context() as patch:
        patch.setattr("adapters.ledger.transaction.check_event", refuse)
        assert cli("breaker", "reset", REPOSITORY, "--reason", "x").code == 1
    assert listed(cli)[REPOSITORY]["state"] == "open"


# --- outcomes


def test_an_outcome_has_each_feature_and_none_that_is_not_known(cli, world):
    ticket, waiting = world.file(profile="developer"), world.file(lock="other", risk="high")
    assert world.run(ticket) is None
    world.run(waiting)
    found = {one["ticket"]: one for one in cli("route", "outcomes", "--json").document["outcomes"]}
    assert {name: found[ticket.id][name] for name in ("engine", "profile", "repository", "task_class")} == {
        "engine": "command", "profile": "developer", "repository": "calc", "task_class": "developer",
    }  # fmt: skip
    assert found[ticket.id]["verify_passed"] is True
    assert found[ticket.id]["duration_seconds"] > 0
    assert (found[ticket.id]["cost_usd"], found[ticket.id]["human_edit_rate"]) == (0.0, None)
    unknown = {name: value for name, value in found[waiting.id].items() if value is None}
    assert set(unknown) == {"profile", "duration_seconds", "verify_passed", "human_edit_rate"}
    assert found[waiting.id]["task_class"] == "plain"
    cli("ship", ticket.id)
    lines = cli("route", "outcomes", "--since", "1d").out.splitlines()
    assert lines[0].split()[:2] == ["RUN", "ENGINE"]
    assert lines[-1].split() == [
        f"{ticket.id}-r1", "command", "developer", "calc", "developer", lines[-1].split()[5], "0", "yes", "0"
    ]  # fmt: skip


@pytest.mark.parametrize("cost", [float("nan"), float("inf")])
def test_nonsense_told_as_a_cost_is_not_known(world, cost):
    world.run(world.file())
    (one,) = world.factory.oversight.outcomes()
    spent = one.usage.model_copy(update={"cost_usd": cost})
    assert outcome_document(one.model_copy(update={"usage": spent}))["cost_usd"] is None


@pytest.mark.parametrize("since", ["soon", "-1d", "\udcff", "1" * 1000])
def test_outcomes_since_nonsense(cli, world, since):
    assert cli("route", "outcomes", "--since", since, "--json").code == 2


def test_a_reset_needs_a_reason(cli, world):
    assert cli("breaker", "reset", "everything").code == 2
