"""Whoever is chosen may do the work, whatever comes in; equal things are settled the same way each time."""

import json
import random
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from domain.candidates import Breaker, Candidate, CostClass
from domain.capabilities import unmet
from domain.engines import AUTO
from domain.routing import RefusalCode, Route
from domain.tickets import Priority
from policy.eligibility import engine_refusal
from policy.routing import in_order, needs_of, next_assignment, route
from policy.work_order import work_order
from resources.policy_files import load_policy
from tests.policy.candidates import harness, job
from tests.policy.facts import NOON, manifest, ticket

POLICY = load_policy().routing
PROFILES = load_policy().profiles
LATER = NOON + timedelta(hours=1)

tags = st.sampled_from(["gpu", "os:mac", "os:linux", "node=18", "node=20.1", "has:figma", "xcode=15"])
demands = st.sampled_from(
    ["gpu", "os:mac", "os:any", "node>=20", "node<20", "has:figma", "xcode~=15.0", "engine:codex"]
)
engines = st.sampled_from(["codex", "claude_code", "gemini_cli", "command", "copilot"])
histories = st.builds(
    lambda attempts, share, cost: {"attempts": attempts, "successes": int(attempts * share), "cost_usd": cost},
    st.integers(0, 50), st.floats(0, 1), st.floats(0, 100),
)  # fmt: skip
candidates = st.builds(
    lambda name, machine, told: Candidate.model_validate(
        {"name": name, "machine": machine, "engine_class": "script" if name == "command" else "agentic-coder", **told}
    ),
    engines,
    st.sampled_from([None, "mac-1", "mac-2"]),
    st.fixed_dictionaries(
        {
            "enabled": st.booleans(),
            "healthy": st.sampled_from([True, False, None]),
            "breaker": st.sampled_from(Breaker),
            "running": st.integers(0, 4),
            "limit": st.integers(0, 4),
            "capabilities": st.lists(tags, max_size=4),
            "cost_class": st.sampled_from(CostClass),
            "history": st.lists(histories, max_size=2),
            "recent": st.integers(0, 9),
            "languages": st.lists(st.sampled_from(["python", "go"]), max_size=2),
        }
    ),
)
fleets = st.lists(candidates, max_size=7, unique_by=lambda one: one.id)
jobs = st.builds(
    lambda told: job(**told),
    st.fixed_dictionaries(
        {
            "engine": engines | st.just(AUTO),
            "engine_class": st.sampled_from([None, "agentic-coder", "script"]),
            "has_commands": st.booleans(),
            "capabilities": st.lists(demands, max_size=3),
            "prefers": st.lists(demands, max_size=3),
            "language": st.sampled_from(["", "python"]),
            "budget_left_usd": st.none() | st.floats(-1, 20),
            "unmet_deps": st.sampled_from([(), ("T-9",)]),
        }
    ),
)


@given(jobs, fleets)
@settings(max_examples=400, deadline=None)
def test_work_is_never_given_to_one_that_may_not_do_it(needs, fleet):
    """Said here anew, from the values alone, so that the filter does not vouch for itself."""
    found = route(needs, fleet, POLICY)
    known = {one.id: one for one in fleet}
    for scored in [found.chosen, *found.alternatives]:
        if scored is None:
            continue
        one = known[scored.candidate]
        assert not needs.unmet_deps
        assert one.enabled and one.healthy is not False and one.running < one.limit
        assert one.breaker is Breaker.CLOSED or (one.breaker is Breaker.HALF_OPEN and not one.running)
        assert unmet(needs.capabilities, one.offers) == ()
        assert one.engine_class == "agentic-coder" or needs.has_commands
        if needs.engine != AUTO:
            assert one.name in (needs.engine, *POLICY.fallback.get(needs.engine, ()))
        elif needs.engine_class:
            assert one.engine_class == needs.engine_class
    told = {one.candidate for one in found.refused} | {one.candidate for one in found.alternatives}
    told |= {found.chosen.candidate} if found.chosen else set()
    enabled = {one.id for one in fleet if one.enabled}
    assert enabled <= told or needs.unmet_deps, "somebody is neither able nor refused"


@given(jobs, fleets, st.randoms(use_true_random=False))
@settings(max_examples=200, deadline=None)
def test_order_of_the_candidates_changes_nothing(needs, fleet, drawn: random.Random):
    shuffled = list(fleet)
    drawn.shuffle(shuffled)
    assert route(needs, shuffled, POLICY) == route(needs, fleet, POLICY)


