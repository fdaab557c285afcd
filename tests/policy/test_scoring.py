"""Seven terms, each with its sign, and a total worked out by hand."""

from typing import Any

import pytest
import yaml
from pydantic import ValidationError

from policy.routing import route
from policy.scoring import RoutingPolicy, score
from resources.policy_files import SHIPPED, load_policy
from tests.policy.candidates import harness, job

POLICY = load_policy().routing
TOLD = yaml.safe_load((SHIPPED / "routing.yaml").read_text())
EVEN = RoutingPolicy.model_validate({**TOLD, "weights": dict.fromkeys(TOLD["weights"], 1)})


def value(term: str, needs: dict[str, Any], told: dict[str, Any]) -> float:
    found = score(job(**needs), harness(**told), EVEN, 4)
    return {one.name: one.points for one in found.terms}[term]


def test_total_is_what_a_hand_reckons():
    needs = job(
        capabilities=["os:linux", "node>=20"], prefers=["engine:codex", "gpu"], language="python", budget_left_usd=8,
        kind="qa",
    )  # fmt: skip
    one = harness(
        capabilities=["os:linux", "node=20.1", "has:docker"], languages=["python"], running=1, healthy=True, recent=3,
        history=[{"kind": "qa", "language": "python", "attempts": 8, "successes": 6, "cost_usd": 12}], warm=["calc"],
    )  # fmt: skip
    found = score(needs, one, POLICY, 12)
    points = {term.name: term.points for term in found.terms}
    assert points == pytest.approx(
        {
            "capability_fit": 1.0 * ((1 + 2) / (1 + 3) + 1) / 2,  # 0.875
            "affinity": 1.5 * (1 / 1.5 + 1) / 2,  # 1.25
            "load": 1.0 * 1 / 2,
            "cost_fit": 1.0 * (1 - 2 / 8),
            "health": 1.0,
            "starvation": -0.5 * 3 / 12,
            "history": 2.0 * (6 + 2) / (8 + 4),
        },
        abs=1e-6,
    )
    assert found.total == pytest.approx(0.875 + 1.25 + 0.5 + 0.75 + 1 - 0.125 + 4 / 3, abs=1e-5)
    assert found.total == round(sum(term.points for term in found.terms), 6)
    assert found.matched == ("os:linux", "node>=20")


@pytest.mark.parametrize(
    ("term", "better", "worse"),
    [
        ("capability_fit", {"capabilities": ["gpu"]}, {"capabilities": ["gpu", "has:xcode"]}),
        ("capability_fit", {"languages": ["go"]}, {"languages": ["python"]}),
        ("capability_fit", {"languages": ["go"]}, {}),
        ("affinity", {"name": "codex"}, {"name": "gemini_cli"}),
        ("affinity", {"warm": ["calc"]}, {"warm": ["site"]}),
        ("load", {"running": 0}, {"running": 1}),
        ("load", {"running": 1}, {"running": 2}),
        ("cost_fit", {"cost_class": "free"}, {"cost_class": "high"}),
        ("cost_fit", {"history": [{"attempts": 2, "successes": 1, "cost_usd": 1}]}, {}),
        ("cost_fit", {"cost_class": "free"}, {"history": [{"attempts": 2, "successes": 2}]}),  # its cost is not known
        ("health", {"healthy": True}, {}),
        ("health", {"healthy": True}, {"healthy": True, "breaker": "half_open"}),
        ("starvation", {"recent": 1}, {"recent": 2}),
        ("history", {"history": [{"attempts": 2, "successes": 1}]}, {"history": [{"attempts": 3, "successes": 1}]}),
        ("history", {}, {"history": [{"attempts": 1, "successes": 0}]}),
    ],
)
def test_sign_of_each_term(term: str, better: dict, worse: dict):
    needs = {"capabilities": ["gpu"], "prefers": ["engine:codex"], "language": "Go"}
    assert value(term, needs, better) > value(term, needs, worse)


def test_starvation_is_a_penalty_and_nothing_else_is():
    busy = harness(recent=3, running=2, healthy=False, cost_class="high", history=[{"attempts": 5, "successes": 0}])
    points = {term.name: term.points for term in score(job(), busy, POLICY, 3).terms}
    assert points.pop("starvation") == -0.5
    assert min(points.values()) >= 0


@pytest.mark.parametrize(
    ("needs", "told"),
    [
        ({}, {}),
        ({"budget_left_usd": 0}, {"cost_class": "free"}),
        ({"budget_left_usd": -3}, {}),
        ({"budget_left_usd": 1e-9}, {}),
        ({"language": "go"}, {"history": [{"attempts": 0, "successes": 0, "cost_usd": 1e300}]}),
        ({}, {"history": [{"attempts": 1, "successes": 9}]}),
        ({}, {"running": 10**9, "recent": 10**9}),
    ],
)
def test_every_value_stays_between_none_and_one(needs: dict, told: dict):
    found = score(job(**needs), harness(**told), EVEN, 10**9)
    assert all(0 <= term.value <= 1 and term.why for term in found.terms)


def test_weights_come_from_the_policy_and_change_the_ranking():
    record = [{"attempts": 9, "successes": 9, "cost_usd": 18}]
    cheap, good = harness("codex", cost_class="free"), harness("claude_code", history=record)
    for weight, expected in ((0, "claude_code"), (50, "codex")):
        weights = {**TOLD["weights"], "cost_fit": weight}
        policy = RoutingPolicy.model_validate({**TOLD, "weights": weights})
        assert route(job(), [cheap, good], policy).chosen.name == expected


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"weights": {**TOLD["weights"], "load": -1}}, "load"),
        ({"weights": {**TOLD["weights"], "load": float("nan")}}, "load"),
        ({"weights": {**TOLD["weights"], "luck": 1}}, "luck"),
        ({"weights": {}}, "history"),
        ({"cost_usd": {"free": 0}}, "lacks low, medium, high"),
        ({"cost_usd": {**TOLD["cost_usd"], "gold": 1}}, "gold"),
        ({"cost_usd": {**TOLD["cost_usd"], "low": -1}}, "low"),
        ({"usual_budget_usd": 0}, "usual_budget_usd"),
        ({"prior_attempts": 0}, "prior_attempts"),
        ({"fallback": {"codex": ["codex"]}}, "names itself"),
        ({"fallback": {"codex": ["claude", "claude_code"]}}, "twice"),
        ({"fallback": {"codex": ["command"]}}, "another engine class"),
        ({"fallback": {"command": ["codex"]}}, "another engine class"),
        ({"fallback": {"a b": []}}, "a b"),
        ({"more": 1}, "more"),
    ],
)
def test_wrong_policy_is_refused_with_its_field(change: dict, named: str):
    with pytest.raises(ValidationError, match=named):
        RoutingPolicy.model_validate({**TOLD, **change})
