"""Gemini CLI's adapter, on what the real program printed and on what nobody should print."""

from dataclasses import dataclass

import pytest

from adapters.harness.gemini_cli import PLACEHOLDER_KEY, GeminiCli
from domain.errors import InvalidInput
from domain.harness import Ending, EventKind, Options
from domain.sandbox import Exit
from tests.adapters.harness.conformance import CLEAN, HarnessConformance, brief_of
from tests.adapters.harness.replay import TRANSCRIPTS, play

SESSION = "7a56d12c-c22c-41ea-b5b1-aeeb35305262"


@dataclass(frozen=True)
class Case:
    name: str
    exit: int  #: below zero: the signal that ended it
    ending: str
    code: str | None
    usage: tuple[int, int, int, int]  #: input, cached, output, tool calls
    retry_after: float | None
    session: str  #: how its id begins


RECORDED = [
    Case("auth-googlestyle", 145, "failed", "harness.sign_in", (0, 0, 0, 0), None, "d11829ca"),
    Case("auth", 145, "failed", "harness.sign_in", (0, 0, 0, 0), None, "ef2fdc81"),
    Case("badrequest", 144, "failed", "harness.request_refused", (0, 0, 0, 0), None, "1f89a7c2"),
    Case("context-mid", 144, "failed", "harness.context_overflow", (2000, 2300, 138, 3), None, "a697af25"),
    Case("context", 144, "failed", "harness.context_overflow", (0, 0, 0, 0), None, "223662ce"),
    Case("drip", 0, "succeeded", None, (2600, 5900, 203, 4), None, "d9050bba"),
    Case("drop", 0, "failed", "harness.stream_broken", (4000, 0, 192, 0), None, "5397f69b"),
    Case("forbidden", 147, "failed", "harness.sign_in", (0, 0, 0, 0), None, "15927f73"),
    Case("html502", 246, "failed", "harness.overloaded", (0, 0, 0, 0), None, "cdf47b55"),
    Case("huge", 0, "succeeded", None, (1600, 5900, 155, 3), None, "bb221544"),
    Case("live-interrupted", 0, "interrupted", "harness.crashed", (600, 400, 25, 1), None, "bf4bcfcb"),
    Case("live-resume", 0, "succeeded", None, (600, 400, 25, 0), None, "cb9dfd1d"),
    Case("live-success", 0, "succeeded", None, (1800, 1200, 75, 2), None, "af216766"),
    Case("malformed", 1, "failed", "harness.stream_broken", (0, 0, 0, 0), None, "db1ee640"),
    Case("maxturns", 53, "failed", "harness.failed", (1600, 900, 78, 2), None, "e1764587"),
    Case("nokey", 41, "failed", "harness.sign_in", (0, 0, 0, 0), None, ""),
    Case("nomodel", 1, "failed", "harness.model_unknown", (0, 0, 0, 0), None, "db83d3ce"),
    Case("noskiptrust", 55, "failed", "harness.failed", (0, 0, 0, 0), None, ""),
    Case("overloaded", 247, "failed", "harness.overloaded", (0, 0, 0, 0), None, "7e1660e3"),
    Case("quota", 173, "failed", "harness.quota", (0, 0, 0, 0), None, "36261a3a"),
    Case("ratelimit-long", 173, "failed", "harness.rate_limited", (0, 0, 0, 0), 3600.0, "bd60d67f"),
    Case("ratelimit-nohdr", 173, "failed", "harness.rate_limited", (0, 0, 0, 0), 60.0, "66557275"),
    Case("ratelimit-once", 0, "succeeded", None, (2600, 5900, 203, 4), None, "4d57bc30"),
    Case("ratelimit", 173, "failed", "harness.rate_limited", (0, 0, 0, 0), 2.0, "66e33125"),
    Case("refused", 1, "failed", "harness.unreachable", (0, 0, 0, 0), None, "085e78a8"),
    Case("resume-sig-KILL-tool", 42, "failed", "harness.session_unknown", (0, 0, 0, 0), None, ""),
    Case("resume-sig-TERM-tool", 42, "failed", "harness.session_unknown", (0, 0, 0, 0), None, ""),
    Case("resume-success", 0, "succeeded", None, (500, 2500, 9, 0), None, "7a56d12c"),
    Case("resume-unknown", 42, "failed", "harness.session_unknown", (0, 0, 0, 0), None, ""),
    Case("server500-max2", 244, "failed", "harness.overloaded", (0, 0, 0, 0), None, "73f895f1"),
    Case("server500", 244, "failed", "harness.overloaded", (0, 0, 0, 0), None, "020b46ed"),
    Case("sessionid", 0, "succeeded", None, (500, 2500, 9, 0), None, "11111111"),
    Case("sig-INT-model-norelaunch", 0, "interrupted", "harness.crashed", (0, 0, 0, 0), None, "ed477b1b"),
    Case("sig-INT-model", -9, "interrupted", "harness.crashed", (0, 0, 0, 0), None, "9c79030a"),
    Case("sig-INT-tool-group", 0, "interrupted", "harness.crashed", (0, 0, 0, 1), None, "dccaa3ef"),
    Case("sig-INT-tool-norelaunch", 0, "interrupted", "harness.crashed", (0, 0, 0, 1), None, "c8283fbc"),
    Case("sig-INT-tool", -9, "interrupted", "harness.crashed", (0, 0, 0, 1), None, "6185ee94"),
    Case("sig-KILL-tool-group", -9, "interrupted", "harness.crashed", (0, 0, 0, 1), None, "f1c350e9"),
    Case("sig-KILL-tool", -9, "interrupted", "harness.crashed", (0, 0, 0, 1), None, "2851e291"),
    Case("sig-TERM-model-norelaunch", 0, "interrupted", "harness.crashed", (0, 0, 0, 0), None, "997b7473"),
    Case("sig-TERM-model", -9, "interrupted", "harness.crashed", (0, 0, 0, 0), None, "c7f7c9f5"),
    Case("sig-TERM-tool-group", 0, "interrupted", "harness.crashed", (0, 0, 0, 1), None, "77442a3d"),
    Case("sig-TERM-tool-norelaunch", 0, "interrupted", "harness.crashed", (0, 0, 0, 1), None, "e534a422"),
    Case("sig-TERM-tool", -9, "interrupted", "harness.crashed", (0, 0, 0, 1), None, "c3e1574a"),
    Case("stall", 1, "failed", "harness.unreachable", (0, 0, 0, 0), None, "28008e01"),
    Case("stallmid", 1, "failed", "harness.stream_broken", (0, 0, 0, 0), None, "28c734ba"),
    Case("streamerr", 0, "failed", "harness.stream_broken", (0, 0, 0, 0), None, "4ff45731"),
    Case("success", 0, "succeeded", None, (2600, 5900, 203, 4), None, "2673d8e0"),
    Case("toolenv", 0, "succeeded", None, (2000, 0, 100, 1), None, "3cfdbaf6"),
    Case("toolenv2", 0, "succeeded", None, (2000, 0, 100, 1), None, "5d3c36a6"),
]


