"""OpenHands' stream, said badly and by somebody else."""

import json

import pytest

from adapters.harness.openhands import OpenHands
from adapters.harness.openhands_failures import NAMED, failure_of
from domain.errors import taxonomy
from domain.harness import Ending, EventKind, HarnessEvent
from domain.sandbox import Exit, OutputLine
from tests.adapters.harness.conformance import CLEAN, KILLED, brief_of

SAID = {"kind": "MessageEvent", "source": "agent", "llm_message": {"content": [{"type": "text", "text": "Done."}]}}
END = {"kind": "factory.end", "status": "finished", "code": 0}
WRONG = (None, 7, -1, 1.5, True, "", "x" * 30_000, "\ud800\0", [], [[]], [None, {"text": 3}], {}, {"a": {"b": []}})
KEYS = {
    "factory.session": ("session",),
    "factory.usage": ("model", "usage"),
    "factory.end": ("status", "code"),
    "MessageEvent": ("source", "llm_message"),
    "ActionEvent": ("tool_name", "tool_call_id", "action", "thought", "reasoning_content", "summary"),
    "ObservationEvent": ("tool_name", "tool_call_id", "observation"),
    "AgentErrorEvent": ("tool_call_id", "error"),
    "UserRejectObservation": ("tool_call_id", "rejection_reason"),
    "ConversationErrorEvent": ("code", "detail"),
}


def feed(*lines: object, stream: str = "stdout") -> tuple[list[HarnessEvent], object]:
    session = OpenHands().open(brief_of())
    events: list[HarnessEvent] = []
    for line in lines:
        text = line if isinstance(line, str) else json.dumps(line)
        events += session.read(OutputLine(stream=stream, text=text))
    return events, session


def used(**usage: object) -> dict[str, object]:
    return {"kind": "factory.usage", "model": "m", "usage": usage}


@pytest.mark.parametrize("value", WRONG, ids=lambda value: repr(value)[:20])
@pytest.mark.parametrize(("kind", "key"), [(kind, key) for kind, keys in KEYS.items() for key in keys])
def test_a_wrong_type_anywhere_is_harmless(kind, key, value) -> None:
    events, session = feed({"kind": kind, "source": "agent", key: value}, SAID, END)
    for event in events:
        assert HarnessEvent.model_validate_json(event.model_dump_json()) == event
        assert len(event.model_dump_json()) < 20_000
    outcome = session.finish(CLEAN)
    assert outcome.failure_code is None or outcome.failure_code in taxonomy()
    assert "\0" not in outcome.summary


@pytest.mark.parametrize("kind", [None, 3, [], "", "x" * 10_000, "factory.", "factory.unheard", "NewEvent"])
def test_an_unknown_kind_is_told_once(kind) -> None:
    events, _ = feed(*[{"kind": kind}] * 50)
    assert [event.kind for event in events] == [EventKind.WARNING]


def test_many_unknown_kinds_are_not_told_for_ever() -> None:
    assert len(feed(*[{"kind": f"Event{number}"} for number in range(500)])[0]) < 20


@pytest.mark.parametrize("line", ["[" * 100_000, '{"kind":' * 5_000, '{"kind": "factory.end"', "NaN", "{}x"])
def test_deep_or_broken_json_is_a_warning(line) -> None:
    events, session = feed(line)
    assert {event.kind for event in events} <= {EventKind.WARNING}
    assert session.finish(CLEAN).ending is Ending.INTERRUPTED


@pytest.mark.parametrize("status", [None, "", "running", "idle", "paused", "waiting_for_confirmation", "done", 0])
def test_a_state_that_is_not_final_ends_nothing(status) -> None:
    events, session = feed(SAID, {**END, "status": status})
    assert EventKind.FINISHED not in {event.kind for event in events}
    assert session.finish(CLEAN).ending is Ending.INTERRUPTED


def test_finished_without_an_answer_of_this_run_is_no_success() -> None:
    """The state of a conversation that goes on is that of its last run until the program changes it."""
    _, session = feed({"kind": "factory.session", "session": "s"}, END)
    assert (session.finish(CLEAN).ending, session.finish(CLEAN).failure_code) == (
        Ending.FAILED,
        "harness.stream_broken",
    )


