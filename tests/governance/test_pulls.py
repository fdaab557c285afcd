"""Pull requests of an enrolled repository on the local forge, ours and somebody's."""

import pytest

from tests.support.factory import World, make_world


@pytest.fixture
def world(call, tmp_path) -> World:
    """A factory whose one ticket has its pull request; `call` uses its home."""
    made = make_world(tmp_path, autonomy="autonomous")
    assert made.run(made.file(title="Tidy calc", **{"allowed-scope": ["calc.py"]})) is None
    return made


def verdicts(said):
    return {one["rule"]: one["verdict"] for one in said.document["verdicts"]}


def test_the_factorys_pull_request_is_judged_as_its_own(world, call):
    said = call("governance", "run", "calc#1", "--json", "--rule", "provenance", "--rule", "scope", "--rule", "lint")
    assert verdicts(said) == {"lint": "pass", "scope": "pass", "provenance": "pass"}
    assert said.code == 0


def test_its_report_is_stored_shown_and_judged_again_by_its_number(world, call):
    said = call("governance", "run", "calc#1", "--json")
    stored = call("governance", "show", "calc#1", "--json").document
    assert stored["head_sha"] == said.document["head_sha"]
    assert call("governance", "replay", "calc#1", "--json").document["equal"]
    assert call("governance", "list", "--repository", "calc", "--number", "1").code == 0


def test_checks_of_somebody_elses_code_do_not_run_where_nothing_isolates(world, call):
    said = call("governance", "run", "calc#1", "--json", "--rule", "tests")
    assert (said.code, verdicts(said)) == (3, {"tests": "undetermined"})
    assert "isolat" in said.err


@pytest.mark.bubblewrap
def test_and_run_where_something_does(world, call, monkeypatch):
    monkeypatch.setenv("FACTORY_SANDBOX", "bubblewrap")
    said = call("governance", "run", "calc#1", "--json")
    assert said.code == 0, said.out
    assert verdicts(said)["tests"] == "pass"


def test_a_pull_request_that_is_not_there(world, call):
    said = call("governance", "run", "calc#99", "--json")
    assert (said.code, said.document["error"]["code"]) == (1, "input.not_found")