@given(jobs, fleets)
@settings(max_examples=200, deadline=None)
def test_answer_is_json_and_its_sums_are_right(needs, fleet):
    found = route(needs, fleet, POLICY)
    told = json.loads(json.dumps(found.event_payload(), allow_nan=False))
    assert Route.model_validate(told) == found
    assert found.reason
    for one in [told["chosen"], *told["alternatives"]]:
        if one is not None:
            assert [term["name"] for term in one["terms"]] == list(type(POLICY.weights).model_fields)
            assert one["total"] == pytest.approx(sum(term["points"] for term in one["terms"]), abs=1e-6)
            assert set(one["matched"]) == set(needs.capabilities)


def test_same_question_gets_the_same_answer_a_hundred_times():
    fleet = [harness(name, machine=f"m-{place}") for place in range(3) for name in ("codex", "claude_code")]
    answers = {
        route(job(), random.Random(seed).sample(fleet, len(fleet)), POLICY).model_dump_json() for seed in range(100)
    }
    assert len(answers) == 1


def test_draw_between_equals_is_seeded_by_the_ticket():
    fleet = [harness("codex"), harness("claude_code")]
    chosen = [route(job(f"T-{number}"), fleet, POLICY).chosen.name for number in range(40)]
    assert set(chosen) == {"codex", "claude_code"}


def test_equal_scores_go_to_the_lower_cost_class():
    history = [{"attempts": 4, "successes": 4, "cost_usd": 4}]
    dear, cheap = (
        harness(name, cost_class=one, history=history) for name, one in (("codex", "high"), ("devin", "low"))
    )
    for number in range(20):
        found = route(job(f"T-{number}"), [dear, cheap], POLICY)
        assert found.chosen.total == found.alternatives[0].total
        assert found.chosen.name == "devin"


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (job("T-9", priority="high", created_at=LATER), job("T-1", priority="low")),
        (job("T-9", priority="critical"), job("T-1", priority="high")),
        (job("T-9"), job("T-1", created_at=LATER)),
        (job("T-1"), job("T-2")),
    ],
)
def test_jobs_are_served_by_priority_then_age_then_id(first, second):
    assert in_order([second, first]) == [first, second]
    assert next_assignment([second, first], [harness()], POLICY).ticket_id == first.id


def test_first_job_that_can_be_served_is():
    waiting = job("T-1", priority=Priority.CRITICAL, capabilities=["gpu"])
    assert next_assignment([waiting, job("T-2")], [harness()], POLICY).ticket_id == "T-2"
    assert next_assignment([waiting], [harness()], POLICY) is None
    assert next_assignment([], [harness()], POLICY) is None


def test_two_candidates_of_one_name_are_an_error_not_a_guess():
    with pytest.raises(ValueError, match="same name on the same machine"):
        route(job(), [harness(), harness()], POLICY)
    assert route(job(), [harness(), harness(machine="mac-1")], POLICY).chosen


def test_named_engine_that_is_busy_here_and_ill_there_waits_for_its_place():
    fleet = [harness(machine="a", healthy=False), harness(machine="b", running=5), harness("claude_code")]
    found = route(job(engine="codex"), fleet, POLICY)
    assert (found.chosen, found.waits, found.fallback) == (None, True, None)
    assert "5 of 5 are running" in found.reason
    assert "claude_code" not in found.reason


def test_named_engine_that_is_ill_here_and_lacks_something_there_is_taken_over_from():
    fleet = [
        harness(machine="a", healthy=False, capabilities=["gpu"]), harness(machine="b"),
        harness("claude_code", capabilities=["gpu"]),
    ]  # fmt: skip
    found = route(job(engine="codex", capabilities=["gpu"]), fleet, POLICY)
    assert found.chosen.name == "claude_code"
    assert "unhealthy" in found.fallback.reason


@pytest.mark.parametrize("needs", [{}, {"prefers": ["engine:codex"]}, {"engine": "codex"}, {"engine": "claude_code"}])
def test_disabled_adapter_is_no_candidate_and_has_no_score(needs: dict):
    def scored(enabled: bool) -> set[str]:
        found = route(job(**needs), [harness(enabled=enabled, recent=9), harness("claude_code")], POLICY)
        return {one.name for one in (found.chosen, *found.alternatives) if one}

    assert scored(False) == {"claude_code"}
    assert ("codex" in scored(True)) == (needs.get("engine") != "claude_code")


