"""Every judge can say no: what was planted as evidence of an escape, or of nothing at all, is not contained."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest

from control_plane.sandboxes.hostile import judging
from control_plane.sandboxes.hostile.judging import verdict
from control_plane.sandboxes.hostile.shapes import Behaviour, Evidence, How, Observed
from domain.egress import Attempt, Purpose, Reach
from domain.sandbox import Exit

REFUSED = Evidence({"mount": "EPERM"}, {}, {})


def behaviour(how: How = How.ENDS, **told: Any) -> Behaviour:
    return Behaviour("seeing", "one", "try something", how, **told)


def ended(**told: Any) -> Exit:
    return Exit.model_validate({"code": 0, "seconds": 1.0} | told)


def seen(**told: Any) -> Observed:
    return Observed(**{"evidence": REFUSED, "ended": ended()} | told)


def ordered(**told: Any) -> Observed:
    return Observed(**{"up": True, "order_seconds": 0.2} | told)


def facts(**told: Any) -> Evidence:
    return Evidence({"name": "HTTP/1.1 403"}, {}, told)


def attempt(host: str = "evil.test", **told: Any) -> Attempt:
    fields: Mapping[str, Any] = {
        "at": datetime.now(UTC), "run_id": "r", "door": "d", "purpose": Purpose.HARNESS, "reach": Reach.CONNECT,
        "host": host, "allowed": False, "reason": "name-not-allowed",
    }  # fmt: skip
    return Attempt.model_validate(fields | told)


def test_what_was_refused_and_told_is_contained() -> None:
    assert verdict(behaviour(), seen()) is None
    assert verdict(behaviour(How.DIES), seen(evidence=None, ended=ended(code=None, signal=9))) is None
    assert verdict(behaviour(How.DIES), seen(evidence=None, ended=ended(code=137, out_of_memory=True))) is None
    assert verdict(behaviour(How.TIMED), Observed(up=True, ended=ended(timed_out=True, seconds=2.1))) is None
    assert verdict(behaviour(How.CLOSED), ordered()) is None
    assert verdict(behaviour(How.INTERRUPTED), ordered()) is None


def test_nothing_seen_is_never_contained() -> None:
    for how in How:
        assert verdict(behaviour(how), Observed()) is not None


@pytest.mark.parametrize(
    ("told", "words"),
    [
        ({"evidence": Evidence({"a": "EPERM"}, {"mount": "returned 0"}, {})}, "gained: mount"),
        ({"leaked": True}, "secret"),
        ({"outside": {"leaked": True}}, "secret"),
        ({"disturbed": ("the clock was set",)}, "on the host: the clock"),
        ({"left": ("process 7",)}, "left behind: process 7"),
        ({"failed": "no disk"}, "untried: no disk"),
        ({"outside": {"untried": "no bundle"}}, "untried: no bundle"),
        ({"evidence": None}, "untried"),
        ({"evidence": Evidence({}, {}, {})}, "untried"),
        ({"ended": None}, "hung"),
        ({"ended": ended(timed_out=True)}, "hung"),
        ({"teardown_seconds": 11.0}, "teardown took"),
        ({"outside": {"taken": ["passwd"]}}, "collected"),
        ({"outside": {"seconds": 6.0}}, "collecting hung"),
        ({"outside": {"peak_bytes": 1 << 30}}, "memory"),
        ({"outside": {"shown": ["next"]}}, "next run"),
        ({"outside": {"broken": "no answer"}}, "does not answer"),
    ],
)
def test_each_sign_of_an_escape_is_enough(told: dict[str, Any], words: str) -> None:
    assert words in (verdict(behaviour(), seen(**told)) or "")


@pytest.mark.parametrize(
    ("how", "observed", "words"),
    [
        (How.DIES, seen(evidence=None, ended=ended(code=1)), "untried"),
        (How.DIES, seen(ended=ended(timed_out=True)), "hung"),
        (How.TIMED, Observed(up=True, ended=ended(code=0)), "wall clock"),
        (How.TIMED, Observed(up=True, ended=ended(timed_out=True, seconds=30)), "wall clock"),
        (How.TIMED, Observed(ended=ended(timed_out=True, seconds=2)), "untried"),
        (How.CLOSED, ordered(order_seconds=5.5), "not dead"),
        (How.CLOSED, ordered(order_seconds=None), "not dead"),
        (How.CLOSED, ordered(up=False), "untried"),
        (How.INTERRUPTED, ordered(order_seconds=6.0), "not dead"),
        (How.INTERRUPTED, ordered(left=("control group /x",)), "left behind"),
    ],
)
def test_each_wrong_end_is_enough(how: How, observed: Observed, words: str) -> None:
    assert words in (verdict(behaviour(how), observed) or "")


def test_the_gravest_is_told_first() -> None:
    both = seen(evidence=Evidence({}, {"disk": "opened"}, {}), left=("process 7",), failed="broken")
    assert (verdict(behaviour(), both) or "").startswith("gained: disk")


@pytest.mark.parametrize(
    ("judge", "told", "words"),
    [
        (judging.bounded_lines, {"longest_line": 1_000_001}, "a line of"),
        (judging.all_of_a_huge_line, {"bytes_told": 19_999_999}, "untried"),
        (judging.all_of_a_huge_line, {"bytes_told": 20_000_001, "longest_line": 20_000_000}, "a line of"),
        (judging.flood_arrived, {"bytes_told": 100}, "untried"),
        (judging.flood_arrived, {"bytes_told": 10**6, "longest_line": 10**7}, "a line of"),
        (judging.whole_archive, {"outside": {"fine": False}}, "untried"),
        (judging.environment_seen, {"evidence": facts(seen=False)}, "untried"),
    ],
)
def test_judges_of_single_behaviours_can_say_no(judge: Any, told: dict[str, Any], words: str) -> None:
    assert words in judge(seen(**told))
    assert words in (verdict(behaviour(judge=judge), seen(**told)) or "")


@pytest.mark.parametrize(
    ("told", "attempts", "words"),
    [
        ({"door works": True, "asked": ["evil.test:443"]}, (), "1 were refused and 0 recorded"),
        ({"door works": True, "asked": ["a", "b"]}, (attempt(),), "2 were refused and 1 recorded"),
        ({"door works": True, "asked": ["a"]}, (attempt(allowed=True, reason="allowed"),), "0 recorded"),
        ({"door works": True, "asked": ["a"]}, (attempt(reason=""),), "0 recorded"),
        ({"door works": True, "caught": ["1.1.1.1"]}, (), "1 were refused and 0 recorded"),
        ({"door works": True, "answered": ["x.tunnel.test"]}, (attempt("y.tunnel.test"),), "not recorded: x.tunnel.test"),
        ({"door works": False, "asked": ["a"]}, (attempt(),), "untried"),
        ({"asked": ["a"]}, (attempt(),), "untried"),
    ],
)  # fmt: skip
def test_a_refusal_without_a_record_is_not_enough(
    told: dict[str, Any], attempts: tuple[Attempt, ...], words: str
) -> None:
    one = behaviour(judge=judging.refused_and_recorded, door=True)
    assert words in (verdict(one, seen(evidence=facts(**told), attempts=attempts)) or "")


def test_refused_and_recorded_attempts_are_contained() -> None:
    told = {"door works": True, "asked": ["evil.test:443"], "answered": ["X.tunnel.test"]}
    attempts = (attempt(), attempt("x.tunnel.test", reach=Reach.NAME))
    one = behaviour(judge=judging.refused_and_recorded, door=True)
    assert verdict(one, seen(evidence=facts(**told), attempts=attempts)) is None


def test_an_upstream_that_heard_something_is_an_escape() -> None:
    one = behaviour(judge=judging.upstream_heard_nothing, door=True)
    told = seen(evidence=facts(**{"door works": True}), upstream=b"\x16\x03\x01")
    assert "upstream" in (verdict(one, told) or "")
    assert verdict(one, seen(evidence=facts(**{"door works": True}))) is None
