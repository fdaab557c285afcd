"""OpenHands' adapter, on what the real program and its keeper printed."""

import json
import re
from dataclasses import dataclass

import pytest

from adapters.harness.openhands import KEEPER, OpenHands
from domain.errors import InvalidInput
from domain.harness import Ending, EventKind, Options
from domain.sandbox import Exit
from tests.adapters.harness.conformance import CLEAN, HarnessConformance, brief_of
from tests.adapters.harness.replay import TRANSCRIPTS, play

SESSION = "0190a1b2-0000-4000-8000-0123456789ab"
OPTIONS = Options(model="anthropic/m-1", base_url="http://127.0.0.1:3128/openhands")
ONCE = (1_100, 300, 50, 1)  #: input, cached, output, tool calls


@dataclass(frozen=True)
class Case:
    name: str
    code: str | None
    usage: tuple[int, int, int, int] = ONCE
    exit: int = 0
    ending: str = "failed"
    retry_after: float | None = None


RECORDED = [
    Case("auth", "harness.sign_in"),
    Case("badrequest", "harness.request_refused"),
    Case("context", "harness.context_overflow"),
    Case("drop", "harness.stream_broken"),
    Case("ended", "harness.stream_broken"),
    Case("finish", None, (2_000, 0, 80, 1), ending="succeeded"),
    Case("forbidden", "harness.sign_in"),
    Case("html502", "harness.overloaded"),
    Case("invention", None, (2_200, 600, 100, 1), ending="succeeded"),
    Case("malformed", "harness.stream_broken"),
    Case("nomodel", "harness.model_unknown"),
    Case("openai-auth", "harness.sign_in"),
    Case("openai-quota", "harness.quota"),
    Case("openai-ratelimit", "harness.rate_limited", retry_after=2.0),
    Case("openai-success", None, (4_400, 1_200, 200, 4), ending="succeeded"),
    Case("overloaded", "harness.overloaded"),
    Case("quota", "harness.quota"),
    Case("ratelimit", "harness.rate_limited"),
    Case("refused", "harness.stream_broken"),  # its server went away in the middle of the request
    Case("resume-sig-KILL-tool", None, (1_100, 300, 50, 0), ending="succeeded"),
    Case("resume-unknown", "harness.session_unknown", (0, 0, 0, 0), exit=1),
    Case("server500", "harness.overloaded"),
    Case("sig-KILL-tool", "harness.crashed", (2_200, 600, 100, 2), exit=137, ending="interrupted"),
    Case("stall", "harness.crashed", exit=-9, ending="interrupted"),
    Case("streamerr", "harness.overloaded"),
    Case("stuck", "harness.failed", (4_000, 0, 160, 4)),
    Case("success", None, (4_400, 1_200, 200, 4), ending="succeeded"),
]


def ended(code: int) -> Exit:
    return Exit(code=code if code >= 0 else None, signal=-code if code < 0 else None, seconds=1)


class TestOpenHands(HarnessConformance):
    @pytest.fixture
    def harness(self):
        return OpenHands()

    @pytest.fixture
    def works(self):
        return brief_of(options=OPTIONS)

    @pytest.fixture(params=[{"prompt": " \n"}, {"options": Options()}, {"yolo": False}], ids=str)
    def lacking(self, request):
        return brief_of(**{"options": OPTIONS, **request.param})

    def test_a_run_that_works_succeeds_and_says_so_last(self, harness, works, tmp_path) -> None:
        played = play(harness, works, "openhands-success", CLEAN)
        assert (played.outcome.ending, played.outcome.summary) == (Ending.SUCCEEDED, "The test passes now.")
        assert (played.outcome.model, played.outcome.session_id) == ("scripted-1", played.events[0].data["session_id"])
        kinds = [event.kind for event in played.events if event.kind is not EventKind.USAGE]
        assert kinds == [
            EventKind.SESSION_STARTED,
            EventKind.MESSAGE,
            *(EventKind.TOOL_STARTED, EventKind.TOOL_STARTED, EventKind.TOOL_FINISHED, EventKind.TOOL_FINISHED),
            *(EventKind.TOOL_STARTED, EventKind.TOOL_FINISHED, EventKind.FILE_CHANGED),
            *(EventKind.TOOL_STARTED, EventKind.TOOL_FINISHED),
            EventKind.MESSAGE,
            EventKind.FINISHED,
        ]
        changed = [event.text for event in played.events if event.kind is EventKind.FILE_CHANGED]
        assert changed == ["/workspace/calc.py"]

    def test_sessions_share_nothing(self, harness, works, tmp_path) -> None:
        play(harness, works, "openhands-success", CLEAN)
        assert harness.open(works).finish(CLEAN).ending is Ending.INTERRUPTED


