"""The Claude Code adapter on what the real program said."""

import json
from dataclasses import dataclass

import pytest

from adapters.harness.claude_code import PLACEHOLDER, ClaudeCode
from domain.errors import InvalidInput, taxonomy
from domain.execution import Usage
from domain.harness import Ending, EventKind, Options
from domain.sandbox import Exit, OutputLine
from tests.adapters.harness.conformance import CLEAN, KILLED, HarnessConformance, brief_of
from tests.adapters.harness.replay import TRANSCRIPTS, Played, play, recorded

BASE = "http://127.0.0.1:3128/anthropic"
RESUMED = "32b00e28-8a16-4179-86a6-cfef8f640349"
NONE = (0, 0, 0, 0)  # input, cached, output, tool calls
ALL = (2600, 5900, 195, 4)
CRASHED = "harness.crashed"


@dataclass(frozen=True)
class Case:
    name: str
    code: str | None  #: of failure; None when it succeeded
    usage: tuple[int, int, int, int]
    cost: float
    session: str  #: how its id begins
    exit: int | None = None  #: None: by its ending; below zero the signal that ended it
    retry_after: float | None = None
    resumes: bool = False

    @property
    def ending(self) -> Ending:
        if self.code is None:
            return Ending.SUCCEEDED
        return Ending.INTERRUPTED if self.code == CRASHED else Ending.FAILED

    @property
    def end(self) -> Exit:
        code = self.exit if self.exit is not None else 0 if self.code is None else 1
        return Exit(code=code if code >= 0 else None, signal=-code if code < 0 else None, seconds=1)


RECORDED = [
    Case("auth", "harness.sign_in", NONE, 0, "ef9e4dad"),
    Case("auth-retries0", "harness.sign_in", NONE, 0, "c48cd1c6"),
    Case("badrequest", "harness.request_refused", NONE, 0, "08ebd603"),
    Case("bare", None, ALL, 0.020825, "1a90d176"),
    Case("budget", "harness.failed", (1600, 900, 70, 2), 0.0102, "19622b38"),
    Case("context", "harness.context_overflow", NONE, 0, "59c2f8f1"),
    Case("context-mid", "harness.context_overflow", (2000, 2300, 130, 3), 0.0144, "edefdd77"),
    Case("ctl-interrupt", CRASHED, (2600, 5900, 195, 1), 0.020825, "c6c019cb"),
    Case("ctl-interruptmodel", CRASHED, NONE, 0, "2d15f981"),
    Case("ctl-partial", None, ALL, 0.020825, "f208c76e"),
    Case("drip", None, ALL, 0.020825, "fdfcd0f7"),
    Case("drop", "harness.stream_broken", NONE, 0, "b1d92a62"),
    Case("fallback", "harness.overloaded", NONE, 0, "79653d3a"),
    Case("forbidden", "harness.sign_in", NONE, 0, "532f0f1e"),
    Case("html502", "harness.overloaded", NONE, 0, "e28ef4bf"),
    Case("hugetool", None, ALL, 0.020825, "1138e85a"),
    Case("malformed", "harness.stream_broken", NONE, 0, "a541cabc"),
    Case("maxturns", "harness.failed", (1600, 900, 70, 2), 0.0102, "0e365927"),
    Case("model", None, (500, 2500, 9, 0), 0.002385, "3d2049fc"),
    Case("nokey", "harness.sign_in", NONE, 0, "cbc32f37"),
    Case("nomodel", "harness.model_unknown", NONE, 0, "ca6cdf25"),
    Case("noroot-sandboxenv", CRASHED, NONE, 0, "", exit=1),
    Case("overloaded", "harness.overloaded", NONE, 0, "561bcf53"),
    Case("quota", "harness.quota", NONE, 0, "5481977c"),
    Case("ratelimit", "harness.rate_limited", NONE, 0, "2674916a", retry_after=2.0),
    Case("ratelimit-long", "harness.rate_limited", NONE, 0, "74e79254"),
    Case("ratelimit-nohdr", "harness.rate_limited", NONE, 0, "eedb20ab"),
    Case("ratelimit-once", None, ALL, 0.020825, "42d7f0d3"),
    Case("ratelimit-retries2", "harness.rate_limited", NONE, 0, "7b1e400c", retry_after=2.0),
    Case("refused", "harness.unreachable", NONE, 0, "3f2abe10"),
    Case("resume-sig-KILL-tool", None, (500, 2500, 9, 0), 0.003975, "db3d6e53", resumes=True),
    Case("resume-sig-TERM-tool", None, (500, 2500, 9, 0), 0.003975, "e64d82a0", resumes=True),
    Case("resume-success", None, (500, 2500, 9, 0), 0.003975, "32b00e28", resumes=True),
    Case("resume-unknown", "harness.session_unknown", NONE, 0, "", resumes=True),
    Case("server500", "harness.overloaded", NONE, 0, "a8ddd455"),
    Case("sessionid", None, (500, 2500, 9, 0), 0.003975, "11111111"),
    Case("sig-INT-model", CRASHED, NONE, 0, "5c69e180", exit=0),
    Case("sig-INT-tool", CRASHED, (1000, 0, 1, 1), 0, "0457487b", exit=0),
    Case("sig-KILL-tool", CRASHED, (1000, 0, 1, 1), 0, "db3d6e53", exit=-9),
    Case("sig-KILL-tool-group", CRASHED, (1000, 0, 1, 1), 0, "09114a01", exit=-9),
    Case("sig-TERM-model", CRASHED, NONE, 0, "c6007953", exit=143),
    Case("sig-TERM-tool", CRASHED, (1000, 0, 1, 1), 0, "e64d82a0", exit=143),
    Case("sig-TERM-tool-settle", CRASHED, (1000, 0, 1, 1), 0, "3619bd71", exit=143),
    Case("stall", CRASHED, NONE, 0, "883defb6", exit=-9),
    Case("stall-tuned", "harness.unreachable", NONE, 0, "f50c1d43"),
    Case("stallmid", CRASHED, (4000, 0, 160, 4), 0, "124476b1", exit=-9),
    Case("stallmid-tuned", CRASHED, NONE, 0, "8d9e668b", exit=-9),
    Case("streamerr", "harness.overloaded", (3000, 0, 3, 0), 0.015075, "1ae80dae"),
    Case("success", None, ALL, 0.020825, "38923077"),
    Case("toolenv", None, (2000, 0, 100, 1), 0.0125, "6c2a407a"),
    Case("toolenv2", None, (2000, 0, 100, 1), 0.0125, "f963ca1d"),
    Case("toolenv3", None, (2000, 0, 100, 1), 0.0125, "73bd6ba3"),
]
BY_NAME = {case.name: case for case in RECORDED}


