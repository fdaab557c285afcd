"""What every agent program guarantees, live. A subclass names its harness."""

from contextlib import suppress
from typing import ClassVar

import psutil
import pytest

from domain.errors import Stalled, TimedOut, taxonomy
from domain.execution import Usage
from domain.harness import Ending, EventKind, HarnessEvent
from policy.limits import RunLimits
from tests.conformance.bench import KEY, PATIENT, Bench, Told, Work, keyless
from tests.conformance.cases import CASES, LONG, MODEL, STALLS, SUCCEEDS, USAGE
from tests.support.backends import BACKENDS
from tests.support.model import Seen

TEST = "python3 -B -m unittest -q"
NOBODY = "00000000-0000-4000-8000-000000000000"
ONCE = (USAGE.input, USAGE.cached, USAGE.output)
PROGRAMS = {"codex", "claude", "node", "python3.12"}
TEXT_LIMIT = 2_000  #: characters of an event


def tokens(usage: Usage) -> tuple[int, int, int]:
    return usage.input_tokens, usage.cached_input_tokens, usage.output_tokens


def check_events(told: Told) -> None:
    """Canonical events: valid, small, fit to be stored, and the terminal one is the last there is."""
    for event in told.events:
        assert HarnessEvent.model_validate_json(event.model_dump_json()) == event
        assert len(event.text) <= TEXT_LIMIT
        assert len(event.model_dump_json()) < 10 * TEXT_LIMIT
    kinds = [event.kind for event in told.events]
    assert kinds.count(EventKind.FINISHED) <= 1
    assert EventKind.FINISHED not in kinds[:-1]
    assert kinds.count(EventKind.TOOL_FINISHED) <= kinds.count(EventKind.TOOL_STARTED)
    assert told.outcome.failure_code is None or told.outcome.failure_code in taxonomy()


def check(told: Told, code: str | None) -> None:
    """It ended by its own word, with the code."""
    assert told.error is None, told.error
    found = (told.outcome.ending, told.outcome.failure_code)
    assert found == (Ending.SUCCEEDED if code is SUCCEEDS else Ending.FAILED, code), told.outcome.summary
    assert told.end is not None
    check_events(told)


def sleeping(work: Work) -> bool:
    """Tell whether the script's stubborn tool is at work."""
    for process in work.processes():
        with suppress(psutil.Error):
            if process.cmdline() == ["sleep", "300"]:
                return True
    return False


def kill_program(work: Work) -> int:
    """Kill the agent program from outside, not what it started; return how many processes that were."""
    killed = 0
    for process in work.processes():
        with suppress(psutil.Error):
            if process.exe().rpartition("/")[2] in PROGRAMS:
                process.kill()
                killed += 1
    return killed


