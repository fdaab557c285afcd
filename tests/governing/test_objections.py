"""A person's pull request with a real defect, and real scanners: changes are requested, and the request is withdrawn."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from domain.governance import Verdict
from tests.support.hub import BOT, FULL_NAME, HubHouse, hub_house

pytestmark = [pytest.mark.dagster, pytest.mark.bubblewrap]
DEFECT = 'import subprocess\n\n\ndef listing(folder: str) -> bytes:\n    return subprocess.check_output("ls " + folder, shell=True)\n'
MENDED = "def listing(folder: str) -> bytes:\n    return folder.encode()\n"


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[HubHouse]:
    monkeypatch.setenv("FACTORY_SANDBOX", "bubblewrap")
    with hub_house(tmp_path, scanning=True) as found:
        yield found


def push(house: HubHouse, content: str) -> str:
    return house.github.commit(FULL_NAME, {"listing.py": content}, "Listing", branch="topic", login="bob")


def judged(house: HubHouse) -> None:
    house.hear()
    assert [one.success for one in house.judge()] == [True]


def reviews(house: HubHouse, number: int) -> list[tuple[str, str]]:
    return [(one.user.login, one.state) for one in house.hub().get_pull(number).get_reviews()]


def verdict(house: HubHouse, number: int, sha: str) -> tuple[Verdict, set[str]]:
    """Return the report's verdict on a head, and which mandatory rules stop it."""
    found = {one.head_sha: one for one in house.factory.governance.reports(number=number)}[sha]
    stopping = {one.rule for one in found.verdicts if one.mandatory and one.verdict.rank > Verdict.WARN.rank}
    return found.verdict, stopping


def test_changes_are_requested_and_the_request_is_withdrawn_in_place(house: HubHouse) -> None:
    first = push(house, DEFECT)
    pull = house.hub("bob").create_pull(title="Listing", body="", head="topic", base="main")
    judged(house)
    assert verdict(house, pull.number, first) == (Verdict.FAIL, {"sast"})
    assert reviews(house, pull.number) == [(BOT, "CHANGES_REQUESTED")]
    (comment,) = house.ours(pull.number)
    assert "sast" in comment.body.partition("|")[0], "blockers come first"
    status = {one.context: one.state for one in pull.get_commits()[0].get_statuses()}
    assert status["governance/sast"] == "failure"
    assert status["governance/lint"] == "success"
    assert house.factory.lookup.tickets() == [], "a person's change is no work for the factory"

    second = push(house, MENDED)
    judged(house)
    assert verdict(house, pull.number, second) == (Verdict.PASS, set())
    assert reviews(house, pull.number) == [(BOT, "DISMISSED")]
    (still,) = house.ours(pull.number)
    assert (still.id, second in still.body) == (comment.id, True)
    states = {one.context: one.state for one in house.hub().get_commit(second).get_combined_status().statuses}
    assert set(states.values()) == {"success"}


def test_an_advisory_rule_that_fails_is_told_and_requests_nothing(house: HubHouse) -> None:
    """GOV-3."""
    governance = house.factory.policy.governance
    rules = {**governance.rules, "sast": governance.rules["sast"].model_copy(update={"mandatory": False})}
    lenient = house.factory.policy.model_copy(update={"governance": governance.model_copy(update={"rules": rules})})
    house.world.factory = replace(house.factory, policy=lenient)
    push(house, DEFECT)
    pull = house.hub("bob").create_pull(title="Listing", body="", head="topic", base="main")
    judged(house)
    assert reviews(house, pull.number) == []
    (comment,) = house.ours(pull.number)
    assert "sast" in comment.body
