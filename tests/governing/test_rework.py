"""What is said of our pull request becomes a follow-up run of the same ticket on the same branch: bounded, debounced."""

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from domain.errors import IllegalTransition
from domain.lifecycle import RunState, Stage
from domain.tickets import Ticket
from sensors.effects import effects_of
from sensors.rework import BEGAN, GIVEN_UP, WANTED, Rework
from tests.governing.house import House, house
from tests.support.repositories import git

AGAIN = "echo '# again' >> calc.py"


@pytest.fixture
def home(tmp_path: Path) -> Iterator[House]:
    with house(tmp_path, scanning=False) as made:
        yield made


def remark(home: House, text: str, **more: Any) -> None:
    said = {"id": "1", "kind": "review", "author": "ann", "text": text, "at": home.world.factory.now().isoformat()}
    with (home.said() / "remarks.jsonl").open("a") as file:
        file.write(json.dumps({**said, **more}) + "\n")


def object_to(home: House, ticket: Ticket, reason: str = "ann requested changes") -> str:
    return effects_of(home.world.factory)._asked.rework(home.repository, home.pull_of(ticket), reason)


def names(home: House, ticket: Ticket) -> list[str]:
    return [name for name in home.world.names(ticket) if name in (WANTED, BEGAN, GIVEN_UP)]


def quiet(home: House) -> timedelta:
    return home.world.factory.policy.pull_requests.rework.quiet


def test_an_objection_leads_to_a_new_attempt_on_the_same_branch(home: House) -> None:
    ticket, pull = home.delivered(commands=[AGAIN])
    remark(home, "Please say why.")
    assert object_to(home, ticket).endswith("ann requested changes")
    assert object_to(home, ticket).endswith("heard before")
    assert Rework(home.world.factory).look().begun == []
    assert home.world.ticket(ticket).stage is Stage.TESTING
    home.world.clock.move(quiet(home).total_seconds())
    assert Rework(home.world.factory).look().begun == [ticket.id]
    queued = home.world.ticket(ticket)
    assert queued.stage is Stage.QUEUED
    assert queued.reason == "rework: ann requested changes"
    assert home.world.run(ticket) is None
    now = home.pull_of(ticket)
    assert (now.number, now.branch) == (pull.number, pull.branch)
    assert now.head_sha != pull.head_sha
    remote = Path(home.repository.remote)
    assert git(remote, "show", f"{now.head_sha}:calc.py").count("# again") == 2, "it goes on from what it delivered"
    runs = home.world.factory.lookup.runs(ticket_id=ticket.id)
    assert [run.state for run in runs] == [RunState.SUCCEEDED, RunState.SUCCEEDED]
    kept, _report = home.world.factory.lookup.evidence(runs[1].id)
    (told,) = [one.ref for one in kept if one.ref.name == "remarks.txt"]
    assert "Please say why." in home.world.factory.artifacts.get(told).decode()
    assert names(home, ticket) == [WANTED, BEGAN]
    assert Rework(home.world.factory).look().begun == []


def test_talk_that_goes_on_is_waited_for_but_not_for_ever(home: House) -> None:
    ticket, _pull = home.delivered()
    policy = home.world.factory.policy.pull_requests.rework
    for minute in range(100):
        object_to(home, ticket, f"remark {minute}")
        if Rework(home.world.factory).look().begun:
            break
        home.world.clock.move(policy.quiet.total_seconds() / 2)
    assert minute * policy.quiet / 2 >= policy.longest
    assert names(home, ticket).count(BEGAN) == 1


def test_after_the_last_follow_up_a_person_is_asked_once(home: House) -> None:
    ticket, pull = home.delivered(commands=[AGAIN])
    for number in range(home.world.factory.policy.pull_requests.rework.most):
        object_to(home, ticket, f"no {number}")
        home.world.clock.move(quiet(home).total_seconds())
        assert Rework(home.world.factory).look().begun == [ticket.id]
        assert home.world.run(ticket) is None
    object_to(home, ticket, "still <no> @all")
    assert Rework(home.world.factory).look().given_up == [ticket.id]
    assert Rework(home.world.factory).look().given_up == []
    assert home.world.ticket(ticket).stage is Stage.TESTING
    comment = (home.said(pull.number) / "comments/rework.md").read_text()
    assert "A person's turn" in comment
    assert "@all" not in comment
    assert names(home, ticket)[-1] == GIVEN_UP


def test_a_ticket_that_is_not_delivered_cannot_be_sent_back(home: House) -> None:
    ticket = home.world.file()
    with pytest.raises(IllegalTransition):
        home.world.factory.backlog.rework_ticket(ticket.id, reason="x", now=home.world.factory.now())
    assert home.world.ticket(ticket).stage is Stage.QUEUED


def test_a_merged_change_is_not_worked_on_again(home: House) -> None:
    ticket, _pull = home.delivered()
    object_to(home, ticket)
    home.world.factory.operators.ship(ticket.id, actor="ann", merge_sha=None, now=home.world.factory.now())
    home.world.clock.move(quiet(home).total_seconds())
    assert Rework(home.world.factory).look().begun == []
    assert home.world.ticket(ticket).stage is Stage.SHIPPED
