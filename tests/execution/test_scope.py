"""A change keeps to the scope of its ticket or profile, as of the run that is judged."""

import json
from pathlib import Path

import pytest

from domain.errors import FactoryError, GatesFailed
from domain.execution import RunFacts, Step
from domain.governance import Validation, Verdict
from domain.tickets import Ticket
from tests.support.factory import World, make_world

TO_JUDGE = (Step.CLAIM, Step.PROVISION, Step.LAUNCH, Step.COLLECT, Step.VALIDATE)


@pytest.fixture
def world(tmp_path: Path) -> World:
    return make_world(tmp_path)


def judged(world: World, ticket: Ticket) -> tuple[FactoryError | None, Verdict, str]:
    error = world.run(ticket)
    [run] = world.factory.lookup.runs(ticket_id=ticket.id)
    report = world.factory.lookup.evidence(run.id)[1]
    assert report is not None
    scope = next(one for one in report.verdicts if one.rule == "scope")
    return error, scope.verdict, scope.message


@pytest.mark.parametrize("scope", ["calc.py", "*", ["docs/*", "*.py"]])
def test_a_change_within_the_tickets_scope_is_delivered(world: World, scope: str | list[str]) -> None:
    error, verdict, _ = judged(world, world.file(**{"allowed-scope": scope}))
    assert (error, verdict) == (None, Verdict.PASS)


@pytest.mark.parametrize("front", [{"allowed-scope": "docs/*"}, {"profile": "docs-writer"}])
def test_a_change_outside_of_the_scope_of_ticket_or_profile_is_refused(world: World, front: dict[str, str]) -> None:
    error, verdict, message = judged(world, world.file(**front))
    assert isinstance(error, GatesFailed)
    assert (verdict, message) == (Verdict.FAIL, "outside of the allowed scope: calc.py")


@pytest.mark.parametrize(("scope", "side"), [("*.py", "inside"), ("docs/*", "outside")])
def test_the_run_keeps_which_paths_were_in_scope(world: World, scope: str, side: str) -> None:
    ticket = world.file(**{"allowed-scope": scope})
    world.run(ticket)
    [run] = world.factory.lookup.runs(ticket_id=ticket.id)
    [kept] = [one for one in world.factory.lookup.evidence(run.id)[0] if one.ref.name == "scope-report.json"]
    told = json.loads(world.factory.artifacts.get(kept.ref))
    assert told == {"inside": [], "outside": [], side: ["calc.py"]}


def test_a_link_leads_out_of_any_scope(world: World) -> None:
    error, verdict, message = judged(world, world.file(commands=["ln -s calc.py other.py"], **{"allowed-scope": "*"}))
    assert isinstance(error, GatesFailed)
    assert (verdict, message) == (Verdict.FAIL, "outside of the allowed scope: other.py")


def test_the_tickets_own_scope_stands_before_its_profiles(world: World) -> None:
    error, verdict, _ = judged(world, world.file(**{"profile": "docs-writer", "allowed-scope": "calc.py"}))
    assert (error, verdict) == (None, Verdict.PASS)


def test_a_ticket_cannot_widen_the_repositorys_scope(tmp_path: Path) -> None:
    strict = make_world(tmp_path, scope=["docs/*"])
    error, verdict, _ = judged(strict, strict.file(**{"allowed-scope": "*"}))
    assert isinstance(error, GatesFailed)
    assert verdict is Verdict.FAIL


def test_facts_gathered_under_another_scope_are_gathered_anew(world: World) -> None:
    """Such are those an older release stored, and those of a run before its profile was edited."""
    ticket = world.file(**{"allowed-scope": "docs/*"})
    lease = world.dispatch(ticket)
    presented = world.present(lease)
    world.steps(presented, TO_JUDGE)
    factory = world.factory
    [run] = factory.lookup.runs(ticket_id=ticket.id)
    assert run.validation is not None
    stored = json.loads(factory.artifacts.get(run.validation))
    assert stored.pop("allowed_scope") == ["docs/*"]
    old = factory.artifacts.put(json.dumps(stored).encode(), kind="json", name="validation.json")
    factory.run_ledger.record_facts(lease.ref, RunFacts(validation=old), step=None, now=factory.now())
    world.steps(presented, (Step.VALIDATE,))
    again = factory.lookup.runs(ticket_id=ticket.id)[0].validation
    assert again is not None
    assert Validation.model_validate_json(factory.artifacts.get(again)).allowed_scope == ("docs/*",)
    with pytest.raises(GatesFailed):
        world.steps(presented, (Step.JUDGE,))
