"""Health and readiness: who may ask, what is told, and that nothing which hangs can hold the answer back."""

import asyncio
import fcntl
import threading
import time
from typing import Any

import pytest

from control_plane.front_guard import FrontGuard
from control_plane.readiness import LedgerChecks, Readiness, Unready, egress_check
from domain.errors import FactoryError, LedgerOutdated, LedgerUnavailable, SettingsInvalid
from resources.settings import load_settings
from resources.wiring import open_factory

PORT = 3999
TOKEN = "the-token"
PUBLIC = "https://factory.example.org"


async def inner(_scope: Any, _receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"inner"})


def ask(path: str, method: str = "GET", *, query: str = "", **headers: str) -> dict[str, Any]:
    """Return the start of the answer to a request without a token, of a guard that also has a public address."""
    pairs = [(key.encode(), value.encode()) for key, value in {"host": f"127.0.0.1:{PORT}", **headers}.items()]
    scope = {"type": "http", "method": method, "path": path, "query_string": query.encode(), "headers": pairs}
    sent: list[dict[str, Any]] = []

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    guard = FrontGuard(inner, token=TOKEN, port=PORT, origins=(PUBLIC,))
    asyncio.run(guard(scope, None, send))  # type: ignore[arg-type]
    return sent[0]


@pytest.mark.parametrize("path", ["/health", "/ready"])
def test_whoever_watches_needs_no_token_but_our_name(path):
    assert ask(path)["status"] == 200
    assert ask(path, "HEAD")["status"] == 200
    assert ask(path, host="factory.example.org")["status"] == 200
    assert ask(path, host="evil.example")["status"] == 421
    assert ask(path, host=f"factory.example.org:{PORT}")["status"] == 421


@pytest.mark.parametrize("path", ["/ready/", "/ready/x", "/READY", "/health/../graphql", "//ready", "/"])
def test_nothing_else_is_open(path):
    assert ask(path)["status"] == 401


def test_open_addresses_are_read_only():
    assert ask("/ready", "POST")["status"] == 403
    assert ask("/ready", "POST", origin=PUBLIC, host="factory.example.org")["status"] == 401


def test_a_public_address_is_an_origin_of_its_own():
    bearer = f"Bearer {TOKEN}"
    assert ask("/graphql", "POST", host="factory.example.org", origin=PUBLIC, authorization=bearer)["status"] == 200
    for origin in ("http://factory.example.org", f"http://127.0.0.1:{PORT}", "https://factory.example.org:8443"):
        assert ask("/graphql", "POST", host="factory.example.org", origin=origin, authorization=bearer)["status"] == 403


def test_the_cookie_of_a_public_address_travels_encrypted_only():
    cookies = [dict(ask("/", query=f"token={TOKEN}", host=host)["headers"])[b"set-cookie"] for host in
               ("factory.example.org", f"127.0.0.1:{PORT}")]  # fmt: skip
    assert [b"; Secure" in one for one in cookies] == [True, False]


@pytest.mark.parametrize("origin", ["factory.example.org", "ftp://a", "https://", "https://a/b", "https://a/", "*", ""])
def test_what_is_no_origin_is_refused(origin):
    with pytest.raises(SettingsInvalid):
        FrontGuard(inner, token=TOKEN, port=PORT, origins=(origin,))


def failing(error: Exception) -> Any:
    def check() -> None:
        raise error

    return check


def test_everything_answers():
    report = Readiness({"a": lambda: None, "b": lambda: "whatever"}).report()
    assert report.document() == {
        "ready": True,
        "dependencies": {"a": {"ready": True, "detail": "answers"}, "b": {"ready": True, "detail": "answers"}},
    }


def test_one_that_fails_is_named_without_its_secrets():
    url = "postgresql://factory:hunter2@db/factory"
    report = Readiness(
        {
            "fine": lambda: None,
            "ours": failing(LedgerUnavailable(f"no answer from {url}")),
            "stranger": failing(OSError(url)),
            "told": failing(Unready("no daemon dispatched lately")),
        }
    ).report()
    assert not report.ready
    assert {name: one["ready"] for name, one in report.dependencies.items()} == {
        "fine": True, "ours": False, "stranger": False, "told": False,
    }  # fmt: skip
    assert "hunter2" not in str(report.document())
    assert report.dependencies["ours"]["detail"].startswith("[ledger.unavailable]")
    assert report.dependencies["stranger"]["detail"] == "fails with OSError"
    assert report.dependencies["told"]["detail"] == "no daemon dispatched lately"


def test_one_that_hangs_neither_holds_the_others_nor_piles_up():
    go_on, asked = threading.Event(), []

    def hangs() -> None:
        asked.append(1)
        go_on.wait(30)

    readiness = Readiness({"hangs": hangs, "fine": lambda: None}, patience=0.05)
    began = time.monotonic()
    reports = [readiness.report() for _ in range(5)]
    assert time.monotonic() - began < 10
    assert all(not one.ready and one.dependencies["fine"]["ready"] for one in reports)
    assert reports[0].dependencies["hangs"]["detail"] == "does not answer in time"
    assert len(asked) == 1
    go_on.set()
    assert Readiness({"fine": lambda: None}).report().ready


def test_a_ledger_that_comes_back_is_ready_again(tmp_path):
    settings = load_settings(tmp_path)
    checks = LedgerChecks(settings)
    with pytest.raises(FactoryError) as missing:
        checks.ledger()
    assert isinstance(missing.value, LedgerOutdated | LedgerUnavailable)
    factory = open_factory(settings, migrate=True)
    checks.ledger()
    with pytest.raises(Unready):
        checks.daemon()
    factory.oversight.beat("dispatch", now=factory.now())
    checks.daemon()


def test_the_egress_broker_is_known_by_the_lock_it_holds(tmp_path):
    check = egress_check(tmp_path)
    with pytest.raises(Unready, match="has not served"):
        check()
    lock = tmp_path / "egress" / "broker.lock"
    lock.parent.mkdir()
    lock.touch()
    with pytest.raises(Unready, match="does not run"):
        check()
    with lock.open("rb") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        check()
    with pytest.raises(Unready, match="does not run"):
        check()