def ended(code: int) -> Exit:
    return Exit(code=code if code >= 0 else None, signal=-code if code < 0 else None, seconds=1)


class TestGeminiCli(HarnessConformance):
    @pytest.fixture
    def harness(self):
        return GeminiCli()

    @pytest.fixture
    def works(self):
        return brief_of(options=Options(model="gemini-2.5-pro", base_url="http://127.0.0.1:3128/google"))

    @pytest.fixture
    def lacking(self):
        return brief_of(prompt=" \n")

    def test_a_run_that_works_succeeds_and_says_so_last(self, harness, works, tmp_path) -> None:
        played = play(harness, works, "gemini-success", CLEAN)
        assert played.outcome.ending is Ending.SUCCEEDED
        assert played.outcome.summary == "Fixed add(): it subtracted. The test passes now."
        kinds = [event.kind for event in played.events if event.data.get("stream") != "stderr"]
        assert kinds == [
            EventKind.SESSION_STARTED,
            EventKind.MESSAGE,
            *(EventKind.TOOL_STARTED, EventKind.TOOL_FINISHED) * 3,
            EventKind.FILE_CHANGED,
            *(EventKind.TOOL_STARTED, EventKind.TOOL_FINISHED),
            EventKind.MESSAGE,
            EventKind.USAGE,
            EventKind.FINISHED,
        ]

    def test_sessions_share_nothing(self, harness, works, tmp_path) -> None:
        play(harness, works, "gemini-success", CLEAN)
        assert harness.open(works).finish(CLEAN).ending is Ending.INTERRUPTED


