"""The Codex adapter on what the real app server said, and on what it should never say."""

import json
import tomllib

import pytest

from adapters.harness.codex import KEY, PLACEHOLDER, CodexHarness
from domain.errors import InvalidInput, taxonomy
from domain.execution import Usage
from domain.harness import Ending, EventKind, Options
from domain.sandbox import Exit, OutputLine
from tests.adapters.harness.conformance import CLEAN, KILLED, HarnessConformance, brief_of
from tests.adapters.harness.replay import TRANSCRIPTS, play, recorded

PROMPT = "Fix the failing test."
BASE = "http://127.0.0.1:3128/model"
NONE = (0, 0, 0, 0)  # input, cached, output, tool calls
#: case → failure code (None: it succeeded), usage
RECORDED = {
    "auth": ("harness.sign_in", NONE),
    "badrequest": ("harness.request_refused", NONE),
    "context": ("harness.context_overflow", NONE),
    "declined": (None, (2400, 3800, 115, 3)),
    "drop": ("harness.stream_broken", NONE),
    "drop-once": (None, (2400, 3800, 115, 3)),
    "empty": ("harness.stream_broken", (10, 0, 0, 0)),
    "interrupt": ("harness.crashed", (1000, 0, 40, 1)),
    "interruptmodel": ("harness.crashed", NONE),
    "nomodel": ("harness.model_unknown", NONE),
    "overloaded": ("harness.overloaded", NONE),
    "quota": ("harness.quota", NONE),
    "ratelimit": ("harness.rate_limited", NONE),
    "ratelimit-long": ("harness.rate_limited", NONE),
    "refused": ("harness.unreachable", NONE),
    "resume": (None, (2400, 3800, 115, 2)),
    "resume-unknown": ("harness.session_unknown", NONE),
    "server500": ("harness.overloaded", NONE),
    "streamerr-ratelimit": ("harness.rate_limited", NONE),
    "streamerr-ratelimit-once": (None, (1800, 2900, 85, 2)),
    "success": (None, (2600, 5900, 195, 4)),
}
INTERRUPTED = {"interrupt", "interruptmodel"}
RETRY_AFTER = {"streamerr-ratelimit": 1.5}


def conversation(case: str) -> list[dict]:
    """Both sides of one recording."""
    return [json.loads(line) for line in (TRANSCRIPTS / f"codex-appserver-{case}.jsonl").read_text().splitlines()]


def said(case: str, side: str) -> list[dict]:
    return [line["msg"] for line in conversation(case) if line["dir"] == side]


def thread_of(case: str) -> str | None:
    answer = next(message for message in said(case, "in") if message.get("id") == 2)
    return answer["result"]["thread"]["id"] if "result" in answer else None


def brief_for(case: str):
    asked = next(message for message in said(case, "out") if message.get("id") == 2)["params"]
    return brief_of(prompt=PROMPT, session_id=asked.get("threadId"), yolo=asked["approvalPolicy"] == "never")


def replayed(case: str, end: Exit = CLEAN):
    return play(CodexHarness(), brief_for(case), f"codex-appserver-{case}", end)


class TestCodexHarness(HarnessConformance):
    @pytest.fixture
    def harness(self, tmp_path):
        return CodexHarness()

    @pytest.fixture
    def works(self):
        return brief_of(options=Options(base_url=BASE, model="m"))

    @pytest.fixture
    def lacking(self):
        return brief_of(prompt=" \n")

    def test_a_run_that_works_succeeds_and_says_so_last(self) -> None:
        """As recorded: the program itself is no part of this suite."""
        played = replayed("success")
        kinds = [event.kind for event in played.events]
        assert played.outcome.ending is Ending.SUCCEEDED
        assert played.outcome.summary == played.events[-1].text == "Fixed add(): it subtracted. The test passes now."
        assert kinds[-1] is EventKind.FINISHED
        assert kinds.count(EventKind.FINISHED) == 1
        assert kinds.count(EventKind.TOOL_STARTED) == kinds.count(EventKind.TOOL_FINISHED) == 4
        assert [event.text for event in played.events if event.kind is EventKind.FILE_CHANGED] == ["/workspace/calc.py"]

    def test_sessions_share_nothing(self, harness, works) -> None:
        replayed("success")
        assert harness.open(works).finish(CLEAN).usage == Usage()