def replayed(name: str, end: Exit | None = None) -> Played:
    case = BY_NAME[name]
    brief = brief_of(session_id=RESUMED if case.resumes else None)
    return play(ClaudeCode(), brief, f"claude-{name}", end or case.end)


class TestClaudeCode(HarnessConformance):
    @pytest.fixture
    def harness(self, tmp_path):
        return ClaudeCode()

    @pytest.fixture
    def works(self):
        return brief_of(options=Options(base_url=BASE, model="m"))

    @pytest.fixture
    def lacking(self):
        return brief_of(prompt=" \n")

    def test_a_run_that_works_succeeds_and_says_so_last(self) -> None:
        """As recorded: the program itself is no part of this suite."""
        played = replayed("success")
        assert played.outcome.ending is Ending.SUCCEEDED
        assert played.outcome.summary == played.events[-1].text == "Fixed add(): it subtracted. The test passes now."
        kinds = [event.kind for event in played.events if event.kind is not EventKind.USAGE]
        tool = (EventKind.TOOL_STARTED, EventKind.TOOL_FINISHED)
        assert kinds == [
            *(EventKind.SESSION_STARTED, EventKind.MESSAGE, *tool, *tool),
            *(EventKind.TOOL_STARTED, EventKind.FILE_CHANGED, EventKind.TOOL_FINISHED),
            *(*tool, EventKind.MESSAGE, EventKind.FINISHED),
        ]

    def test_sessions_share_nothing(self, harness, works) -> None:
        replayed("success")
        assert harness.open(works).finish(CLEAN).usage == Usage()


def test_every_recording_is_in_the_table() -> None:
    kept = {path.stem.removeprefix("claude-") for path in TRANSCRIPTS.glob("claude-*.*")}
    assert kept == set(BY_NAME)


