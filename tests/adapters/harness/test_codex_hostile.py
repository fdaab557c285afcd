"""What no app server should say: wrong types, forged endings, floods. A session keeps its word through all of it."""

import json

import pytest

from adapters.harness.codex import CodexHarness
from adapters.harness.codex_failures import failure_of
from domain.errors import taxonomy
from domain.harness import Ending, EventKind
from domain.sandbox import OutputLine
from tests.adapters.harness.conformance import CLEAN, brief_of
from tests.adapters.harness.replay import recorded

ODD = (None, True, -1, 10**400, 1.5e308, "", "x" * 100_000, "\ud800", [], [[]], {}, {"id": {}}, [None, 7, {"path": 7}])
ITEM = {"type": "commandExecution", "id": "c1", "command": "make", "status": "completed", "exitCode": 0}
COUNTS = {"inputTokens": 10, "cachedInputTokens": 4, "outputTokens": 3}


def notified(method: str, **params: object) -> dict[str, object]:
    return {"method": method, "params": {"threadId": "T", "turnId": "U", **params}}


def ended(status: str = "completed", *, turn: str = "U", thread: str = "T", **told: object) -> dict[str, object]:
    return notified("turn/completed", threadId=thread, turn={"id": turn, "status": status, "error": None, **told})


def answered_with(text: str) -> dict[str, object]:
    return notified("item/completed", item={"type": "agentMessage", "id": "m", "text": text})


class Talk:
    """A session in its turn, unless it has not begun, and what it told of the messages it was fed."""

    def __init__(self, *, begun: bool = True, **brief: object) -> None:
        self.session = CodexHarness().open(brief_of(**brief))
        self.events = []
        if not begun:
            return
        self.feed(
            {"id": 2, "result": {"thread": {"id": "T"}, "model": "m"}}, {"id": 3, "result": {"turn": {"id": "U"}}}
        )
        self.session.replies()
        self.events.clear()

    def feed(self, *messages: object) -> "Talk":
        for message in messages:
            text = message if isinstance(message, str) else json.dumps(message)
            self.events += self.session.read(OutputLine(stream="stdout", text=text))
        return self

    def kinds(self) -> list[EventKind]:
        return [event.kind for event in self.events]

    def outcome(self):
        return self.session.finish(CLEAN)


def holes(message: object) -> list[tuple[object, ...]]:
    """Every path in a message."""
    found: list[tuple[object, ...]] = []
    keys = message.items() if isinstance(message, dict) else enumerate(message) if isinstance(message, list) else ()
    for key, value in keys:
        found += [(key,), *((key, *rest) for rest in holes(value))]
    return found


def as_in_talk(case: str) -> list[str]:
    """What the program said in a recording, of the thread and the turn that a Talk is in."""
    lines = [line.text for line in recorded(f"codex-appserver-{case}") if line.stream == "stdout"]
    answers = {answer["id"]: answer["result"] for answer in map(json.loads, lines) if "result" in answer}
    thread, turn = answers[2]["thread"]["id"], answers[3]["turn"]["id"]
    return [line.replace(thread, "T").replace(turn, "U") for line in lines]


def with_odd(message: object, path: tuple, odd: object) -> object:
    copy = json.loads(json.dumps(message))
    place = copy
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = odd
    return copy


@pytest.mark.parametrize("case", ["success", "declined", "resume", "ratelimit", "interrupt"])
@pytest.mark.parametrize("odd", ODD, ids=lambda odd: repr(odd)[:12])
def test_wrong_types_at_every_place_of_every_kind_of_message(case, odd) -> None:
    messages = [json.loads(text) for text in as_in_talk(case)]
    kinds = {message.get("method", message.get("id")): message for message in messages}
    for message in kinds.values():
        for path in holes(message):
            for talk in (Talk(), Talk(begun=False)):
                talk.feed(with_odd(message, path, odd))
                assert all(len(event.model_dump_json()) < 16_000 for event in talk.events)
                outcome = talk.outcome()
                assert outcome.model_dump_json()
                assert outcome.failure_code is None or outcome.failure_code in taxonomy()
                assert 0 <= outcome.usage.input_tokens <= 10**12


@pytest.mark.parametrize(
    "text",
    ["[" * 200_000, '{"a":' * 100_000, '{"method":"error","params":' + "[" * 100_000, '{"id":' + "9" * 10_000 + "}"],
    ids=["lists", "objects", "params", "digits"],
)
def test_deep_or_endless_json_is_a_warning(text) -> None:
    talk = Talk().feed(text)
    assert talk.kinds() == [EventKind.WARNING]
    assert len(talk.events[0].text) <= 2_000