def test_disabled_adapter_changes_no_ones_score():
    alone, beside = (
        route(job(), [harness("claude_code", recent=1), *more], POLICY)
        for more in ([], [harness(enabled=False, recent=9)])
    )
    assert alone == beside


def test_gated_engine_that_is_known_but_not_enabled_says_so():
    found = route(job(engine="copilot"), [harness("copilot", enabled=False), harness()], POLICY)
    assert (found.chosen, found.waits) == (None, False)
    assert (
        found.reason
        == "nobody can: copilot: engine copilot is declared but gated: this release ships no harness for it"
    )


@pytest.mark.parametrize("there", [True, False])
def test_an_engine_behind_a_flag_is_no_candidate_without_it_and_hands_on(there: bool):
    """ADP-10, ADP-12: off, neither candidates nor scores know it; on, they do."""
    fleet = [harness("codex"), *([harness("openhands")] if there else [])]
    free = route(job(), fleet, POLICY)
    assert ("openhands" in {one.candidate for one in (free.chosen, *free.alternatives) if one}) is there
    named = route(job(engine="openhands"), fleet, POLICY)
    assert named.chosen is not None
    assert named.chosen.name == ("openhands" if there else "codex")
    assert there or ("behind a flag" in named.reason and named.refused[0].code is RefusalCode.DISABLED)


def test_wish_without_an_engine_of_that_name_is_told_as_missed():
    found = route(job(prefers=["factory:mac-2", "engine:devin"]), [harness()], POLICY)
    assert found.chosen.name == "codex"
    assert found.fallback.preferred == "devin"
    assert "gated" in found.reason


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("codex", None),
        (AUTO, None),
        ("claude_code", "is not enabled here"),
        ("devin", "declared but gated"),
        ("openhands", "set `harnesses.openhands.enabled` to true"),
        ("nonesuch", "known are auto, claude_code, codex"),
    ],
)
def test_engine_is_admitted_or_refused_with_a_reason(name: str, words: str | None):
    found = engine_refusal(name, frozenset({"codex", "claude_code"}), frozenset({"codex"}))
    assert found is None if words is None else words in found
    assert engine_refusal("devin", frozenset({"devin"}), frozenset({"devin"})) is None


def test_needs_are_those_of_ticket_and_profile_less_what_was_spent():
    told = manifest(
        profile="frontend-engineer",
        **{"engine-class": "agentic-coder", "budget": {"usd": 5}, "prefers": "factory:mac-2"},
    )
    one = ticket(manifest=told, blocked_on=("T-7",))
    order = work_order(told, PROFILES["frontend-engineer"])
    found = needs_of(one, order, language="python", spent_usd=1.5, lock_holder="T-3", passed_over={"codex": "quota"})
    assert found == job(
        "T-1", repository="r", engine=AUTO, engine_class="agentic-coder", has_commands=True, capabilities=["node>=18"],
        prefers=["factory:mac-2", "engine:claude_code", "engine:gemini_cli"], kind="frontend-engineer", language="python",
        budget_left_usd=3.5, unmet_deps=("T-7",), lock_holder="T-3", passed_over={"codex": "quota"},
    )  # fmt: skip
    plain = needs_of(ticket(), work_order(manifest(), None))
    assert plain == job("T-1", repository="r", engine="command", has_commands=True)


@pytest.mark.parametrize(
    "told",
    [
        {"name": "../x"}, {"running": -1}, {"limit": -1}, {"recent": "many"}, {"capabilities": ["node>=20"]},
        {"capabilities": ["gpu"] * 501}, {"cost_class": "gold"}, {"budget_left_usd": float("nan")}, {"more": 1},
        {"history": [{"attempts": -1, "successes": 0}]}, {"history": [{"attempts": 1, "successes": 1, "cost_usd": float("inf")}]},
    ],
)  # fmt: skip
def test_wrong_candidate_is_refused(told: dict):
    with pytest.raises(ValidationError):
        harness(**told)


@pytest.mark.parametrize(
    "told",
    [{"capabilities": ["os:"]}, {"prefers": ["factory:"]}, {"budget_left_usd": float("inf")}, {"priority": "now"}],
)
def test_wrong_job_is_refused(told: dict):
    with pytest.raises(ValidationError):
        job(**told)