def test_every_recording_is_in_the_table() -> None:
    assert {path.stem.removeprefix("codex-appserver-") for path in TRANSCRIPTS.glob("codex-appserver-*.jsonl")} == set(
        RECORDED
    )


@pytest.mark.parametrize("case", RECORDED)
def test_a_recording_ends_as_it_did(case) -> None:
    code, (tokens, cached, output, calls) = RECORDED[case]
    outcome = replayed(case).outcome
    expected = Ending.INTERRUPTED if case in INTERRUPTED else Ending.FAILED if code else Ending.SUCCEEDED
    assert (outcome.ending, outcome.failure_code) == (expected, code)
    assert outcome.usage == Usage(
        input_tokens=tokens, cached_input_tokens=cached, output_tokens=output, tool_calls=calls
    )
    assert outcome.session_id == thread_of(case)
    assert outcome.retry_after == RETRY_AFTER.get(case)
    assert code is None or code in taxonomy()


@pytest.mark.parametrize("case", sorted(set(RECORDED) - INTERRUPTED))
def test_what_it_says_of_itself_holds_whatever_the_exit(case) -> None:
    assert replayed(case, KILLED).outcome == replayed(case).outcome
    assert replayed(case, Exit(code=0, seconds=1, timed_out=True)).outcome == replayed(case).outcome


@pytest.mark.parametrize("case", sorted(set(RECORDED) - {"resume-unknown"}))
def test_the_turn_is_asked_for_as_recorded(case) -> None:
    turn = next(message for message in said(case, "out") if message.get("id") == 3)
    assert [reply for reply in replayed(case).replies if reply.get("id") == 3] == [turn]


@pytest.mark.parametrize("case", RECORDED)
def test_the_opening_asks_what_was_recorded(case) -> None:
    opening = [json.loads(line) for line in (CodexHarness().command(brief_for(case)).stdin or "").splitlines()]
    recording = said(case, "out")[:3]
    assert [(one["method"], one.get("id")) for one in opening] == [(one["method"], one.get("id")) for one in recording]
    wanted = {key: value for key, value in recording[2]["params"].items() if key != "cwd"}
    assert opening[2]["params"] == wanted


def test_usage_is_told_while_it_works() -> None:
    told = [event.usage.output_tokens for event in replayed("success").events if event.kind is EventKind.USAGE]
    assert told == [40, 70, 130, 170, 195]


def test_a_resumed_thread_counts_only_this_run() -> None:
    first = next(message for message in said("resume", "in") if message.get("method") == "thread/tokenUsage/updated")
    assert first["params"]["tokenUsage"]["total"]["outputTokens"] == 115
    assert replayed("resume").outcome.usage.output_tokens == 115


def test_refused_approvals_are_told_and_answered() -> None:
    played = replayed("declined")
    assert [reply["result"] for reply in played.replies if "result" in reply] == [{"decision": "decline"}] * 3
    assert [event.status for event in played.events if event.kind is EventKind.TOOL_FINISHED] == ["declined"] * 3
    assert EventKind.FILE_CHANGED not in {event.kind for event in played.events}


def test_a_rate_limit_that_it_would_wait_out_ends_the_turn() -> None:
    played = replayed("ratelimit-long")
    assert [reply["method"] for reply in played.replies] == ["turn/start", "turn/interrupt"]
    assert EventKind.RETRYING not in {event.kind for event in played.events}


@pytest.mark.parametrize("case", ["drop-once", "streamerr-ratelimit-once"])
def test_one_blip_is_survived(case) -> None:
    assert EventKind.RETRYING in {event.kind for event in replayed(case).events}


