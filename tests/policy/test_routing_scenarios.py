"""Each file of `routing/` is a situation, its answer, and the single changes that turn the answer round."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from domain.candidates import Candidate
from domain.routing import JobNeeds, Route
from policy.routing import route
from resources.policy_files import load_policy
from tests.policy.facts import NOON

POLICY = load_policy().routing
FILES = sorted(Path(__file__).with_name("routing").glob("*.yaml"))
SCENARIOS = {path.stem: yaml.safe_load(path.read_text()) for path in FILES}
CASES = [(name, place) for name, scenario in SCENARIOS.items() for place in range(1 + len(scenario.get("flips", ())))]


def candidate(name: str, told: dict[str, Any]) -> Candidate:
    machine, _, engine = name.rpartition("/")
    return Candidate.model_validate(
        {"name": engine, "machine": machine or None, "engine_class": "agentic-coder", "limit": 5, **told}
    )


def answer(scenario: dict[str, Any], flip: dict[str, Any]) -> Route:
    needs = {**scenario.get("needs", {}), **flip.get("needs", {})}
    told = {name: dict(one) for name, one in scenario["candidates"].items()}
    for name, change in flip.get("candidates", {}).items():
        told[name] = {**told.get(name, {}), **change}
    return route(
        JobNeeds.model_validate({"id": "T-1", "repository": "calc", "created_at": NOON, **needs}),
        [candidate(name, one) for name, one in told.items()],
        POLICY,
    )


@pytest.mark.parametrize(("name", "place"), CASES)
def test_scenario(name: str, place: int):
    scenario = SCENARIOS[name]
    flip = scenario["flips"][place - 1] if place else {}
    expected = (flip or scenario)["expect"]
    found = answer(scenario, flip)
    seen = {
        "chosen": found.chosen.candidate if found.chosen else None,
        "alternatives": [one.candidate for one in found.alternatives],
        "fallback": found.fallback.preferred if found.fallback else None,
        "waits": found.waits,
        "refused": {one.candidate: one.code.value for one in found.refused},
    }
    assert {key: seen[key] for key in expected if key != "reason"} == {
        key: value for key, value in expected.items() if key != "reason"
    }, found.reason
    assert expected.get("reason", "") in found.reason


@pytest.mark.parametrize("name", SCENARIOS)
def test_each_flip_changes_the_answer(name: str):
    """A flip that ends as the situation began would prove nothing."""
    for flip in SCENARIOS[name].get("flips", ()):
        assert flip["because"]
        before, after = answer(SCENARIOS[name], {}), answer(SCENARIOS[name], flip)
        assert (before.chosen, before.refused, before.reason) != (after.chosen, after.refused, after.reason)


@pytest.mark.parametrize("name", [one for one in SCENARIOS if "ROUTE-26" in SCENARIOS[one]["about"]])
def test_each_input_alone_flips_who_gets_the_work(name: str):
    first = SCENARIOS[name]["flips"][0]
    assert len(first.keys() & {"needs", "candidates"}) == 1
    before, after = answer(SCENARIOS[name], {}), answer(SCENARIOS[name], first)
    assert before.chosen and after.chosen
    assert before.chosen.name != after.chosen.name


def test_there_are_the_scenarios_that_were_asked_for():
    assert len(SCENARIOS) >= 10
    told = {code for one in SCENARIOS.values() for code in one["expect"].get("refused", {}).values()}
    assert {"lacks_capability", "over_budget", "unhealthy", "gated"} <= told
    assert any("starvation" in name for name in SCENARIOS)
    assert sum("ROUTE-26" in one["about"] for one in SCENARIOS.values()) == 4
