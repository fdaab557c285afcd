"""What is wrong with a request is told with a 400 in the provider's words, and nothing makes the stand-in stumble."""

import json
import socket
from contextlib import suppress
from typing import Any

import pytest

from tests.model.talk import Claude, Codex, Dialect, GeminiCli, Heard, Talk, each_dialect, send
from tests.support.model import Model, Script, Turn, scripted_model
from tests.support.model.handler import BODY_LIMIT

ONE = [Script(name="one", turns=(Turn(say="fine"),))]
CODEX, CLAUDE, GEMINI = Codex(), Claude(), GeminiCli()
NESTED = "[" * 100_000

OPENAI_WRONG: list[dict[str, Any]] = [
    {"model": None},
    {"model": ""},
    {"model": ["m"]},
    {"input": None},
    {"input": ""},
    {"input": []},
    {"input": ["text"]},
    {"input": {"role": "user"}},
    {"input": [{"type": "message", "role": "robot", "content": "x"}]},
    {"input": [{"type": "message", "role": ["user"], "content": "x"}]},
    {"input": [{"type": "unheard_of"}]},
    {"input": [{"type": "message", "role": "user", "content": 7}]},
    {"input": [{"type": "function_call", "name": "a", "arguments": "{}"}]},
    {"input": [{"type": "function_call", "call_id": "c", "name": "a", "arguments": "{}"}]},
    {"input": [{"type": "function_call_output", "call_id": "c", "output": "x"}]},
    {"input": [{"type": "function_call_output", "call_id": {"c": 1}, "output": "x"}]},
    {"tools": {"name": "sh"}},
    {"tools": ["sh"]},
]
ANTHROPIC_WRONG: list[dict[str, Any]] = [
    {"model": 7},
    {"max_tokens": None},
    {"max_tokens": 0},
    {"max_tokens": "64"},
    {"messages": []},
    {"messages": "hello"},
    {"messages": ["hello"]},
    {"messages": [{"content": "no role"}]},
    {"messages": [{"role": "robot", "content": "x"}]},
    {"messages": [{"role": "user"}]},
    {"messages": [{"role": "user", "content": ["x"]}]},
    {"messages": [{"role": "assistant", "content": [{"type": "tool_use", "name": "a", "input": {}}]}]},
    {"messages": [{"role": "assistant", "content": [{"type": "tool_use", "id": "c", "name": "a", "input": {}}]}]},
    {"messages": [{"role": "user", "content": [{"type": "tool_result", "tool_use_id": "c"}]}]},
    {"messages": [{"role": "user", "content": [{"type": "tool_result", "tool_use_id": 7}]}]},
    {"system": 7},
    {"tools": "Bash"},
]
GEMINI_WRONG: list[dict[str, Any]] = [
    {"contents": None},
    {"contents": []},
    {"contents": "hello"},
    {"contents": ["hello"]},
    {"contents": [{"role": "user"}]},
    {"contents": [{"role": "robot", "parts": [{"text": "x"}]}]},
    {"contents": [{"parts": ["x"]}]},
    {"tools": {"functionDeclarations": []}},
    {"tools": [{"functionDeclarations": "sh"}]},
]
WRONG = [
    *[pytest.param(CODEX, wrong, id=f"openai-{json.dumps(wrong)[:70]}") for wrong in OPENAI_WRONG],
    *[pytest.param(CLAUDE, wrong, id=f"anthropic-{json.dumps(wrong)[:70]}") for wrong in ANTHROPIC_WRONG],
    *[pytest.param(GEMINI, wrong, id=f"gemini-{json.dumps(wrong)[:70]}") for wrong in GEMINI_WRONG],
]


def request(model: Model, dialect: Dialect) -> tuple[str, dict[str, Any]]:
    path, body = dialect.request(Talk(dialect, model.url, [dialect.person("go")]), stream=True)
    return path, body


@pytest.fixture(scope="module")
def model():
    with scripted_model(ONE) as started:
        yield started


@pytest.mark.parametrize(("dialect", "wrong"), WRONG)
def test_a_field_that_is_wrong_or_missing(model: Model, dialect: Dialect, wrong: dict[str, Any]):
    path, body = request(model, dialect)
    assert send(model.url, path, json.dumps(body), dialect.headers("k")).status == 200
    heard = send(model.url, path, json.dumps(body | wrong), dialect.headers("k"))
    assert heard.status == 400
    assert heard.json["error"]["message"]
    assert model.requests[-1].problem


@pytest.mark.parametrize(
    ("dialect", "name"),
    [
        (CODEX, "model"),
        (CODEX, "input"),
        (CLAUDE, "model"),
        (CLAUDE, "max_tokens"),
        (CLAUDE, "messages"),
        (GEMINI, "contents"),
    ],
)
def test_a_field_that_is_missing(model: Model, dialect: Dialect, name: str):
    path, body = request(model, dialect)
    del body[name]
    heard = send(model.url, path, json.dumps(body), dialect.headers("k"))
    assert (heard.status, name in heard.json["error"]["message"]) == (400, True)


@each_dialect
@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"null", b"[]", b'"text"', b"\xff\xfe", NESTED.encode(), b"9" * 5_000, b"{}", b'{"a": 1e999}'],
    ids=lambda body: repr(body[:12]),
)
def test_a_body_that_is_no_request(model: Model, dialect: Dialect, body: bytes):
    heard = send(model.url, request(model, dialect)[0], body, dialect.headers("k"))
    assert heard.status == 400
    assert heard.json["error"]["message"]


