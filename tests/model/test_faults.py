"""Each fault as each provider words it, as often as the script says, in its own conversation only."""

import http.client
import json
import threading
from collections.abc import Callable

import pytest

from tests.model.talk import DIALECTS, Codex, Dialect, Talk, each_dialect, send
from tests.support.model import Fault, FaultKind, Script, Tokens, Turn, scripted_model

CODEX = Codex()
GONE = (OSError, http.client.HTTPException)
USAGE = Tokens(input=100, cached=20, output=9)
#: status, and a word of the body, for OpenAI, Anthropic and Google
STATUSES: dict[FaultKind, tuple[tuple[int, str], tuple[int, str], tuple[int, str]]] = {
    FaultKind.UNAUTHORIZED: ((401, "invalid_api_key"), (401, "authentication_error"), (401, "API_KEY_INVALID")),
    FaultKind.FORBIDDEN: ((403, "not allowed"), (403, "permission_error"), (403, "PERMISSION_DENIED")),
    FaultKind.CONTEXT_OVERFLOW: (
        (400, "context_length_exceeded"),
        (400, "prompt is too long"),
        (400, "exceeds the maximum number of tokens"),
    ),
    FaultKind.BAD_REQUEST: ((400, "invalid_value"), (400, "invalid_request_error"), (400, "INVALID_ARGUMENT")),
    FaultKind.MODEL_UNKNOWN: ((404, "model_not_found"), (404, "not_found_error"), (404, "models/scripted-1 is not")),
    FaultKind.QUOTA: ((429, "insufficient_quota"), (400, "credit balance is too low"), (429, "PerDay")),
    FaultKind.RATE_LIMITED: ((429, "rate_limit_exceeded"), (429, "rate_limit_error"), (429, "RESOURCE_EXHAUSTED")),
    FaultKind.SERVER_ERROR: ((500, "server_error"), (500, "api_error"), (500, "INTERNAL")),
    FaultKind.BAD_GATEWAY: ((502, "<html>"), (502, "<html>"), (502, "<html>")),
    FaultKind.OVERLOADED: ((503, "server_is_overloaded"), (529, "overloaded_error"), (503, "UNAVAILABLE")),
}
PLACE = {"openai": 0, "anthropic": 1, "gemini": 2}


def script(**fault: object) -> list[Script]:
    turn = Turn(say="It is done, all of it.", usage=USAGE, fault=Fault.model_validate(fault))
    return [Script(name="one", turns=(turn, Turn(say="more")))]


@each_dialect
@pytest.mark.parametrize("kind", STATUSES)
@pytest.mark.parametrize("stream", [True, False])
def test_a_status_has_the_providers_words(dialect: Dialect, kind: FaultKind, stream: bool):
    status, word = STATUSES[kind][PLACE[dialect.name]]
    with scripted_model(script(kind=kind)) as model:
        talk = Talk(dialect, model.url)
        heard = talk.ask("go", stream=stream)
        assert talk.ask(stream=stream).status == status, "without `times` it never ends"
        assert model.sent().input_tokens == 0
        assert [one.fault for one in model.requests] == [kind, kind]
    assert heard.status == status
    assert word in heard.raw.decode()
    assert "retry-after" not in heard.headers
    assert ("html" in heard.headers["content-type"]) == (kind is FaultKind.BAD_GATEWAY)


@each_dialect
@pytest.mark.parametrize("seconds", [0, 2, 3600])
def test_a_limit_says_when_to_come_back(dialect: Dialect, seconds: int):
    with scripted_model(script(kind="rate_limited", retry_after=seconds)) as model:
        heard = Talk(dialect, model.url).ask("go")
    assert heard.headers["retry-after"] == str(seconds)
    if dialect.name != "anthropic":
        assert f"{seconds}s" in heard.raw.decode()


def test_every_kind_of_fault_is_tried_here():
    streamed = {"cut", "ended", "stream_error", "malformed", "stall", "stall_midway", "drip", "refused", "huge_line"}
    assert {kind.value for kind in FaultKind} == streamed | {kind.value for kind in STATUSES}


@each_dialect
def test_a_fault_of_some_times_gives_way_to_the_turn(dialect: Dialect):
    with scripted_model(script(kind="overloaded", times=2)) as model:
        talk, other = Talk(dialect, model.url), Talk(dialect, model.url)
        statuses = [talk.ask("go script:one#a").status, talk.ask().status, talk.ask().status]
        assert other.ask("go script:one#b").status == statuses[0], "another conversation counts for itself"
        assert model.sent("one#a").output_tokens == 9
        assert model.sent("one#b").output_tokens == 0
    assert statuses[0] == statuses[1] != 200
    assert statuses[2] == 200


@each_dialect
@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("fault", [{"kind": "cut"}, {"kind": "stall_midway", "seconds": 0.01}])
def test_a_cut_ends_the_connection_in_the_middle(dialect: Dialect, stream: bool, fault: dict[str, object]):
    with scripted_model(script(times=1, **fault)) as model:
        talk = Talk(dialect, model.url)
        with pytest.raises(GONE):
            talk.ask("go", stream=stream)
        assert model.wait_for(lambda seen: seen[0].over)[0].sent.output_tokens < 9
        assert talk.ask(stream=stream).text == "It is done, all of it."


@each_dialect
def test_a_stream_can_end_as_if_that_were_all(dialect: Dialect):
    with scripted_model(script(kind="ended")) as model:
        heard = Talk(dialect, model.url).ask("go")
    assert not heard.finished
    assert heard.text in "It is done, all of it."