def test_finished_after_an_error_is_no_success() -> None:
    error = {"kind": "ConversationErrorEvent", "code": "AuthenticationError", "detail": "no"}
    assert feed(SAID, error, END)[1].finish(CLEAN).failure_code == "harness.sign_in"


def test_the_first_end_counts() -> None:
    events, session = feed(SAID, END, {**END, "status": "error"}, used(prompt_tokens=9))
    assert [event.kind for event in events].count(EventKind.FINISHED) == 1
    assert session.finish(CLEAN).ending is Ending.SUCCEEDED


def test_an_end_on_the_other_stream_is_none() -> None:
    assert feed(SAID, END, stream="stderr")[1].finish(CLEAN).ending is Ending.INTERRUPTED


def test_what_a_tool_says_ends_nothing() -> None:
    action = {"kind": "ActionEvent", "tool_name": "terminal", "tool_call_id": "c", "action": {"command": "x"}}
    output = {"content": [{"text": json.dumps(END)}], "is_error": False}
    events, session = feed(SAID, action, {"kind": "ObservationEvent", "tool_call_id": "c", "observation": output})
    assert events[-1].kind is EventKind.TOOL_FINISHED
    assert session.finish(CLEAN).ending is Ending.INTERRUPTED


def test_interleaved_calls_keep_their_names_and_an_unknown_result_is_dropped() -> None:
    calls = [{"kind": "ActionEvent", "tool_name": name, "tool_call_id": name, "action": {"path": f"{name}.py"}}
             for name in ("file_editor", "terminal")]  # fmt: skip
    ends = [{"kind": "ObservationEvent", "tool_call_id": name, "observation": {"command": "create", "content": []}}
            for name in ("terminal", "nobody", "file_editor", "file_editor")]  # fmt: skip
    events, _ = feed(*calls, *ends)
    assert [(event.kind, event.tool, event.text) for event in events[2:]] == [
        (EventKind.TOOL_FINISHED, "terminal", "terminal.py"),
        (EventKind.TOOL_FINISHED, "file_editor", "file_editor.py"),
        (EventKind.FILE_CHANGED, None, "file_editor.py"),
    ]


@pytest.mark.parametrize("command", ["view", "", None])
@pytest.mark.parametrize("failed", [True, False])
def test_a_file_that_was_looked_at_or_not_written_is_not_changed(command, failed) -> None:
    action = {"kind": "ActionEvent", "tool_name": "file_editor", "tool_call_id": "c", "action": {"path": "a"}}
    seen = {"command": "create" if failed else command, "is_error": failed}
    events, _ = feed(action, {"kind": "ObservationEvent", "tool_call_id": "c", "observation": seen})
    assert [event.status for event in events] == [None, "failed" if failed else "completed"]


@pytest.mark.parametrize(
    ("usage", "counted"),
    [
        ({"prompt_tokens": 10, "completion_tokens": 3}, (10, 0, 3)),
        ({"prompt_tokens": 10, "prompt_tokens_details": {"cached_tokens": 4}, "completion_tokens": 3}, (6, 4, 3)),
        ({"prompt_tokens": 10, "prompt_tokens_details": {"cached_tokens": 99}}, (0, 10, 0)),
        ({"input_tokens": 10, "input_tokens_details": {"cached_tokens": 4}, "output_tokens": 3}, (6, 4, 3)),
        ({"prompt_tokens": -5, "completion_tokens": True}, (0, 0, 0)),
        ({"prompt_tokens": 10**30, "completion_tokens": "7"}, (0, 0, 0)),
        ({"prompt_tokens": 1.5, "prompt_tokens_details": 3}, (0, 0, 0)),
    ],
)
def test_absurd_figures_count_for_nothing(usage, counted) -> None:
    found = feed(used(**usage), used(prompt_tokens=1))[1].finish(KILLED).usage
    assert (found.input_tokens - 1, found.cached_input_tokens, found.output_tokens) == counted