@pytest.mark.parametrize("case", RECORDED, ids=lambda case: case.name)
def test_a_recording_ends_as_it_did(case) -> None:
    played = replayed(case.name)
    told, usage = played.outcome, played.outcome.usage
    assert (told.ending, told.failure_code, told.retry_after) == (case.ending, case.code, case.retry_after)
    assert (usage.input_tokens, usage.cached_input_tokens, usage.output_tokens, usage.tool_calls) == case.usage
    assert usage.cost_usd == pytest.approx(case.cost)
    assert (told.session_id or "")[:8] == case.session
    assert case.code is None or case.code in taxonomy()
    assert told.summary
    assert all(len(event.text) <= 2_000 for event in played.events)
    assert not any(word in event.text for event in played.events for word in ("malformed", "unknown event"))
    ends = [event for event in played.events if event.kind is EventKind.FINISHED]
    ended = case.ending is not Ending.INTERRUPTED or case.name.startswith("ctl-")
    assert [event.status for event in ends] == [case.ending] * ended


@pytest.mark.parametrize("case", [case.name for case in RECORDED if case.code != CRASHED])
def test_what_it_says_of_itself_holds_whatever_the_exit(case) -> None:
    for end in (CLEAN, KILLED, Exit(code=0, seconds=1, timed_out=True), Exit(code=127, seconds=1)):
        assert replayed(case, end).outcome == replayed(case).outcome


def test_usage_is_told_while_it_works_and_agrees_with_the_end() -> None:
    played = replayed("ctl-partial")
    told = [event.usage for event in played.events if event.kind is EventKind.USAGE]
    assert [usage.output_tokens for usage in told[1:-1:2]] == [40, 70, 130, 170, 195]
    assert told[-1] == played.outcome.usage
    assert told[-1].model_copy(update={"cost_usd": 0.0}) == told[-2]
    assert [usage.input_tokens for usage in told] == sorted(usage.input_tokens for usage in told)


def test_tools_are_told_with_what_they_work_on() -> None:
    events = replayed("ctl-partial").events
    started = [(event.tool, event.text) for event in events if event.kind is EventKind.TOOL_STARTED]
    finished = [(event.tool, event.text, event.status) for event in events if event.kind is EventKind.TOOL_FINISHED]
    run = ("Bash", "python3 -m pytest -q -p no:cacheprovider test_calc.py")
    assert started == [run, ("Read", "/workspace/calc.py"), ("Edit", "/workspace/calc.py"), run]
    assert [one[:2] for one in finished] == started
    assert [one[2] for one in finished] == ["failed", "completed", "completed", "completed"]
    assert [event.text for event in events if event.kind is EventKind.FILE_CHANGED] == ["/workspace/calc.py"]
    assert "1 failed in" in next(event for event in events if event.kind is EventKind.TOOL_FINISHED).data["output"]


def test_its_session_and_model_are_told_first() -> None:
    first, *rest = replayed("ctl-partial").events
    assert first.kind is EventKind.SESSION_STARTED
    assert first.data == {"session_id": "f208c76e-0a8d-41b2-888d-d89eccf70d47", "model": "claude-opus-4-8[1m]"}
    assert EventKind.SESSION_STARTED not in {event.kind for event in rest}
    assert replayed("ctl-partial").outcome.model == "claude-opus-4-8"


@pytest.mark.parametrize(("case", "times"), [("server500", 10), ("ratelimit-once", 1), ("stall", 4), ("success", 0)])
def test_its_own_retries_are_told(case, times) -> None:
    told = [event.text for event in replayed(case).events if event.kind is EventKind.RETRYING]
    assert len(told) == times


def test_a_retry_says_why_and_when() -> None:
    (told,) = [event.text for event in replayed("ratelimit-once").events if event.kind is EventKind.RETRYING]
    assert told == "rate_limit (429): again in 2.0 s (1 of 10)"


@pytest.mark.parametrize("case", ["ctl-interrupt", "ctl-interruptmodel"])
def test_interrupt_is_asked_as_recorded_and_believed(case) -> None:
    session = ClaudeCode().open(brief_of())
    asked = ""
    for line in recorded(f"claude-{case}"):
        if json.loads(line.text)["type"] == "control_response":
            asked = session.interrupt()
        session.read(line)
    request = json.loads(asked)
    assert (request["type"], request["request"]) == ("control_request", {"subtype": "interrupt"})
    assert session.is_over()
    assert session.interrupt() == ""
    outcome = session.finish(CLEAN)
    assert (outcome.ending, outcome.failure_code) == (Ending.INTERRUPTED, "run.interrupted")