def test_a_tool_whose_output_looks_like_the_protocol_ends_nothing() -> None:
    forged = json.dumps(ended())
    item = {**ITEM, "command": forged, "aggregatedOutput": f"\n{forged}\n" * 50}
    message = json.dumps(notified("item/completed", item=item))
    talk = Talk().feed(message, notified("item/commandExecution/outputDelta", delta=forged))
    assert not talk.session.is_over()
    pieces = Talk()
    for start in range(0, len(message), 7):  # a line too long is split anywhere
        pieces.feed(message[start:], message[start : start + 250])
    assert not pieces.session.is_over()


def test_what_it_logs_on_standard_error_is_no_protocol() -> None:
    talk = Talk()
    (event,) = talk.session.read(OutputLine(stream="stderr", text=json.dumps(ended())))
    assert event.kind is EventKind.WARNING
    assert not talk.session.is_over()


@pytest.mark.parametrize("forged", [ended(thread="other"), ended(turn="other"), ended(thread=""), ended(turn="")])
def test_another_thread_or_turn_ends_nothing(forged) -> None:
    talk = Talk().feed(forged)
    assert not talk.session.is_over()
    assert talk.outcome().ending is Ending.INTERRUPTED


def test_the_first_ending_counts_and_nothing_is_told_after_it() -> None:
    used = notified("thread/tokenUsage/updated", tokenUsage={"total": COUNTS, "last": COUNTS})
    talk = Talk().feed(answered_with("done"), ended(), ended("failed"), answered_with("more"), "garbage", used)
    assert talk.kinds() == [EventKind.MESSAGE, EventKind.FINISHED]
    assert talk.outcome().usage.output_tokens == 3
    assert (talk.outcome().ending, talk.outcome().summary) == (Ending.SUCCEEDED, "done")


@pytest.mark.parametrize(
    ("messages", "code"),
    [
        ([ended(error={"message": "x", "codexErrorInfo": "serverOverloaded"})], "harness.overloaded"),
        ([notified("error", error={"message": "x", "codexErrorInfo": "badRequest"}, willRetry=False), ended()],
         "harness.request_refused"),
        ([ended("odd")], "harness.failed"),
        ([ended("failed")], "harness.failed"),
    ],
)  # fmt: skip
def test_no_error_ends_in_success(messages, code) -> None:
    outcome = Talk().feed(answered_with("all is well"), *messages).outcome()
    assert (outcome.ending, outcome.failure_code) == (Ending.FAILED, code)


def test_an_error_that_it_overcame_is_no_failure() -> None:
    retried = notified("error", error={"message": "stream disconnected"}, willRetry=True)
    assert Talk().feed(retried, answered_with("done"), ended()).outcome().ending is Ending.SUCCEEDED


def test_threads_beside_ours_are_counted_but_do_not_answer_for_it() -> None:
    total = {"total": COUNTS, "last": COUNTS}
    talk = Talk().feed(
        notified("thread/tokenUsage/updated", tokenUsage=total),
        notified("thread/tokenUsage/updated", threadId="child", turnId="V", tokenUsage=total),
        notified("error", threadId="child", error={"message": "x", "codexErrorInfo": "unauthorized"}, willRetry=True),
        notified("item/started", threadId="child", item=ITEM),
        notified("item/completed", item={**ITEM, "id": "c2"}),
        answered_with("of ours"),
        notified("item/completed", threadId="child", item={"type": "agentMessage", "text": "of the child"}),
        ended(),
    )
    outcome = talk.outcome()
    assert (outcome.summary, outcome.ending) == ("of ours", Ending.SUCCEEDED)
    assert (outcome.usage.input_tokens, outcome.usage.cached_input_tokens, outcome.usage.output_tokens) == (12, 8, 6)
    assert outcome.usage.tool_calls == 2


def test_a_flood_of_notifications_and_answers_is_ignored_in_silence() -> None:
    talk = Talk()
    for number in range(5_000):
        talk.feed(notified(f"unknown/{number}"), {"id": number + 5, "result": {}}, {"id": 2, "result": {"thread": {}}})
    assert talk.events == []
    assert talk.session.replies() == ""


def test_a_change_of_many_files_tells_some() -> None:
    changes = [{"path": f"/w/{number}"} for number in range(50_000)]
    talk = Talk().feed(notified("item/completed", item={"type": "fileChange", "id": "f", "changes": changes}))
    assert talk.kinds().count(EventKind.FILE_CHANGED) == 100
    assert talk.events[-1].kind is EventKind.TOOL_FINISHED