class TestCommand:
    def test_it_is_kept_with_its_settings_and_without_its_key(self) -> None:
        command = OpenHands().command(brief_of(options=OPTIONS, session_id=SESSION))
        python, isolated, inline, keeper, settings, session, *program = command.argv
        assert (python, isolated, inline, keeper, session) == ("python3", "-I", "-c", KEEPER, SESSION)
        assert program[0] == "openhands"
        assert program[-1] == f"--resume={SESSION}"
        llm = json.loads(settings)["llm"]
        assert (llm["model"], llm["base_url"], llm["api_key"]) == ("anthropic/m-1", OPTIONS.base_url, "placeholder")
        assert not command.converses

    @pytest.mark.parametrize(
        ("model", "named", "tail"),
        [
            ("anthropic/m", "anthropic/m", ""),
            ("openai/m", "openai/m", "/v1"),
            ("m", "openai/m", "/v1"),
            ("vendor/m", "openai/vendor/m", "/v1"),
        ],
    )
    def test_a_models_name_says_how_its_api_is_spoken_to(self, model, named, tail) -> None:
        options = OPTIONS.model_copy(update={"model": model, "base_url": "http://127.0.0.1:3128/x/"})
        told = json.loads(OpenHands().command(brief_of(options=options)).argv[4])
        for llm in (told["llm"], told["condenser"]["llm"]):
            assert (llm["model"], llm["base_url"]) == (named, f"http://127.0.0.1:3128/x{tail}")
            assert llm["num_retries"] == 1

    def test_options_come_last_and_replace_the_program(self) -> None:
        options = OPTIONS.model_copy(update={"executable": "/opt/o", "arguments": ("--llm-approve", "-x")})
        argv = OpenHands().command(brief_of(options=options)).argv
        assert argv[6] == "/opt/o"
        assert argv[-2:] == ("--llm-approve", "-x")

    @pytest.mark.parametrize("session", ["", "latest", "--yolo", f"{SESSION} --x", f"{SESSION}\n", "1" * 10_000])
    def test_a_session_is_a_uuid_or_refused(self, session) -> None:
        with pytest.raises(InvalidInput, match="session"):
            OpenHands().command(brief_of(options=OPTIONS, session_id=session))


class TestRecorded:
    @pytest.mark.parametrize("case", RECORDED, ids=lambda case: case.name)
    def test_it_ends_as_it_did(self, case) -> None:
        played = play(OpenHands(), brief_of(options=OPTIONS), f"openhands-{case.name}", ended(case.exit))
        told, usage = played.outcome, played.outcome.usage
        assert (told.ending, told.failure_code, told.retry_after) == (case.ending, case.code, case.retry_after)
        assert (usage.input_tokens, usage.cached_input_tokens, usage.output_tokens, usage.tool_calls) == case.usage
        assert bool(told.session_id) == (case.name != "resume-unknown")
        finished = [event for event in played.events if event.kind is EventKind.FINISHED]
        assert len(finished) == (told.ending is not Ending.INTERRUPTED)
        assert all(len(event.text) <= 2_000 for event in played.events)
        assert not any(re.search("malformed|unknown kind", event.text) for event in played.events)

    def test_every_transcript_is_in_the_table(self) -> None:
        kept = {path.stem.removeprefix("openhands-") for path in TRANSCRIPTS.glob("openhands-*.*")}
        assert kept == {case.name for case in RECORDED}

    def test_a_session_goes_on_under_its_name(self) -> None:
        both = (play(OpenHands(), brief_of(options=OPTIONS), f"openhands-{name}sig-KILL-tool", CLEAN).outcome.session_id
                for name in ("", "resume-"))  # fmt: skip
        assert len({*both}) == 1

    def test_the_prompt_and_its_own_noise_are_told_as_no_message(self) -> None:
        events = play(OpenHands(), brief_of(options=OPTIONS), "openhands-auth", CLEAN).events
        assert not any("script:" in event.text or "git clone" in event.text for event in events)