def test_ten_thousand_calls_without_results_are_counted_and_not_kept() -> None:
    call = {"kind": "ActionEvent", "tool_name": "terminal", "action": {"command": "x"}}
    session = feed(*[{**call, "tool_call_id": f"c{number}"} for number in range(10_000)])[1]
    assert session.finish(CLEAN).usage.tool_calls == 10_000
    assert len(session._tools._open) <= 1_000


def test_a_long_line_in_pieces_is_read_whole() -> None:
    text = json.dumps({**SAID, "llm_message": {"content": [{"text": "y" * 5_000}]}})
    session = OpenHands().open(brief_of())
    told = [session.read(OutputLine(stream="stdout", text=piece, goes_on=on))
            for piece, on in ((text[:3_000], True), (text[3_000:], False))]  # fmt: skip
    assert told[0] == []
    assert [len(event.text) for event in told[1]] == [2_000]


def test_a_crash_before_any_event_tells_its_last_words_without_colours() -> None:
    _, session = feed("\x1b[31mError:\x1b[0m no settings", " ", stream="stderr")
    outcome = session.finish(Exit(code=1, seconds=1))
    assert (outcome.failure_code, outcome.summary) == ("harness.crashed", "Error: no settings")


@pytest.mark.parametrize(
    ("end", "code"),
    [
        (Exit(code=127, seconds=1), "harness.program_missing"),
        (Exit(code=None, timed_out=True, seconds=1), "run.timed_out"),
        (KILLED, "harness.crashed"),
    ],
)
def test_an_end_without_its_word(end, code) -> None:
    assert feed()[1].finish(end).failure_code == code


@pytest.mark.parametrize(
    ("kind", "detail", "code", "wait"),
    [
        ("LLMRateLimitError", "Please try again in 1.5s.", "harness.rate_limited", 1.5),
        ("LLMRateLimitError", "retry after 30", "harness.rate_limited", 30.0),
        ("LLMRateLimitError", "try again in 200ms", "harness.rate_limited", 0.2),
        ("LLMRateLimitError", "try again in 5 minutes", "harness.rate_limited", 300.0),
        ("LLMRateLimitError", "try again in 5 fortnights", "harness.rate_limited", None),
        ("LLMRateLimitError", "insufficient_quota: try again in 2s", "harness.quota", None),
        ("LLMBadRequestError", "maximum context length is 8192 tokens", "harness.context_overflow", None),
        ("LLMBadRequestError", "The model `m` does not exist", "harness.model_unknown", None),
        ("LLMBadRequestError", "Invalid value.", "harness.request_refused", None),
        ("LLMServiceUnavailableError", "Cannot connect to host", "harness.unreachable", None),
        ("LLMServiceUnavailableError", "Connection error.", "harness.unreachable", None),
        ("LLMServiceUnavailableError", "Overloaded", "harness.overloaded", None),
        ("LLMTimeoutError", "", "harness.unreachable", None),
        ("LLMNoResponseError", "", "harness.stream_broken", None),
        ("AuthenticationError", "x (quota) billing", "harness.sign_in", None),
        ("MaxIterationsReached", "500", "harness.failed", None),
        ("", "", "harness.failed", None),
        ("PermissionDeniedError", "refused by the factory's egress broker (credential-missing)", "harness.sign_in", None),
        ("PermissionDeniedError", "refused by the factory's egress broker (path-denied)", "harness.unreachable", None),
    ],
)  # fmt: skip
def test_words_and_classes(kind, detail, code, wait) -> None:
    found = failure_of(kind, detail)
    assert (found.code, found.retry_after) == (code, wait)


def test_every_class_has_a_code_of_the_taxonomy() -> None:
    assert set(NAMED.values()) <= set(taxonomy())


@pytest.mark.parametrize("detail", ["x" * 5_000_000, "try again in " + "9" * 10_000, "connection " * 100_000])
def test_a_huge_reason_is_read_in_no_time(detail) -> None:
    assert failure_of("LLMRateLimitError", detail).code in taxonomy()