@each_dialect
def test_an_error_comes_in_the_stream(dialect: Dialect):
    with scripted_model(script(kind="stream_error")) as model:
        heard = Talk(dialect, model.url).ask("go")
        whole = Talk(dialect, model.url).ask("go", stream=False)
    assert (heard.status, heard.finished, whole.status) == (200, False, 500)
    assert heard.error["message"]


@each_dialect
@pytest.mark.parametrize("stream", [True, False])
def test_a_malformed_answer_can_be_read_by_nobody(dialect: Dialect, stream: bool):
    with scripted_model(script(kind="malformed")) as model, pytest.raises(ValueError):
        Talk(dialect, model.url).ask("go", stream=stream)


@each_dialect
def test_a_stall_shows_nothing_and_then_ends(dialect: Dialect):
    with scripted_model(script(kind="stall", seconds=0.01, times=1)) as model:
        talk = Talk(dialect, model.url)
        with pytest.raises(GONE):
            talk.ask("go")
        assert model.requests[0].status is None
        assert talk.ask().status == 200


@pytest.mark.parametrize("kind", ["stall", "stall_midway"])
def test_a_stall_without_end_lasts_until_the_server_leaves(kind: str):
    ends: list[object] = []
    with scripted_model(script(kind=kind)) as model:
        caller = threading.Thread(target=lambda: ends.append(_fails(lambda: Talk(CODEX, model.url).ask("go"))))
        caller.start()
        model.wait_for(lambda seen: bool(seen) and seen[0].fault == kind)
        assert not model.requests[0].over
    caller.join(30)
    assert ends == [True]


def test_a_stall_ends_when_the_client_leaves():
    with scripted_model(script(kind="stall")) as model:
        connection = http.client.HTTPConnection("127.0.0.1", int(model.url.rpartition(":")[2]))
        path, body = CODEX.request(Talk(CODEX, model.url, [CODEX.person("go")]), stream=True)
        connection.request("POST", path, json.dumps(body), CODEX.headers("k"))
        model.wait_for(lambda seen: bool(seen) and seen[0].fault is not None)
        connection.close()
        assert model.wait_for(lambda seen: seen[0].over)[0].status is None


@each_dialect
@pytest.mark.parametrize("stream", [True, False])
def test_an_answer_that_drips_is_the_right_one(dialect: Dialect, stream: bool):
    with scripted_model(script(kind="drip", seconds=0)) as model:
        heard = Talk(dialect, model.url).ask("go", stream=stream)
        assert model.sent().output_tokens == 9
    assert (heard.text, heard.finished) == ("It is done, all of it.", True)


@each_dialect
def test_a_huge_line_is_one_line_and_says_nothing_twice(dialect: Dialect):
    with scripted_model(script(kind="huge_line", size=20_000_000)) as model:
        heard = Talk(dialect, model.url).ask("go")
    assert heard.finished
    assert len(heard.text) == 20_000_000
    assert max(len(line) for line in heard.raw.split(b"\n")) > 20_000_000
    assert heard.text[:100_000] not in heard.text[100_000:]


def test_what_nobody_stayed_to_read_was_not_sent():
    """Gemini tells its usage with the last of the text, which is here too long for what lies between the two."""
    gemini = DIALECTS[2]
    with scripted_model(script(kind="huge_line")) as model:
        connection = http.client.HTTPConnection("127.0.0.1", int(model.url.rpartition(":")[2]))
        path, body = gemini.request(Talk(gemini, model.url, [gemini.person("go")]), stream=True)
        connection.request("POST", path, json.dumps(body), gemini.headers("k"))
        model.wait_for(lambda seen: bool(seen) and seen[0].sent.output_tokens == 9)
        connection.close()
        model.wait_for(lambda seen: seen[0].over)
        assert model.sent().output_tokens == 0


@each_dialect
def test_a_refused_connection_is_refused_until_the_server_listens_again(dialect: Dialect):
    with scripted_model(script(kind="refused", times=1)) as model:
        talk, url = Talk(dialect, model.url), model.url
        with pytest.raises(GONE):
            talk.ask("go")
        for _ in range(3):
            with pytest.raises(ConnectionRefusedError):
                talk.ask()
        model.listen()
        assert model.url == url
        assert talk.ask().text == "It is done, all of it."


def test_refusing_resets_what_is_connected_and_twice_is_once():
    with scripted_model(script(kind="drip")) as model:
        port = int(model.url.rpartition(":")[2])
        connection = http.client.HTTPConnection("127.0.0.1", port)
        connection.request("HEAD", "/")
        connection.getresponse().read()
        model.refuse()
        model.refuse()
        connection.auto_open = 0
        assert _fails(lambda: _head(connection))
        model.listen()
        model.listen()
        assert send(model.url, "/", None, {}, "HEAD").status == 200


def test_latency_comes_before_the_answer():
    with scripted_model([Script(name="one", turns=(Turn(say="late", latency=0.01),))]) as model:
        assert Talk(CODEX, model.url).ask("go").text == "late"


@each_dialect
def test_an_account_that_is_refused_for_good_cannot_list_models(dialect: Dialect):
    path = "/v1beta/models" if dialect.name == "gemini" else "/v1/models"
    with scripted_model(script(kind="quota")) as model:
        assert send(model.url, path, None, dialect.headers("k"), "GET").status in (400, 429)
    with scripted_model(script(kind="quota", times=1)) as model:
        assert send(model.url, path, None, dialect.headers("k"), "GET").status == 200


def _head(connection: http.client.HTTPConnection) -> None:
    connection.request("HEAD", "/")
    connection.getresponse()


def _fails(what: Callable[[], object]) -> bool:
    try:
        what()
    except GONE:
        return True
    return False
