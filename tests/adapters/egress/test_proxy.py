"""A declared network: the broker goes out through the company's proxy, and refuses what it refused before."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from adapters.egress.doors import DoorFolder
from domain.egress import Reach
from tests.adapters.egress.inside import Inside, status
from tests.adapters.egress.outside import SECRETS, UPSTREAMS, Outside, await_broker, stop
from tests.adapters.egress.test_upstream import ask, echoed
from tests.support.proxy import Running, proxy

PUBLIC = "93.184.216.34"
#: what the proxy's own name server knows; `far.test` is known to nobody else
NAMES = {
    name: [PUBLIC, 0] for name in ("files.test", "api.test", "far.test", "private.test", "metadata.test", "own.test")
}
LOGIN = {**SECRETS, "login": "ann:pass:word-canary", "torn": "ann\r\nx: y", "nameless": "ann"}
ALLOWED = (
    "files.test",
    "far.test",
    "private.test",
    "beside.test",
    "nowhere.test",
    "localhost",
    "*.wide.test",
    "loop.test:8443",
)

World = tuple[Inside, Running]


@pytest.fixture
def through(outside: Outside, opened: Callable[..., Inside], tmp_path: Path) -> Iterator[Callable[..., World]]:
    """Start a proxy outside and a broker that goes through it; open a door of it."""
    with ExitStack() as stack:
        place = ("nsenter", "--target", str(outside.process.pid), "--net", "--mount")

        def start(
            *, network: dict[str, Any] | None = None, door: dict[str, Any] | None = None, **company: Any
        ) -> World:
            told = {"address": "10.9.9.9", "port": 3128, "names": NAMES, **company}
            running = stack.enter_context(proxy(tmp_path / "company", before=place, **told))
            way = {"host": "10.9.9.9", "port": running.port, **(network or {})}
            root = tmp_path / "root"
            broker = outside.start(
                root,
                network={"proxy": way, "ca_bundle": str(outside.folder / "ca.pem")},
                secrets=LOGIN,
                upstreams=[one.model_dump(mode="json") for one in UPSTREAMS],
            )
            stack.callback(stop, broker)
            await_broker(DoorFolder(root))
            return opened(root, **{"allow": ALLOWED, **(door or {})}), running

        yield start


def test_tunnels_and_plain_requests_go_through_the_proxy_by_name(through):
    inside, company = through()
    assert inside.curl("https://far.test/echo") == "200"
    assert inside.curl("http://far.test/echo?a=1") == "200"
    assert company.requests() == ["CONNECT far.test:443", "GET http://far.test/echo?a=1"]
    assert [one["host"] for one in company.asked()] == ["far.test:443", "far.test"]
    inside.attempt(reach=Reach.CONNECT, host="far.test", port=443, allowed=True)
    inside.attempt(reach=Reach.HTTP, host="far.test", port=80, allowed=True)


def test_an_upstream_is_spoken_to_through_it_and_the_proxy_never_sees_the_key(through):
    inside, company = through()
    assert echoed(inside.say(ask("/model/v1/echo")))["headers"]["host"] == "api.test"
    assert company.requests() == ["CONNECT api.test:443"]
    assert "sk-live" not in company.log.read_text()
    assert echoed(inside.say(ask("/local/echo")))["headers"]["host"] == "127.0.0.1:8080"
    assert len(company.asked()) == 1, "this machine's own server is asked without it"


@pytest.mark.parametrize(
    ("url", "host", "reason"),
    [
        ("http://evil.test/x", "evil.test", "name-not-allowed"),
        ("https://evil.test/x", "evil.test", "name-not-allowed"),
        ("http://files.test:22/", "files.test", "port-not-allowed"),
        ("http://169.254.169.254/latest/meta-data/", "169.254.169.254", "address"),
        ("https://93.184.216.34/", "93.184.216.34", "address"),
        ("http://10.9.9.9:3128/", "10.9.9.9", "address"),
        ("http://127.0.0.1:8080/", "127.0.0.1", "address"),
        ("https://[2606:4700::1111]/", "[2606:4700::1111]", "address"),
        ("http://localhost/", "localhost", "private-address"),
    ],
)
def test_what_was_refused_is_refused_and_the_proxy_hears_nothing_of_it(through, url, host, reason):
    inside, company = through()
    assert "403" in inside.curl("-g", "--noproxy", "", url)
    inside.attempt(host=host, reason=reason, allowed=False)
    assert company.asked() == []


def test_the_tls_hello_is_still_judged(through):
    inside, _ = through()
    inside.run("curl -sk -m 5 --connect-to other.test:443:files.test:443 https://other.test/stolen")
    assert inside.attempt(host="files.test", port=443, reason="sni-mismatch").bytes_up == 0


def test_what_lies_beside_it_is_dialled_and_its_address_judged(through):
    inside, company = through(network={"beside": [".test", "10.0.0.0/8"]}, door={"exempt": ("loop.test:8443",)})
    assert inside.curl("https://beside.test/echo") == "200"
    assert "403" in inside.curl("https://private.test/echo")
    inside.attempt(host="private.test", reason="private-address")
    assert inside.curl("https://loop.test:8443/echo") == "200"
    assert "502" in inside.curl("https://far.test/echo"), "only the proxy knows that name"
    assert company.asked() == []


def test_the_proxy_is_signed_in_to_and_the_sandbox_never_sees_how(through):
    inside, company = through(users=LOGIN["login"], network={"credential": "login"})
    assert inside.curl("https://files.test/echo") == "200"
    said = inside.run(
        "curl -s -H 'Proxy-Authorization: Basic bWluZQ==' http://files.test/echo; env; cat /run/egress/* 2>/dev/null"
    ).stdout
    assert '"method": "GET"' in said
    assert "canary" not in said
    assert "proxy-authorization" not in said.lower()
    assert {one["user"] for one in company.asked()} == {LOGIN["login"]}


@pytest.mark.parametrize(
    ("told", "reason"),
    [
        ({"users": "ann:other", "network": {"credential": "login"}}, "proxy-sign-in"),
        ({"users": "ann:other"}, "proxy-sign-in"),
        ({"network": {"credential": "nobody-gave-it"}}, "credential-missing"),
        ({"network": {"credential": "torn"}}, "credential-missing"),
        ({"network": {"credential": "nameless"}}, "credential-missing"),
        ({"network": {"port": 9}}, "proxy-unreachable"),
        ({"network": {"host": "nobody.test"}}, "proxy-unreachable"),
        ({"network": {"tls": True}}, "proxy-unreachable"),  # it does not speak it
    ],
)
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_proxy_that_cannot_be_used_says_why(through, told, reason, scheme):
    inside, _ = through(**told)
    answer = inside.curl(f"{scheme}://files.test/echo")
    assert answer.startswith(("502", "503", "000"))
    inside.attempt(host="files.test", reason=reason, allowed=False)


@pytest.mark.parametrize(
    ("says", "reason"),
    [
        ("HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n", "proxy-refused"),
        ("HTTP/1.1 302 Found\r\nlocation: http://portal.test/\r\ncontent-length: 0\r\n\r\n", "proxy-refused"),
        ("HTTP/1.1 200 OK\r\n\r\nwords nobody asked for", "proxy-refused"),
        ("this is not HTTP\r\n\r\n", "bad-answer"),
        ("", "bad-answer"),
        ("HTTP/1.1 200 OK\r\nx: " + "y" * 100_000 + "\r\n\r\n", "bad-answer"),
    ],
)
def test_a_proxy_that_answers_oddly_opens_nothing(through, says, reason):
    inside, _ = through(says=says)
    assert "502" in inside.curl("https://files.test/echo")
    inside.attempt(host="files.test", reason=reason, allowed=False, bytes_up=0)


def test_a_name_that_the_proxy_does_not_know_is_its_refusal(through):
    inside, _ = through()
    assert "502" in inside.curl("https://nowhere.test/echo")
    inside.attempt(host="nowhere.test", reason="proxy-refused", allowed=False)


def test_a_proxy_over_tls_is_verified_by_the_declared_certificates_and_carries_both_kinds(through, outside):
    told = {"certificate": str(outside.folder / "server.pem"), "address": "127.0.0.1", "port": 0}
    inside, company = through(network={"host": "127.0.0.1", "tls": True}, **told)
    assert inside.curl("https://far.test/echo") == "200"
    assert inside.curl("http://far.test/echo") == "200"
    assert echoed(inside.say(ask("/model/v1/echo")))["headers"]["host"] == "api.test"
    assert inside.run("curl -s https://far.test/v1/big | wc -c").stdout.strip() == "5000000"
    assert company.requests() == [
        "CONNECT far.test:443",
        "GET http://far.test/echo",
        "CONNECT api.test:443",
        "CONNECT far.test:443",
    ]


def test_a_proxy_over_tls_that_nobody_trusts_is_not_used(through, outside):
    told = {"certificate": str(outside.folder / "unknown.pem"), "address": "127.0.0.1", "port": 0}
    inside, company = through(network={"host": "127.0.0.1", "tls": True}, **told)
    assert "502" in inside.curl("https://far.test/echo")
    inside.attempt(host="far.test", reason="proxy-unreachable", allowed=False)
    assert company.asked() == []


def test_a_server_that_the_declared_certificates_do_not_cover_is_not_spoken_to(through):
    inside, company = through(door={"upstreams": ("untrusted",)})
    assert status(inside.say(ask("/untrusted/v1/echo"))) == 502
    inside.attempt(reason="tls-failed", allowed=False)
    assert company.requests() == ["CONNECT api.test:9443"]