class TestCommand:
    def test_the_settings_are_the_placeholder_key_and_the_broker(self) -> None:
        command = GeminiCli().command(brief_of(options=Options(base_url="http://127.0.0.1:3128/google")))
        assert command.environment["GOOGLE_GEMINI_BASE_URL"] == "http://127.0.0.1:3128/google"
        assert command.environment["GEMINI_API_KEY"] == PLACEHOLDER_KEY
        assert not command.converses

    def test_options_come_last_and_replace_the_program(self) -> None:
        options = Options(executable="/opt/g", model="m-1", arguments=("--debug", "-x"))
        argv = GeminiCli().command(brief_of(options=options, session_id=SESSION)).argv
        told = ("--output-format=stream-json", "--skip-trust", "--yolo", "--model=m-1", f"--resume={SESSION}")
        assert argv[-8:] == ("/opt/g", *told, "--debug", "-x")

    def test_without_yolo_it_is_not_told_to_approve(self) -> None:
        assert "--yolo" not in GeminiCli().command(brief_of(yolo=False)).argv

    def test_without_options_it_names_one_model_and_no_address(self) -> None:
        command = GeminiCli().command(brief_of())
        assert "GOOGLE_GEMINI_BASE_URL" not in command.environment
        assert "--model=gemini-2.5-pro" in command.argv

    @pytest.mark.parametrize("session", ["--yolo", "-r", "latest --yolo"])
    def test_a_session_cannot_be_taken_for_an_option(self, session) -> None:
        argv = GeminiCli().command(brief_of(session_id=session, yolo=False)).argv
        assert argv[-1] == f"--resume={session}"

    def test_an_empty_prompt_is_named(self) -> None:
        with pytest.raises(InvalidInput, match="prompt"):
            GeminiCli().command(brief_of(prompt=""))


class TestRecorded:
    @pytest.mark.parametrize("case", RECORDED, ids=lambda case: case.name)
    def test_it_ends_as_it_did(self, case) -> None:
        resumed = SESSION if case.name.startswith("resume") else None
        played = play(GeminiCli(), brief_of(session_id=resumed), f"gemini-{case.name}", ended(case.exit))
        told, usage = played.outcome, played.outcome.usage
        assert (told.ending, told.failure_code, told.retry_after) == (case.ending, case.code, case.retry_after)
        assert (usage.input_tokens, usage.cached_input_tokens, usage.output_tokens, usage.tool_calls) == case.usage
        assert (told.session_id or "")[:8] == case.session
        assert usage.cost_usd == 0.0
        finished = [event for event in played.events if event.kind is EventKind.FINISHED]
        assert len(finished) == (told.ending is not Ending.INTERRUPTED and bool(case.session))
        assert all(len(event.text) <= 2_000 for event in played.events)
        assert not any("malformed" in event.text for event in played.events)

    def test_every_transcript_is_in_the_table(self) -> None:
        kept = {path.stem.removeprefix("gemini-") for path in TRANSCRIPTS.glob("gemini-*.*")}
        assert kept == {case.name for case in RECORDED}

    def test_its_own_retries_are_told(self) -> None:
        events = play(GeminiCli(), brief_of(), "gemini-server500", ended(244)).events
        assert sum(event.kind is EventKind.RETRYING for event in events) == 9

    def test_the_prompt_is_not_told_as_a_message(self) -> None:
        events = play(GeminiCli(), brief_of(), "gemini-success", CLEAN).events
        assert not any("Fix the failing test" in event.text for event in events)