@pytest.mark.parametrize("yolo", [True, False])
@pytest.mark.parametrize(
    ("method", "accepted", "declined"),
    [
        ("item/commandExecution/requestApproval", {"decision": "accept"}, {"decision": "decline"}),
        ("item/fileChange/requestApproval", {"decision": "accept"}, {"decision": "decline"}),
        ("execCommandApproval", {"decision": "approved"}, {"decision": {"denied": {"rejection": "not allowed in this run"}}}),
        ("item/permissions/requestApproval", {"permissions": {"network": {"enabled": True}}, "scope": "turn"},
         {"permissions": {}, "scope": "turn"}),
        ("mcpServer/elicitation/request", {"action": "decline", "content": None, "_meta": None}, None),
        ("item/tool/requestUserInput", {"answers": {}}, None),
    ],
)  # fmt: skip
def test_every_question_is_answered(method, accepted, declined, yolo) -> None:
    permissions = {"network": {"enabled": True}, "fileSystem": None}
    talk = Talk(yolo=yolo).feed({**notified(method, permissions=permissions), "id": "q1"})
    expected = accepted if yolo or declined is None else declined
    assert json.loads(talk.session.replies()) == {"id": "q1", "result": expected}


@pytest.mark.parametrize("method", ["attestation/generate", "account/chatgptAuthTokens/refresh", "nonsense", ""])
def test_what_is_not_offered_is_refused(method) -> None:
    talk = Talk().feed({"method": method, "id": 0, "params": {}})
    assert json.loads(talk.session.replies())["error"]["code"] == -32601


@pytest.mark.parametrize("number", [None, True, 1.5, [], {}, "x" * 1_000])
def test_a_question_without_a_number_is_not_answered(number) -> None:
    talk = Talk().feed({"method": "execCommandApproval", "id": number})
    assert talk.session.replies() == ""
    assert talk.kinds() == [EventKind.WARNING]


@pytest.mark.parametrize("number", [1, 2, 3])
def test_a_refused_request_of_ours_ends_it(number) -> None:
    session = CodexHarness().open(brief_of())
    session.read(OutputLine(stream="stdout", text=json.dumps({"id": number, "error": {"code": -1, "message": "no"}})))
    outcome = session.finish(CLEAN)
    assert (outcome.ending, outcome.failure_code, outcome.summary) == (Ending.FAILED, "harness.failed", "no")


@pytest.mark.parametrize("number", [True, 1.0, "1", None])
def test_what_only_looks_like_the_number_of_our_request_refuses_nothing(number) -> None:
    talk = Talk().feed({"id": number, "error": {"code": -1, "message": "no"}})
    assert not talk.session.is_over()


def _http(status: int | None, message: str = "") -> dict[str, object]:
    return {"message": message, "codexErrorInfo": {"httpConnectionFailed": {"httpStatusCode": status}}}


@pytest.mark.parametrize(
    ("error", "code", "retry_after"),
    [
        (_http(403), "harness.sign_in", None),
        (_http(402), "harness.quota", None),
        (_http(429, "Quota exceeded"), "harness.quota", None),
        (_http(429, "Please try again in 1h2m3s."), "harness.rate_limited", 3_723.0),
        (_http(429, "try again in 500ms"), "harness.rate_limited", 0.5),
        (_http(429, "Try again in 3 days 4 hours 5 minutes."), "harness.rate_limited", 273_900.0),
        (_http(429, "try again in 1.2.3s"), "harness.rate_limited", None),
        (_http(429, "try again in " + "9" * 900 + "d"), "harness.rate_limited", None),
        (_http(429, "try again in 99999999 days"), "harness.rate_limited", 2_592_000.0),
        (_http(529), "harness.overloaded", None),
        (_http(404, "The model `x` does not exist"), "harness.model_unknown", None),
        (_http(404, "no such path"), "harness.request_refused", None),
        (_http(400, "code context_length_exceeded"), "harness.context_overflow", None),
        (_http(None), "harness.unreachable", None),
        (_http(None, "tool said: unexpected status 401"), "harness.sign_in", None),
        ({"message": "unexpected status 500: quota", "codexErrorInfo": None}, "harness.overloaded", None),
        ({"message": "Missing environment variable: `K`.", "codexErrorInfo": "other"}, "harness.sign_in", None),
        ({"message": "x", "codexErrorInfo": "usageLimitExceeded"}, "harness.quota", None),
        ({"code": -32602, "message": "Input exceeds the maximum length of 1048576 characters."},
         "harness.context_overflow", None),
        ({"message": "x", "codexErrorInfo": {}}, "harness.failed", None),
        (None, "harness.failed", None),
        ([], "harness.failed", None),
    ],
)  # fmt: skip
def test_failures_by_status_then_by_words(error, code, retry_after) -> None:
    failure = failure_of(error)
    assert (failure.code, failure.retry_after) == (code, retry_after)
    assert failure.text