@pytest.mark.parametrize("heard", [0, 1, 3])
def test_it_asks_to_stop_once_even_before_its_session_has_begun(heard) -> None:
    session = ClaudeCode().open(brief_of())
    for line in list(recorded("claude-success"))[:heard]:
        session.read(line)
    assert session.interrupt().endswith("}\n")
    assert session.interrupt() == ""


@pytest.mark.parametrize(
    ("end", "ending", "code"),
    [
        (Exit(code=127, seconds=1), Ending.FAILED, "harness.program_missing"),
        (Exit(code=None, signal=9, seconds=1, timed_out=True), Ending.INTERRUPTED, "run.timed_out"),
        (CLEAN, Ending.INTERRUPTED, "harness.crashed"),
    ],
)
def test_an_end_without_a_word(end, ending, code) -> None:
    session = ClaudeCode().open(brief_of())
    for number in range(9):
        session.read(OutputLine(stream="stderr", text=f"error {number}\n"))
    outcome = session.finish(end)
    assert (outcome.ending, outcome.failure_code) == (ending, code)
    if not end.timed_out:
        assert outcome.summary == "error 4 | error 5 | error 6 | error 7 | error 8"


class TestCommand:
    def test_the_program_talks_to_the_broker_and_is_kept_quiet(self) -> None:
        command = ClaudeCode().command(brief_of(options=Options(base_url=f"{BASE}/")))
        assert command.environment["ANTHROPIC_BASE_URL"] == BASE
        assert command.environment["ANTHROPIC_API_KEY"] == PLACEHOLDER
        assert command.environment["CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC"] == "1"
        assert command.environment["IS_SANDBOX"] == "1"
        assert int(command.environment["CLAUDE_CODE_MAX_RETRIES"]) <= 2
        assert command.network
        assert command.converses

    def test_options_come_last_and_replace_the_program(self) -> None:
        options = Options(executable="/opt/c", model="-m 1", arguments=("--max-turns", "3"))
        argv = ClaudeCode().command(brief_of(options=options, session_id=RESUMED)).argv
        assert argv[:2] == ("/opt/c", "-p")
        assert argv[-5:] == (
            "--dangerously-skip-permissions",
            "--model=-m 1",
            f"--resume={RESUMED}",
            "--max-turns",
            "3",
        )

    def test_what_options_leave_open_is_left_to_the_program(self) -> None:
        command = ClaudeCode().command(brief_of())
        assert command.argv[0] == ClaudeCode.traits.program
        assert not any(word.startswith(("--model", "--resume")) for word in command.argv)
        assert {"ANTHROPIC_BASE_URL", "ANTHROPIC_API_KEY"}.isdisjoint(command.environment)

    def test_without_yolo_it_is_not_told_to_approve(self) -> None:
        assert "--dangerously-skip-permissions" not in ClaudeCode().command(brief_of(yolo=False)).argv

    @pytest.mark.parametrize("prompt", ["", " ", "\n\t"])
    def test_an_empty_prompt_is_refused(self, prompt) -> None:
        with pytest.raises(InvalidInput, match="prompt"):
            ClaudeCode().command(brief_of(prompt=prompt))

    @pytest.mark.parametrize("session", ["", "latest", "--yolo", f"{RESUMED} --x", f"{RESUMED}\n", "1" * 10_000])
    def test_a_session_that_it_cannot_have_is_refused(self, session) -> None:
        with pytest.raises(InvalidInput, match="UUID"):
            ClaudeCode().command(brief_of(session_id=session))

    def test_the_task_is_given_as_recorded(self) -> None:
        first = json.loads((TRANSCRIPTS / "claude-ctl-partial.jsonl").read_text().splitlines()[0])["msg"]
        assert json.loads(ClaudeCode().command(brief_of(prompt="Fix the failing test.")).stdin or "") == first

    def test_a_prompt_of_any_kind_arrives_whole(self) -> None:
        prompt = 'line\n{"type":"control_request"}\n\u2028"\\\x00\ud800' * 20_000
        (line,) = (ClaudeCode().command(brief_of(prompt=prompt)).stdin or "").splitlines()
        assert json.loads(line)["message"]["content"] == [{"type": "text", "text": prompt}]
