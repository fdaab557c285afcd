"""The router reads harnesses, history and breakers off a real ledger; nothing here asks a model."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from domain.candidates import Breaker, Candidate
from domain.errors import (
    CapacityRefused,
    FactoryError,
    GatesFailed,
    HarnessUnavailable,
    InvalidInput,
    NotReady,
    QuotaExceeded,
    WorkerDied,
)
from domain.execution import Lease, RunFacts, Usage
from domain.failures import AttemptEnd
from domain.governance import Clearance
from domain.lifecycle import Component, RunState, Stage
from domain.routing import RefusalCode
from domain.tickets import Ticket
from policy.breakers import BreakerRule
from policy.rules_model import ApprovalRule, Match
from sensors.ending import decide_end
from sensors.routing import EVERYTHING, RESET, Router, scope_of
from sensors.supervisor import RunSupervisor
from tests.support.factory import World, enrol, make_world

AGENTS = ("codex", "claude_code")
MINUTE = 60.0


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    """With codex and claude_code enabled, two of each at once; nobody answers at their API."""
    for name in AGENTS:
        monkeypatch.setenv(f"FACTORY_HARNESSES__{name.upper()}__BASE_URL", "http://127.0.0.1:9/")
        monkeypatch.setenv(f"FACTORY_HARNESSES__{name.upper()}__LIMIT", "2")
    monkeypatch.setenv("FACTORY_MAX_RUNNING", "9")
    return make_world(tmp_path)


def agentic(world: World, **front: Any) -> Ticket:
    """A ticket that leaves its engine to the router; each has a lock of its own."""
    number = len(world.factory.lookup.tickets())
    return world.file(**{"engine": "auto", "engine-class": "agentic-coder", "lock": f"l{number}", **front})


def end(world: World, lease: Lease, error: FactoryError, *, usd: float = 0.0, **told: Any) -> None:
    """End a granted run as told, after it has cost so much."""
    factory = world.factory
    now = factory.now()
    factory.run_ledger.start_run(lease.ref, dagster_run_id=lease.run_id, ttl_seconds=60, now=now)
    factory.run_ledger.record_facts(lease.ref, RunFacts(usage=Usage(cost_usd=usd)), step=None, now=now)
    given = {"error": error, "run_state": RunState.FAILED, "retry_at": now, **told}
    factory.backlog.fail_ticket(lease.ref, end=AttemptEnd(**given), component=Component.EXECUTION, now=now)


def fail(world: World, error: FactoryError, *, usd: float = 0.0, **front: Any) -> Ticket:
    """File a ticket whose one run ends as told; no further run follows."""
    ticket = agentic(world, **front)
    end(world, world.dispatch(ticket), error, usd=usd, retry_at=None)
    return world.ticket(ticket)


def seen(world: World, name: str, router: Router | None = None) -> Candidate:
    return next(one for one in (router or Router(world.factory)).candidates() if one.name == name)


def test_a_factory_without_history_offers_every_harness_as_its_settings_say(world: World) -> None:
    found = {one.name: one for one in Router(world.factory).candidates()}
    assert {name for name, one in found.items() if one.enabled} == {"command", *AGENTS}
    assert set(found) == set(world.factory.harnesses)
    assert {one.history for one in found.values()} == {()}
    assert {one.breaker for one in found.values()} == {Breaker.CLOSED}
    assert [found["codex"].limit, found["codex"].running, found["codex"].recent] == [2, 0, 0]


def test_the_assignment_is_stored_with_the_run_and_told_in_its_timeline(world: World) -> None:
    ticket = agentic(world, profile="qa")
    lease = world.dispatch(ticket)
    run = world.factory.lookup.runs(ticket_id=ticket.id)[0]
    assert run.harness == lease.harness
    assert run.assignment is not None
    assert run.assignment.harness == lease.harness
    assert run.assignment.order.profile is not None
    assert run.assignment.order.profile.profile.name == "qa"
    events = world.factory.lookup.timeline(ticket_id=ticket.id)
    told = [one.payload for one in events if one.name == "harness_assigned"]
    assert told[0]["route"] == run.assignment.route.event_payload()


def test_the_same_question_has_the_same_answer_and_changes_nothing(world: World) -> None:
    fail(world, GatesFailed("x"), engine="codex")
    ticket = agentic(world)
    before = world.names(ticket)
    answers = [Router(world.factory).explain(ticket) for _ in range(3)]
    assert answers[0] == answers[1] == answers[2]
    assert {one.candidate for one in answers[0].refused} == {"command"}
    assert {answers[0].chosen.name, *(one.name for one in answers[0].alternatives)} == set(AGENTS)
    assert world.names(ticket) == before


def test_a_ticket_for_a_script_goes_to_the_command_harness_alone(world: World) -> None:
    ticket = world.file()
    assert Router(world.factory).assign(ticket).harness == "command"
    assert Router(world.factory).assign(agentic(world, **{"engine-class": "script"})).harness == "command"


def test_approval_rules_see_the_harness_that_did_the_work(world: World) -> None:
    waits = ApprovalRule(
        rule="w", when=Match(harness=("command",)), decision=Clearance.NEEDS_APPROVAL, reason="it is a script's work"
    )
    policy = world.factory.policy
    approvals = policy.approvals.model_copy(update={"rules": (waits, *policy.approvals.rules)})
    world.factory = replace(world.factory, policy=policy.model_copy(update={"approvals": approvals}))
    ticket = agentic(world, **{"engine-class": "script"})
    assert world.run(ticket) is None
    [run] = world.factory.lookup.runs(ticket_id=ticket.id)
    assert (ticket.manifest.engine, run.harness, run.state) == ("auto", "command", RunState.AWAITING_APPROVAL)
    assert world.factory.oversight.approvals(run_id=run.id)[0].request_reason == "it is a script's work"


# --- who cannot


def test_a_named_harness_that_is_not_enabled_is_told(world: World) -> None:
    with pytest.raises(HarnessUnavailable, match="nonesuch"):
        Router(world.factory).assign(agentic(world, engine="nonesuch"))
    found = Router(world.factory).explain(agentic(world, engine="gemini_cli"))
    assert found.fallback is not None
    assert (found.fallback.preferred, found.chosen.name) == ("gemini_cli", "codex")


@pytest.mark.parametrize("demand", ["gpu", "os:mac", "factory:nowhere"])
def test_demands_nobody_meets_do_not_pass_by_waiting(world: World, demand: str) -> None:
    with pytest.raises(HarnessUnavailable, match="lacks"):
        Router(world.factory).assign(agentic(world, capabilities=demand))


def test_an_unknown_profile_is_refused(world: World) -> None:
    with pytest.raises(InvalidInput, match="no profile 'astronaut'"):
        Router(world.factory).assign(agentic(world, profile="astronaut"))
    with pytest.raises(InvalidInput, match="no profile"):
        Router(world.factory).explain(agentic(world, profile="astronaut"))


def test_what_is_passed_over_is_out_with_the_reason(world: World) -> None:
    ticket = agentic(world)
    found = Router(world.factory).explain(ticket, dict.fromkeys(AGENTS, "said so"))
    assert (found.chosen, found.waits) == (None, True)
    codes = {one.candidate: (one.code, one.reason) for one in found.refused}
    assert codes["codex"] == (RefusalCode.PASSED_OVER, "said so")


# --- load


def test_a_grant_is_told_and_a_full_harness_waits(world: World) -> None:
    router = Router(world.factory)
    ticket = agentic(world, engine="codex")
    for running in range(2):
        assert seen(world, "codex", router).running == running
        assert router.assign(ticket).harness == "codex"
        router.took("codex")
    with pytest.raises(CapacityRefused, match="2 of 2 are running"):
        router.assign(ticket)
    assert seen(world, "codex", router).recent == 2


def test_a_grant_counts_once_whether_it_came_before_or_after_the_look(world: World) -> None:
    router = Router(world.factory)
    world.clock.move(1)
    world.dispatch(agentic(world, engine="codex"))
    router.took("codex")
    assert (seen(world, "codex", router).running, seen(world, "codex", router).recent) == (1, 1)
    assert (seen(world, "codex").running, seen(world, "codex").recent) == (1, 1)


def test_one_dispatch_spreads_work_and_stops_at_the_limits(world: World) -> None:
    tickets = [agentic(world) for _ in range(6)]
    report = RunSupervisor(world.factory).dispatch()
    assert sorted(lease.harness for lease in report.granted) == ["claude_code", "claude_code", "codex", "codex"]
    assert set(report.waiting) == {one.id for one in tickets[4:]}
    assert all("are running" in reason for reason in report.waiting.values())


def test_old_work_is_no_share_of_the_latest(world: World) -> None:
    fail(world, GatesFailed("x"), engine="codex")
    assert seen(world, "codex").recent == 1
    world.clock.move(7 * 3600)
    assert (seen(world, "codex").recent, seen(world, "codex").history[0].attempts) == (0, 1)
    world.clock.move(31 * 86400)
    assert seen(world, "codex").history == ()


# --- history


def test_history_is_kept_by_harness_and_kind_with_its_money(world: World) -> None:
    fail(world, GatesFailed("x"), engine="codex", usd=1.5)
    fail(world, GatesFailed("x"), engine="codex", usd=0.5, profile="qa")
    fail(world, WorkerDied("x"), engine="codex", usd=0.25, profile="qa")
    found = {one.kind: one for one in seen(world, "codex").history}
    assert (found[""].attempts, found[""].successes, found[""].cost_usd) == (1, 0, 1.5)
    assert (found["qa"].attempts, found["qa"].successes, found["qa"].cost_usd) == (2, 0, 0.75)
    assert seen(world, "claude_code").history == ()


def test_a_delivered_change_is_a_success(world: World) -> None:
    assert world.run(world.file()) is None
    [found] = seen(world, "command").history
    assert (found.attempts, found.successes) == (1, 1)


def test_what_was_canceled_or_handed_on_teaches_nothing(world: World) -> None:
    ticket = agentic(world, engine="codex")
    end(world, world.dispatch(ticket), QuotaExceeded("x"), harness_until=world.factory.now(), spends=False)
    world.dispatch(agentic(world, engine="codex"))
    assert seen(world, "codex").history == ()


def test_failures_send_the_next_ticket_to_another_harness(world: World) -> None:
    for _ in range(3):
        fail(world, GatesFailed("x"), engine="codex")
    world.clock.move(7 * 3600)
    found = Router(world.factory).explain(agentic(world))
    assert found.chosen.name == "claude_code"
    assert [one.why for one in found.alternatives[0].terms if one.name == "history"] == ["0 of 3 attempts accepted"]


def test_money_spent_by_earlier_attempts_is_off_the_tickets_budget(world: World) -> None:
    ticket = agentic(world, engine="codex", budget={"usd": 5})
    end(world, world.dispatch(ticket), WorkerDied("x"), usd=4.5)
    with pytest.raises(HarnessUnavailable, match=r"the ticket has 0\.50 left"):
        Router(world.factory).assign(world.ticket(ticket))


# --- who rests


def test_a_harness_that_could_not_serve_a_ticket_rests_for_it(world: World) -> None:
    ticket = agentic(world, engine="codex")
    until = world.factory.now() + timedelta(minutes=10)
    end(world, world.dispatch(ticket), QuotaExceeded("x"), harness_until=until, spends=False)
    assert Router(world.factory).resting(ticket) == {"codex": until}
    assert Router(world.factory).resting(agentic(world)) == {}
    found = Router(world.factory).explain(world.ticket(ticket))
    assert found.chosen.name == "claude_code"
    assert f"harness.quota) and rests until {until:%H:%M:%S}" in found.fallback.reason
    world.clock.move(11 * MINUTE)
    assert Router(world.factory).resting(ticket) == {}
    assert Router(world.factory).explain(world.ticket(ticket)).chosen.name == "codex"


def test_a_ticket_is_handed_on_then_parked_until_the_earliest_reset(world: World) -> None:
    ticket = agentic(world)
    first = world.dispatch(ticket)
    for lease, told in ((first, 600), (None, 90)):
        held = lease or world.dispatch(ticket)
        run = world.factory.lookup.runs(ticket_id=ticket.id)[-1]
        decided = decide_end(world.factory, run, world.ticket(ticket), QuotaExceeded("x", retry_after=told))
        assert not decided.spends
        end(world, held, decided.error, **{k: getattr(decided, k) for k in ("retry_at", "spends", "harness_until")})
    names = {run.harness for run in world.factory.lookup.runs(ticket_id=ticket.id)}
    parked = world.ticket(ticket)
    assert names == set(AGENTS)
    assert (parked.stage, parked.attempts - parked.attempts_base) == (Stage.QUEUED, 0)
    assert timedelta(seconds=30) < parked.not_before - world.factory.now() <= timedelta(seconds=90)
    with pytest.raises(CapacityRefused, match="rests until"):
        world.dispatch(ticket)
    world.clock.move(91)
    assert world.dispatch(ticket).harness != first.harness


# --- breakers


def open_codex(world: World) -> None:
    for _ in range(world.factory.policy.breakers.harness.failures):
        fail(world, HarnessUnavailable("x"), engine="codex")


def test_a_harness_that_keeps_failing_rests_and_is_tried_with_one_run(world: World) -> None:
    open_codex(world)
    ticket = agentic(world, engine="codex")
    found = Router(world.factory).explain(ticket)
    assert seen(world, "codex").breaker is Breaker.OPEN
    assert found.chosen.name == "claude_code"
    assert "circuit breaker is open" in found.fallback.reason
    world.clock.move(5 * MINUTE)
    router = Router(world.factory)
    assert seen(world, "codex", router).breaker is Breaker.HALF_OPEN
    assert router.assign(ticket).harness == "codex"
    router.took("codex")
    assert router.assign(ticket).harness == "claude_code"


def test_a_person_closes_a_breaker(world: World) -> None:
    open_codex(world)
    state = Router(world.factory).breaker_of("harness", "codex")
    assert (state.state, "5 runs in a row failed" in state.reason) == (Breaker.OPEN, True)
    world.factory.oversight.beat(f"{RESET}{scope_of('harness', 'codex')}", now=world.factory.now())
    assert Router(world.factory).breaker_of("harness", "codex").state is Breaker.CLOSED
    assert seen(world, "codex").breaker is Breaker.CLOSED


@pytest.mark.parametrize(
    ("kind", "name", "scope"),
    [
        ("everything", EVERYTHING, "everything"),
        ("harness", "codex", "harness:codex"),
        ("repository", "a", "repository:a"),
    ],
)
def test_scopes_are_written_one_way(kind: str, name: str, scope: str) -> None:
    assert scope_of(kind, name) == scope


def with_breakers(world: World, **rules: int) -> None:
    policy = world.factory.policy
    update = {name: BreakerRule(failures=failures, usd_per_hour=1000) for name, failures in rules.items()}
    breakers = policy.breakers.model_copy(update=update)
    world.factory = replace(world.factory, policy=policy.model_copy(update={"breakers": breakers}))


@pytest.mark.parametrize("kind", ["repository", "everything"])
def test_a_scope_that_keeps_failing_holds_its_tickets_then_lets_one_through(world: World, kind: str) -> None:
    enrol(world.factory, world.source, "other")
    with_breakers(world, **{kind: 2})
    for _ in range(2):
        fail(world, GatesFailed("x"))
    ticket, stranger = agentic(world), agentic(world, repository="other")
    with pytest.raises(NotReady, match=f"circuit breaker of {kind}.* is open until .*2 tickets in a row"):
        Router(world.factory).assign(ticket)
    if kind == "repository":
        world.dispatch(stranger)
    else:
        with pytest.raises(NotReady):
            Router(world.factory).assign(stranger)
    world.clock.move(5 * MINUTE)
    world.dispatch(ticket)
    with pytest.raises(NotReady, match="half_open"):
        Router(world.factory).assign(agentic(world))


def test_work_elsewhere_does_not_keep_a_repository_from_its_trial(world: World) -> None:
    enrol(world.factory, world.source, "other")
    with_breakers(world, repository=2)
    for _ in range(2):
        fail(world, GatesFailed("x"))
    world.clock.move(5 * MINUTE)
    world.dispatch(agentic(world, repository="other"))
    assert Router(world.factory).assign(agentic(world)).harness in AGENTS


def test_harnesses_that_handed_on_do_not_close_the_repository(world: World) -> None:
    with_breakers(world, repository=2, everything=2)
    for _ in range(3):
        ticket = agentic(world)
        end(world, world.dispatch(ticket), QuotaExceeded("x"), harness_until=world.factory.now(), spends=False)
    router = Router(world.factory)
    assert router.breaker_of("repository", "calc").state is Breaker.CLOSED
    assert router.breaker_of("everything").state is Breaker.CLOSED


def test_money_opens_the_breaker_of_whom_it_was_spent_on(world: World) -> None:
    limit = world.factory.policy.breakers.harness.usd_per_hour
    fail(world, GatesFailed("x"), engine="codex", usd=limit + 1)
    router = Router(world.factory)
    assert "USD in the last hour" in router.breaker_of("harness", "codex").reason
    assert router.breaker_of("harness", "claude_code").state is Breaker.CLOSED
    world.clock.move(61 * MINUTE)
    assert Router(world.factory).breaker_of("harness", "codex").state is Breaker.CLOSED


@pytest.mark.parametrize("name", ["nobody", "", "x" * 10_000, "a'; drop table runs; --"])
def test_a_scope_nobody_ran_in_is_closed(world: World, name: str) -> None:
    assert Router(world.factory).breaker_of("harness", name).state is Breaker.CLOSED
    assert Router(world.factory).breaker_of("repository", name).state is Breaker.CLOSED
