"""The guard before the Dagster webserver."""

import asyncio
import stat
from typing import Any

import pytest

from control_plane.front_guard import FrontGuard
from control_plane.front_token import front_token

PORT = 3999
HOST = f"127.0.0.1:{PORT}"
TOKEN = "the-token"
BEARER = {"authorization": f"Bearer {TOKEN}"}


async def inner(scope: dict[str, Any], receive: Any, send: Any) -> None:
    if scope["type"] == "websocket":
        await send({"type": "websocket.accept"})
        return
    await send({"type": "http.response.start", "status": 200, "headers": [(b"x-inner", b"1")]})
    await send({"type": "http.response.body", "body": b"inner"})


class Answer:
    def __init__(self, sent: list[dict[str, Any]]) -> None:
        self.sent = sent
        self.status = sent[0].get("status")
        self.headers = {k.decode(): v.decode() for k, v in sent[0].get("headers", [])}
        self.body = b"".join(one.get("body", b"") for one in sent)


def ask(method: str = "GET", path: str = "/", *, kind: str = "http", query: str = "", **headers: str) -> Answer:
    told = {"host": HOST, **{key.replace("_", "-"): value for key, value in headers.items()}}
    pairs = [(key.encode(), value.encode()) for key, value in told.items() if value]
    scope = {"type": kind, "method": method, "path": path, "query_string": query.encode(), "headers": pairs}
    sent: list[dict[str, Any]] = []

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    async def receive() -> dict[str, Any]:
        return {"type": "http.request"}

    asyncio.run(FrontGuard(inner, token=TOKEN, port=PORT)(scope, receive, send))
    return Answer(sent)


@pytest.fixture
def cookie() -> str:
    answer = ask(query=f"token={TOKEN}")
    return answer.headers["set-cookie"].partition(";")[0]


def test_without_the_token_a_page_says_how_to_get_in():
    answer = ask()
    assert answer.status == 401
    assert b"factory up" in answer.body
    assert answer.headers["cache-control"] == "no-store"


def test_the_token_becomes_a_cookie_and_leaves_the_address():
    answer = ask(path="/runs", query=f"a=1&token={TOKEN}&b=2")
    assert answer.status == 303
    assert answer.headers["location"] == "/runs?a=1&b=2"
    assert "HttpOnly" in answer.headers["set-cookie"]
    assert "SameSite=Strict" in answer.headers["set-cookie"]
    assert TOKEN not in answer.headers["set-cookie"]


def test_a_redirect_never_leaves_this_host():
    assert ask(path="//evil.example/x", query=f"token={TOKEN}").headers["location"] == "/evil.example/x"
    assert ask(path="/\\evil.example", query=f"token={TOKEN}").headers["location"] == "/evil.example"


def test_a_wrong_token_or_cookie_or_bearer_opens_nothing(cookie):
    assert ask(query="token=guess").status == 401
    assert ask(cookie=cookie + "0").status == 401
    assert ask(cookie='"').status == 401
    assert ask(authorization="Bearer guess").status == 401
    assert ask(authorization=f"Basic {TOKEN}").status == 401


def test_cookie_and_bearer_open(cookie):
    assert ask(cookie=cookie).status == 200
    assert ask(**BEARER).status == 200


@pytest.mark.parametrize("host", ["evil.example", f"evil.example:{PORT}", "127.0.0.1", f"127.0.0.1:{PORT + 1}", ""])
def test_a_name_that_was_rebound_to_this_machine_is_misdirected(cookie, host):
    assert ask(host=host, cookie=cookie).status == 421


def test_localhost_is_this_host_too(cookie):
    assert ask(host=f"LOCALHOST:{PORT}", cookie=cookie).status == 200


@pytest.mark.parametrize("origin", ["http://evil.example", "null", f"https://{HOST}", f"http://localhost:{PORT}", ""])
def test_a_post_from_another_origin_is_refused_even_with_the_cookie(cookie, origin):
    assert ask("POST", "/graphql", cookie=cookie, origin=origin).status == 403


def test_a_post_from_our_own_origin_passes(cookie):
    assert ask("POST", "/graphql", cookie=cookie, origin=f"http://{HOST}").status == 200


def test_a_program_with_a_bearer_token_needs_no_origin_but_may_not_lie():
    assert ask("POST", "/graphql", **BEARER).status == 200
    assert ask("POST", "/graphql", origin="http://evil.example", **BEARER).status == 403


@pytest.mark.parametrize("path", ["/graphql", "/graphql/", "/GraphQL"])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_graphql_over_get_is_refused(cookie, path, method):
    answer = ask(method, path, query="query=mutation{launchRun}", cookie=cookie)
    assert answer.status == 405
    assert answer.headers["allow"] == "POST"


def test_a_websocket_needs_cookie_and_origin(cookie):
    assert ask(kind="websocket", path="/graphql", cookie=cookie, origin=f"http://{HOST}").sent == [
        {"type": "websocket.accept"}
    ]
    refused = [{"type": "websocket.close", "code": 1008}]
    assert ask(kind="websocket", path="/graphql", origin=f"http://{HOST}").sent == refused
    assert ask(kind="websocket", path="/graphql", cookie=cookie).sent == refused
    assert ask(kind="websocket", path="/graphql", cookie=cookie, origin="http://evil.example").sent == refused
    assert ask(kind="websocket", path="/graphql", host="evil.example", cookie=cookie).sent == refused


@pytest.mark.parametrize("signed", [True, False])
def test_every_answer_carries_the_security_headers(cookie, signed):
    headers = ask(cookie=cookie if signed else "").headers
    assert headers["x-frame-options"] == "DENY"
    assert headers["x-content-type-options"] == "nosniff"
    assert "frame-ancestors 'none'" in headers["content-security-policy"]


def test_a_repeated_header_matches_nothing():
    pairs = [(b"host", HOST.encode()), (b"host", b"evil.example")]
    guard = FrontGuard(inner, token=TOKEN, port=PORT)
    sent: list[dict[str, Any]] = []

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "GET", "path": "/", "query_string": b"", "headers": pairs}
    asyncio.run(guard(scope, None, send))  # type: ignore[arg-type]
    assert sent[0]["status"] == 421


def test_the_token_is_made_once_and_for_its_owner_only(tmp_path):
    token = front_token(tmp_path)
    assert len(token) >= 32
    assert front_token(tmp_path) == token
    assert stat.S_IMODE((tmp_path / "front_door.token").stat().st_mode) == 0o600