@pytest.mark.parametrize("case", sorted(INTERRUPTED))
def test_interrupt_is_asked_as_recorded_and_believed(case) -> None:
    session = CodexHarness().open(brief_for(case))
    asked = ""
    for line in recorded(f"codex-appserver-{case}"):
        told = json.loads(line.text) if line.stream == "stdout" else {}
        if told.get("id") == 4:
            asked = session.interrupt()
        session.read(line)
    assert json.loads(asked) == next(message for message in said(case, "out") if message.get("id") == 4)
    assert session.is_over()
    assert session.interrupt() == ""
    outcome = session.finish(CLEAN)
    assert (outcome.ending, outcome.failure_code) == (Ending.INTERRUPTED, "run.interrupted")


def test_before_its_turn_only_a_signal_interrupts() -> None:
    assert CodexHarness().open(brief_of()).interrupt() == ""


@pytest.mark.parametrize(
    ("end", "ending", "code"),
    [
        (Exit(code=127, seconds=1), Ending.FAILED, "harness.program_missing"),
        (Exit(code=None, signal=9, seconds=1, timed_out=True), Ending.INTERRUPTED, "run.timed_out"),
        (CLEAN, Ending.INTERRUPTED, "harness.crashed"),
    ],
)
def test_an_end_without_a_word(end, ending, code) -> None:
    session = CodexHarness().open(brief_of())
    for number in range(9):
        session.read(OutputLine(stream="stderr", text=f"\x1b[31merror {number}\x1b[0m"))
    outcome = session.finish(end)
    assert (outcome.ending, outcome.failure_code) == (ending, code)
    if not end.timed_out:
        assert outcome.summary == "error 4 | error 5 | error 6 | error 7 | error 8"


def settings_of(command) -> dict:
    given = [word for flag, word in zip(command.argv, command.argv[1:], strict=False) if flag == "-c"]
    return tomllib.loads("\n".join(given))


def test_the_program_talks_to_the_broker_and_is_kept_quiet() -> None:
    options = Options(base_url=f"{BASE}/", model='a "quoted" \u00e9', executable="/opt/codex", arguments=("-c", "x=1"))
    command = CodexHarness().command(brief_of(options=options))
    told = settings_of(command)
    provider = told["model_providers"]["factory"]
    assert command.argv[:2] == ("/opt/codex", "app-server")
    assert command.argv[-2:] == ("-c", "x=1")
    assert (told["model"], told["model_provider"]) == ('a "quoted" \u00e9', "factory")
    assert (provider["base_url"], provider["env_key"]) == (f"{BASE}/v1", KEY)
    assert command.environment == {KEY: PLACEHOLDER}
    assert (told["analytics"]["enabled"], told["check_for_update_on_startup"]) == (False, False)
    assert told["shell_environment_policy"]["inherit"] == "core"
    assert {"plugins", "unbounded_connection_retries"} <= set(command.argv)
    assert command.network
    assert command.converses


@pytest.mark.parametrize(("session", "told"), [(None, None), ("S", "m")])
def test_a_resumed_thread_is_told_the_model_or_would_keep_its_old_one(session, told) -> None:
    command = CodexHarness().command(brief_of(session_id=session, options=Options(model="m")))
    thread = json.loads((command.stdin or "").splitlines()[2])
    assert thread["params"].get("model") == told
    assert settings_of(command)["model"] == "m"


def test_what_options_leave_open_is_left_to_the_program() -> None:
    command = CodexHarness().command(brief_of())
    assert command.argv[0] == CodexHarness.traits.program
    assert {"model", "model_provider", "model_providers"}.isdisjoint(settings_of(command))
    assert command.environment == {}


@pytest.mark.parametrize("prompt", ["", " ", "\n\t"])
def test_an_empty_prompt_is_refused(prompt) -> None:
    with pytest.raises(InvalidInput, match="prompt"):
        CodexHarness().command(brief_of(prompt=prompt))


def test_a_prompt_of_any_kind_arrives_whole() -> None:
    prompt = 'line\n{"method":"turn/interrupt"}\n\u2028"\\' * 20_000
    session = CodexHarness().open(brief_of(prompt=prompt))
    session.read(OutputLine(stream="stdout", text='{"id":2,"result":{"thread":{"id":"t"}}}'))
    (line,) = session.replies().splitlines()
    assert json.loads(line)["params"]["input"] == [{"type": "text", "text": prompt}]
    assert session.replies() == ""