@pytest.mark.faults
class LiveConformance:
    """What even a program that takes long to start is tried with."""

    harness: str
    faults: ClassVar[tuple[str, ...]] = tuple(CASES)
    stalls: ClassVar[tuple[str, ...]] = tuple(STALLS)

    @pytest.fixture(params=BACKENDS)
    def backend(self, request: pytest.FixtureRequest) -> str:
        return str(request.param)

    def test_a_failing_test_turns_green(self, live: Bench, backend: str) -> None:
        with live.work(self.harness, "fix", backend) as work:
            assert work.sh(TEST)[0] == 1
            told = work.run()
            check(told, SUCCEEDS)
            assert work.sh(TEST)[0] == 0
            assert told.events[-1].kind is EventKind.FINISHED
            changed = [event.text for event in told.events if event.kind is EventKind.FILE_CHANGED]
            assert self.harness == "codex" or [name.rpartition("/")[2] for name in changed] == ["calc.py"]
            assert tokens(told.outcome.usage) == tokens(work.sent()) == tuple(4 * count for count in ONCE)
            assert told.outcome.usage.tool_calls == 4
            assert (told.outcome.model, told.outcome.summary) == (MODEL, "The test passes now.")
            _, seen = work.sh("tr '\\0' '\\n' < seen")
            assert "placeholder" in seen
            assert KEY not in seen
            assert {one.key for one in told.requests if one.method == "POST"} == {KEY}
            work.check_dead()

    def test_a_program_killed_in_a_tool_goes_on_in_its_session(self, live: Bench, backend: str) -> None:
        killed: list[int] = []

        def strike(_events: list[HarnessEvent], _seen: list[Seen]) -> RunLimits:
            if not sum(killed) and sleeping(work):
                killed.append(kill_program(work))
            return PATIENT

        with live.work(self.harness, "stubborn", backend) as work:
            told = work.run(tighten=strike)
            assert sum(killed) >= 1
            assert told.error is None
            assert (told.outcome.ending, told.outcome.failure_code) == (Ending.INTERRUPTED, "harness.crashed")
            work.check_dead()
            check_events(told)
            again = work.run(session=told.outcome.session_id)
            check(again, SUCCEEDS)
            assert again.outcome.session_id == told.outcome.session_id
            assert again.requests[0].turn is not None
            assert again.requests[0].turn >= 1
            assert work.sh("cat ran") == (0, "first")

    @pytest.mark.bubblewrap
    def test_what_goes_wrong_with_the_model_has_its_code(self, live: Bench, fault: str) -> None:
        expected = CASES[fault].of(self.harness)
        with live.work(self.harness, fault) as work:
            try:
                told = work.run()
            finally:
                live.model.listen()
            check(told, expected.code)
            assert told.outcome.retry_after == expected.wait
            assert tokens(told.outcome.usage) == (ONCE if expected.uncounted else tokens(work.sent()))
            assert tokens(told.outcome.usage) >= ONCE
            work.check_dead()

    @pytest.mark.bubblewrap
    def test_silence_is_a_stall(self, live: Bench, stall: str) -> None:
        with live.work(self.harness, stall) as work:
            told = work.run(
                tighten=lambda _, seen: RunLimits(wall=240, inactivity=1) if any(s.fault for s in seen) else PATIENT
            )
            assert isinstance(told.error, Stalled)
            assert told.outcome.ending is Ending.INTERRUPTED
            work.check_dead()
            check_events(told)

    @pytest.mark.bubblewrap
    def test_a_key_that_nobody_gave(self, live: Bench) -> None:
        with live.work(self.harness, "talk") as work:
            told = work.run(base_url=keyless(self.harness))
            check(told, "harness.sign_in")
            assert told.requests == []

    @pytest.mark.bubblewrap
    def test_a_program_that_is_not_there(self, live: Bench) -> None:
        with live.work(self.harness, "talk") as work:
            told = work.run(executable="/nowhere/agent")
            check(told, "harness.program_missing")
            assert told.requests == []

    @pytest.mark.bubblewrap
    def test_a_session_that_nobody_knows(self, live: Bench) -> None:
        with live.work(self.harness, "talk") as work:
            told = work.run(session=NOBODY)
            check(told, "harness.session_unknown")
            assert told.requests == []


class WholeConformance(LiveConformance):
    """What takes longer, and is no other for a program that is slow to start."""

    def test_a_spent_quota(self, live: Bench, backend: str) -> None:
        with live.work(self.harness, "quota", backend) as work:
            told = work.run()
            check(told, "harness.quota")
            assert tokens(told.outcome.usage) == tokens(work.sent()) == ONCE

    @pytest.mark.bubblewrap
    def test_a_tool_that_ignores_signals_dies_with_the_wall_clock(self, live: Bench) -> None:
        with live.work(self.harness, "stubborn") as work:
            told = work.run(tighten=lambda *_: RunLimits(wall=0.001, inactivity=120) if sleeping(work) else PATIENT)
            assert isinstance(told.error, TimedOut)
            assert told.outcome.ending is Ending.INTERRUPTED
            assert work.sh("cat begun") == (0, "")
            work.check_dead()
            check_events(told)

    @pytest.mark.bubblewrap
    def test_a_very_long_line_hides_nothing(self, live: Bench) -> None:
        with live.work(self.harness, f"long-{self.harness}") as work:
            told = work.run()
            check(told, SUCCEEDS)
            assert max(map(len, told.lines)) <= 1_000_000
            assert sum(map(len, told.lines)) > LONG[self.harness]
            assert tokens(told.outcome.usage) == tokens(work.sent())

    @pytest.mark.bubblewrap
    @pytest.mark.parametrize("script", ["flood", "invention"])
    def test_what_its_tools_say_does_no_harm(self, live: Bench, script: str) -> None:
        with live.work(self.harness, script) as work:
            told = work.run()
            check(told, SUCCEEDS)
            assert tokens(told.outcome.usage) == tokens(work.sent())

    @pytest.mark.bubblewrap
    def test_a_session_goes_on_and_counts_only_what_is_new(self, live: Bench) -> None:
        with live.work(self.harness, "talk") as work:
            first = work.run()
            check(first, SUCCEEDS)
            again = work.run(session=first.outcome.session_id)
            check(again, SUCCEEDS)
            assert again.outcome.session_id == first.outcome.session_id
            assert (again.requests[-1].turn, again.outcome.summary) == (2, "And so on.")
            assert tokens(again.outcome.usage) == ONCE