@each_dialect
def test_odd_texts_are_texts_all_the_same(model: Model, dialect: Dialect):
    for text in ("\ud800", "\x00", "script:", "script:one#" + "x" * 1_000, "<cwd></cwd>", "é" * 300_000):
        talk = Talk(dialect, model.url, model="m" * 500)
        assert talk.ask(text).text == "fine"


@each_dialect
def test_ids_of_calls_that_others_made_up_are_counted_as_calls(model: Model, dialect: Dialect):
    for name in ("call_other", "call_t" + "9" * 5_000 + "_0", "call_t_0", "\u0663"):
        talk = Talk(dialect, model.url, [dialect.person("go")])
        called = Heard(200, {}, b"", calls=[{"id": name, "name": "sh", "arguments": {}}])
        talk.history += dialect.keep(called)
        heard = talk.ask()
        assert heard.status == 400
        assert "this would be one more" in heard.json["error"]["message"]


@pytest.mark.parametrize("path", ["/v1beta/models", "/v1beta/models/", "/v1beta/models/m", "/v1beta/models/a/b:c"])
def test_gemini_paths_name_a_model_and_a_method(model: Model, path: str):
    assert send(model.url, path, json.dumps(request(model, GEMINI)[1]), GEMINI.headers("k")).status == 400


def test_anthropic_wants_its_version(model: Model):
    path, body = request(model, CLAUDE)
    heard = send(model.url, path, json.dumps(body), {"x-api-key": "k"})
    assert (heard.status, heard.json["error"]["type"]) == (400, "invalid_request_error")


@pytest.mark.parametrize("header", ["Basic abc", "Bearer ", "Bearer", "k"])
def test_openai_wants_a_bearer(model: Model, header: str):
    path, body = request(model, CODEX)
    assert send(model.url, path, json.dumps(body), {"Authorization": header}).status == 401


def raw(model: Model, text: bytes) -> bytes:
    """Send bytes and read all that comes."""
    with socket.create_connection(("127.0.0.1", int(model.url.rpartition(":")[2])), timeout=30) as connection:
        connection.sendall(text)
        with suppress(OSError):
            connection.shutdown(socket.SHUT_WR)
        return b"".join(iter(lambda: connection.recv(65536), b""))


@pytest.mark.parametrize(
    ("lines", "status"),
    [
        (b"content-length: -1", 400),
        (b"content-length: many", 400),
        (b"content-length: %d" % (BODY_LIMIT + 1), 413),
        (b"content-length: " + b"9" * 5_000, 413),
        (b"content-length: 500\r\n\r\n{}", 400),
        (b"transfer-encoding: chunked\r\n\r\nzz\r\n", 400),
        (b"transfer-encoding: chunked\r\n\r\n2\r\n{}\r\n", 400),
        (b"transfer-encoding: chunked\r\n\r\n" + b"f" * 30, 400),
        (b"transfer-encoding: chunked\r\n\r\n0\r\n", 400),
    ],
)
def test_a_body_whose_length_is_not_what_it_says(model: Model, lines: bytes, status: int):
    answer = raw(model, b"POST /v1/responses HTTP/1.1\r\nhost: x\r\nauthorization: Bearer k\r\n" + lines + b"\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 %d " % status)


@pytest.mark.parametrize(
    "line",
    [b"GET //[ HTTP/1.1", b"GET http://[/x HTTP/1.1", b"POST /%ff%00?%ff=&&key HTTP/1.1", b"nonsense", b"\x00\xff",
     b"PUT /v1/responses HTTP/1.1", b"GET /s/" + b"x" * 65 + b"/v1 HTTP/1.1"],
    ids=lambda line: repr(line[:30]),
)  # fmt: skip
def test_an_address_that_is_none(model: Model, line: bytes):
    answer = raw(model, line + b"\r\nhost: x\r\nauthorization: Bearer k\r\n\r\n")
    assert b"400" in answer or b"404" in answer or b"414" in answer or b"501" in answer


def test_a_huge_address_harms_nobody(model: Model):
    with suppress(ConnectionError):  # it may be reset before the refusal is read
        assert b" 414 " in raw(model, b"GET " + b"/x" * 50_000 + b" HTTP/1.1\r\n\r\n")
    assert Talk(CODEX, model.url).ask("go").text == "fine"


@each_dialect
def test_a_prompt_of_many_megabytes_is_read(model: Model, dialect: Dialect):
    assert Talk(dialect, model.url).ask("long " * 4_000_000).text == "fine"


def test_a_chunked_body_is_read_whole(model: Model):
    path, body = request(model, CODEX)
    text = json.dumps(body).encode()
    chunks = b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in (text[:10], text[10:])) + b"0\r\n\r\n"
    answer = raw(
        model,
        f"POST {path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer k\r\n".encode()
        + b"transfer-encoding: chunked\r\nconnection: close\r\n\r\n"
        + chunks,
    )
    assert b"response.completed" in answer


def test_a_client_that_leaves_in_the_middle_harms_nobody():
    with scripted_model(ONE) as model:
        port = int(model.url.rpartition(":")[2])
        for _ in range(20):
            with socket.create_connection(("127.0.0.1", port)) as connection:
                connection.sendall(b"POST /v1/responses HTTP/1.1\r\nhost: x\r\ncontent-length: 900\r\n\r\n{")
        assert Talk(CODEX, model.url).ask("go").text == "fine"
        model.wait_for(lambda seen: len(seen) == 21 and all(one.over for one in seen))


def test_a_mistake_of_the_stand_ins_own_is_raised_where_it_is_used(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("tests.support.model.handler.answer", lambda *_: 1 / 0)
    with pytest.raises(ExceptionGroup, match="made mistakes"), scripted_model(ONE) as model, pytest.raises(OSError):
        Talk(CODEX, model.url).ask("go")
