"""`factory stage`, the constrained stage, and the ladder: up by a person on evidence, down by itself."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from domain.errors import CapacityRefused
from domain.lifecycle import RunState, Stage
from domain.tickets import Tier
from resources.stages import CHANGED, demote
from sensors.ladder import autonomy_ladder
from tests.support.factory import AFTER_APPROVAL, BREAK, World
from tests.support.repositories import make_repository

CONSTRAINED = "stage: constrained\nwindow: 30d\nleast_runs: 2\ndrop: 0.1\n"
OPEN = CONSTRAINED.replace("constrained", "autonomous")


def told_by_policy(world: World, monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    """Let these stages be in force, for this process and for the command line."""
    folder = world.factory.settings.home / "policy"
    folder.mkdir(exist_ok=True)
    (folder / "stages.yaml").write_text(text)
    monkeypatch.setenv("FACTORY_POLICY_DIR", str(folder))
    from resources.policy_files import load_policy  # noqa: PLC0415

    world.factory = replace(world.factory, policy=load_policy(folder))


def set_tier(world: World, tier: Tier) -> None:
    repository = world.factory.lookup.repository("calc")
    settings = repository.settings.model_copy(update={"autonomy": tier})
    changed = repository.model_copy(update={"settings": settings})
    world.factory.operators.save_repository(changed, actor="ann", now=world.factory.now())


def work(world: World, number: int, **front: Any) -> None:
    """Take a ticket through its approval, if it waits for one."""
    ticket = world.file(
        title=f"ticket {number}", commands=[f"echo {number} > {number}.txt"], lock=f"l{number}", **front
    )
    world.run(ticket)
    run = world.factory.lookup.runs(ticket_id=ticket.id)[-1]
    if run.state is RunState.AWAITING_APPROVAL:
        now = world.factory.now()
        world.factory.operators.decide_approval(run.id, approved=True, actor="ann", reason="fine", now=now)
        world.steps(world.present(world.dispatch(ticket)), AFTER_APPROVAL)


def changes(world: World) -> list[tuple[str, str, str]]:
    found = world.factory.lookup.timeline(names=(CHANGED,))
    return [(one.actor, one.payload["was"], one.payload["is"]) for one in found]


def test_the_report_gives_three_figures_from_the_ledger(cli, world) -> None:
    set_tier(world, Tier.CONSTRAINED)
    empty = cli("stage", "report", "--json").document
    assert (empty["duplicates"], empty["reruns"], empty["pass_rate_now"], empty["green"]) == (0, 0, None, False)
    for number in range(2):
        work(world, number)
    world.file(title="ticket 1", commands=["true"])
    document = cli("stage", "report", "--repository", "calc", "--json").document
    assert (document["duplicates"], document["duplicate_tickets"]) == (1, ["T-3"])
    assert (document["reruns"], document["equal_reruns"], document["runs"]) == (2, 2, 2)
    assert document["lacking"] == ["2 runs of the 10 that evidence takes", "1 duplicate tickets: T-3"]
    assert "duplicates: 1" in cli("stage", "report").out
    assert cli("stage", "report", "--repository", "nope", "--json").error["code"] == "input.not_found"


def test_nobody_goes_up_without_evidence_and_with_it_one_step(cli, world, monkeypatch) -> None:
    told_by_policy(world, monkeypatch, OPEN)
    set_tier(world, Tier.CONSTRAINED)
    words = ("stage", "promote", "calc", "--reason", "a month", "--json", "--to")
    assert cli(*words, "supervised").error["code"] == "autonomy.refused"
    assert changes(world) == []
    for number in range(2):
        work(world, number)
    assert cli(*words, "autonomous").error["code"] == "input.invalid"
    assert cli(*words, "supervised").document == {"repository": "calc", "autonomy": "supervised"}
    ((_actor, was, now),) = changes(world)
    assert (was, now) == ("constrained", "supervised")
    (event,) = world.factory.lookup.timeline(names=(CHANGED,))
    assert event.payload["evidence"]["runs"] == 2
    assert cli(*words, "autonomous").error["code"] == "autonomy.refused", "evidence counts once"


def test_enrolling_again_is_no_way_up(cli, world) -> None:
    set_tier(world, Tier.CONSTRAINED)
    source = str(world.source)
    raised = cli("repo", "add", "calc", source, "--autonomy", "autonomous", "--no-check", "--json")
    assert raised.error["code"] == "autonomy.refused"
    assert cli("repo", "add", "calc", source, "--lock", "x", "--no-check").code == 0
    assert world.factory.lookup.repository("calc").settings.autonomy is Tier.CONSTRAINED
    set_tier(world, Tier.AUTONOMOUS)
    assert cli("repo", "add", "calc", source, "--autonomy", "supervised", "--no-check").code == 0
    assert world.factory.lookup.repository("calc").settings.autonomy is Tier.SUPERVISED


def test_a_breach_takes_a_repository_back_by_itself_once(world, monkeypatch) -> None:
    told_by_policy(world, monkeypatch, OPEN)
    set_tier(world, Tier.AUTONOMOUS)
    assert demote(world.factory, world.factory.lookup.repository("calc")) is None
    world.file(title="same")
    world.file(title="same")
    with dg.DagsterInstance.ephemeral() as instance:
        for said in ("calc is supervised now", "nothing to do"):
            world.clock.move(1)
            context = dg.build_sensor_context(instance=instance, resources={"factory": world.factory})
            told = autonomy_ladder(context)
            assert isinstance(told, dg.SkipReason)
            assert told.skip_message == said
    assert changes(world) == [("factory", "autonomous", "supervised")]


def test_a_falling_pass_rate_is_a_breach(world, monkeypatch) -> None:
    told_by_policy(world, monkeypatch, OPEN.replace("least_runs: 2", "least_runs: 4"))
    set_tier(world, Tier.SUPERVISED)
    for number in range(2):
        work(world, number)
    for number in range(2, 4):
        broken = world.file(title=f"broken {number}", commands=[BREAK], lock=f"l{number}", retry={"max": 0})
        assert world.run(broken) is not None
    moved = demote(world.factory, world.factory.lookup.repository("calc"))
    assert moved is not None
    assert moved.settings.autonomy is Tier.CONSTRAINED


def test_in_the_constrained_stage_nothing_is_pushed_before_a_yes(world, monkeypatch) -> None:
    told_by_policy(world, monkeypatch, CONSTRAINED)
    set_tier(world, Tier.AUTONOMOUS)
    ticket = world.file()
    assert world.run(ticket) is None
    assert world.ticket(ticket).stage is Stage.REVIEW
    assert world.factory.lookup.runs()[0].state is RunState.AWAITING_APPROVAL
    assert world.factory.lookup.pull_request(ticket.id) is None


def test_in_the_constrained_stage_there_is_one_worker(world, monkeypatch) -> None:
    told_by_policy(world, monkeypatch, CONSTRAINED)
    first, second = (world.file(title=f"ticket {n}", lock=f"l{n}") for n in range(2))
    world.dispatch(first)
    with pytest.raises(CapacityRefused):
        world.dispatch(second)


def test_in_the_constrained_stage_a_second_repository_waits_for_a_green_report(
    cli, world, monkeypatch, tmp_path: Path
) -> None:
    told_by_policy(world, monkeypatch, CONSTRAINED)
    other = make_repository(tmp_path / "other")
    said = cli("repo", "add", "other", other, "--no-check", "--json")
    assert said.error["code"] == "autonomy.refused"
    assert "calc is" in said.error["message"]
    assert cli("repo", "add", "calc", world.source, "--no-check").code == 0, "the first may change"
    for number in range(2):
        work(world, number)
    assert cli("stage", "report", "--json").document["green"] is True
    assert cli("repo", "add", "other", other, "--no-check").code == 0


def test_in_the_constrained_stage_there_is_one_language(cli, world, monkeypatch, tmp_path: Path) -> None:
    told_by_policy(world, monkeypatch, CONSTRAINED + "constrained: {repositories: 3}\n")
    first = make_repository(tmp_path / "first", files={"pyproject.toml": ""})
    assert cli("repo", "add", "first", first, "--no-check").code == 0
    other = make_repository(tmp_path / "other", files={"package.json": "{}\n"})
    said = cli("repo", "add", "other", other, "--no-check", "--json")
    assert said.error["code"] == "autonomy.refused"
    assert "python" in said.error["message"]
    assert "other is node" in said.error["message"]
    assert [one.name for one in world.factory.oversight.repositories()] == ["calc", "first"]
    told_by_policy(world, monkeypatch, CONSTRAINED + "constrained: {repositories: 3, languages: 2}\n")
    assert cli("repo", "add", "other", other, "--no-check").code == 0


def test_evidence_is_of_the_window_alone(cli, world, monkeypatch) -> None:
    told_by_policy(world, monkeypatch, OPEN)
    for number in range(2):
        work(world, number)
    from resources.stages import report_of  # noqa: PLC0415

    assert report_of(world.factory).runs == 2
    world.clock.move(timedelta(days=31).total_seconds())
    assert report_of(world.factory).runs == 0


@pytest.mark.parametrize(
    "text",
    ["stage: x\n", "stage: constrained\n", OPEN + "drop: 2\n", OPEN + "least_runs: 0\n", OPEN + "window: soon\n"],
)
def test_a_wrong_policy_is_told(cli, world, tmp_path: Path, text: str) -> None:
    (tmp_path / "stages.yaml").write_text(text)
    said = cli("policy", "check", tmp_path, "--json")
    assert (said.code, said.error["code"]) == (1, "policy.invalid")
