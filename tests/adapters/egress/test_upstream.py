"""Upstreams: the key is added outside, on allowed paths alone, and never comes back in."""

import json
import subprocess

import pytest

from adapters.egress.upstreams import servers_of
from domain.egress import Reach, Upstream
from domain.errors import InvalidInput
from tests.adapters.egress.inside import status
from tests.adapters.egress.outside import HUNG, KEY, WORD

HERE = "http://127.0.0.1:3128"
KEY_HEADERS = ("authorization", "x-api-key", "api-key", "x-goog-api-key", "proxy-authorization", "cookie")


def ask(path: str, *headers: str, method: str = "GET", host: str = "127.0.0.1:3128") -> bytes:
    lines = [f"{method} {path} HTTP/1.1", f"host: {host}", *headers]
    return "\r\n".join([*lines, "", ""]).encode()


def echoed(answer: bytes) -> dict:
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200"), answer
    told = json.loads(body)
    return {**told, "headers": {name.lower(): value for name, value in told["headers"].items()}}


def test_the_key_is_added_outside_and_the_sandbox_holds_a_placeholder(inside):
    done = inside.run(
        f"curl -s -H 'x-api-key: placeholder' {HERE}/model/v1/reflect?as=plain; env; cat /run/egress/*.py"
    )
    assert KEY not in done.stdout
    assert f"<{'*' * len(KEY)}>" in done.stdout  # it was there, of the right length
    one = inside.attempt(reach=Reach.UPSTREAM, host="api.test", port=443, allowed=True)
    assert (one.method, one.path) == ("GET", "/v1/reflect")
    assert KEY not in inside.doors._layout.log(inside.door.id).read_text()


def test_what_a_client_says_of_keys_is_dropped(inside):
    own = [f"{name}: stolen-account" for name in KEY_HEADERS]
    answer = inside.say(
        ask("/model/v1/echo?a=1&key=mine&b=2&%6bey=mine;API_KEY=x", *own, "x-other: kept", "range: bytes=0-3")
    )
    told = echoed(answer)
    assert told["path"] == "/v1/echo?a=1&b=2"
    assert "stolen-account" not in json.dumps(told)
    assert told["headers"]["x-other"] == "kept"
    assert told["headers"]["accept-encoding"] == "identity"
    assert told["headers"]["host"] == "api.test"
    assert "range" not in told["headers"]


def test_what_would_override_the_request_that_was_checked_is_dropped(inside):
    names = (
        "x-original-url", "x-rewrite-url", "x-http-method-override", "x-method-override", "x-http-method", "forwarded",
        "x-forwarded-for", "x-forwarded-host", "x-forwarded-prefix", "via", "x_original_url", "X_Forwarded_Host", "x_api_key",
    )  # fmt: skip
    answer = inside.say(ask("/model/v1/echo", *[f"{name}: /twisted" for name in names], "x-forwards: kept"))
    assert "twisted" not in json.dumps(echoed(answer))
    assert echoed(answer)["headers"]["x-forwards"] == "kept"
    plain = inside.say(
        b"GET http://files.test/echo HTTP/1.1\r\nhost: files.test\r\nx-forwarded-host: twisted.test\r\n\r\n"
    )
    assert "twisted" not in json.dumps(echoed(plain))


def test_each_upstream_has_its_own_header_and_base(inside):
    told = echoed(inside.say(ask("/based/echo?x=%20y")))
    assert told["path"] == "/v1/echo?x=%20y"
    assert told["headers"]["x-goog-api-key"] == "*" * len(KEY)
    assert "authorization" not in told["headers"]


def test_an_upstream_on_this_machine_may_speak_plain_http(inside):
    assert echoed(inside.say(ask("/local/echo")))["headers"]["host"] == "127.0.0.1:8080"


def test_a_client_that_sends_even_its_own_proxy_through_the_proxy_is_served(inside):
    assert status(inside.say(ask(f"{HERE}/model/v1/echo"))) == 200
    assert status(inside.say(ask("/model/v1/echo", host="LOCALHOST:3128"))) == 200


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("/nobody/v1/echo", "unknown-upstream"),
        ("/", "unknown-upstream"),
        ("//model/v1/echo", "unknown-upstream"),
        ("/Model/v1/echo", "unknown-upstream"),
        ("/keyless/v1/echo", "unknown-upstream"),  # it exists, but not for this door
        ("/model", "path-not-allowed"),
        ("/model/", "path-not-allowed"),
        ("/model/v2/echo", "path-not-allowed"),
        ("/model/v1x/echo", "path-not-allowed"),
        ("/model/v1/../admin", "path-malformed"),
        ("/model/v1/./echo", "path-malformed"),
        ("/model/v1/..;/admin", "path-malformed"),
        ("/model/v1/%2e%2e/admin", "path-malformed"),
        ("/model/v1/%2E%2e%2Fadmin", "path-malformed"),
        ("/model/v1/%252e%252e/admin", "path-malformed"),
        ("/model/v1//echo", "path-malformed"),
        ("/model/v1/..\\admin", "path-malformed"),
        ("/model/v1/%5c..", "path-malformed"),
        ("/model/v1/%00", "path-malformed"),
        ("/model/v1/#/../x", "path-malformed"),
        ("/model/v1/..%3b/admin", "path-malformed"),
        ("/model/v1/%c0%ae%c0%ae/admin", "path-malformed"),
        ("/model/v1/%2%65%2%65/admin", "path-malformed"),
    ],
)
def test_other_paths_and_upstreams_are_refused(inside, path, reason):
    answer = inside.say(ask(path))
    assert status(answer) == 403
    assert f"x-egress-refused: {reason}".encode() in answer
    inside.attempt(reach=Reach.UPSTREAM, reason=reason, allowed=False)


@pytest.mark.parametrize("method", ["TRACE", "TRACK"])
def test_methods_that_send_our_headers_back_are_refused(inside, method):
    assert status(inside.say(ask("/model/v1/echo", method=method))) == 400


@pytest.mark.parametrize(
    "spelling",
    [
        "plain",
        "upper",
        "quoted",
        "hex",
        "json",
        "base64",
        "base64-1",
        "base64-2",
        "urlsafe",
        "percent",
        "colons",
    ],
)
def test_a_reflected_key_is_scrubbed_from_headers_and_body(inside, spelling):
    answer = inside.say(ask(f"/model/v1/reflect?as={spelling}"))
    assert status(answer) == 200
    inner = answer.partition(b"<")[2].partition(b">")[0].decode()
    assert "****************" in inner
    shown = answer.decode().lower().replace("*", " ")
    pieces = {KEY.lower(), KEY.lower()[3:12], KEY.encode().hex()[6:30]}
    assert not [piece for piece in pieces if piece in shown]


@pytest.mark.parametrize(("spelling", "left"), [("cut", ""), ("tail", ""), ("middle", ""), ("few", KEY[:7])])
def test_a_part_of_a_reflected_key_is_scrubbed_too(inside, spelling, left):
    answer = inside.say(ask(f"/model/v1/reflect?as={spelling}"))
    assert status(answer) == 200
    assert answer.partition(b"<")[2].partition(b">")[0].decode().strip("*") == left
    assert answer.partition(b"x-reflected: ")[2].partition(b"\r\n")[0].decode().strip("*") == left


def test_an_answer_that_ends_in_the_beginning_of_a_key_ends_in_stars(inside):
    assert inside.say(ask("/model/v1/ends")).endswith(b"\r\n\r\n<*********")


def test_a_key_in_the_name_of_a_header_is_scrubbed(opened, broker_root):
    answer = opened(broker_root, upstreams=("word",)).say(ask("/word/v1/reflect?as=plain"))
    assert status(answer) == 200
    assert f"x-{'*' * len(WORD)}: named".encode() in answer
    assert WORD.lower().encode() not in answer.lower()


def test_a_key_that_comes_back_a_byte_at_a_time_is_scrubbed(inside):
    answer = inside.say(ask("/model/v1/split"))
    assert b"canary" not in answer.replace(b"\r\n1\r\n", b"").lower()
    assert answer.count(b"*") == len(KEY)


def test_an_answer_that_could_hide_a_key_is_refused(inside):
    answer = inside.say(ask("/model/v1/gzip", "accept-encoding: gzip"))
    assert status(answer) == 502
    inside.attempt(reason="encoded-answer", allowed=False)


def test_redirects_are_passed_back_and_not_followed(inside, outside):
    answer = inside.say(ask("/model/v1/redirect"))
    assert status(answer) == 302
    assert b"location: https://other.test/stolen" in answer
    assert "/stolen" not in outside.log()


@pytest.mark.parametrize("sent", ["-H 'expect: 100-continue'", "-H 'transfer-encoding: chunked'", "-H 'expect:'"])
def test_large_bodies_are_streamed_up(inside, sent):
    done = inside.run(f"head -c 3000000 /dev/zero | curl -s -m 30 {sent} --data-binary @- {HERE}/model/v1/echo")
    assert json.loads(done.stdout)["bytes"] == 3_000_000
    assert inside.attempt(reach=Reach.UPSTREAM, allowed=True, method="POST").bytes_up > 3_000_000


def test_large_answers_are_streamed_down(inside):
    assert inside.run(f"curl -s {HERE}/model/v1/big | wc -c").stdout.strip() == "5000000"
    assert inside.attempt(reach=Reach.UPSTREAM, allowed=True).bytes_down > 5_000_000


def test_an_answer_that_comes_before_the_body_was_read_arrives(inside):
    head = ask("/model/v1/refuse", "content-length: 900000", method="POST")
    answer = inside.say(head, b"x" * 900_000)
    assert status(answer) == 413


def test_events_flow_one_by_one(inside, outside):
    with inside.connect() as sock:
        sock.sendall(ask("/model/v1/events"))
        lines = sock.makefile("rb")
        while lines.readline() != b"\r\n":
            continue
        for number in range(3):
            (outside.folder / "events").write_text("go")  # the next event is made only now
            while f"data: {number}\n".encode() != lines.readline():
                continue
        lines.close()


@pytest.mark.parametrize(
    ("name", "reason", "code"),
    [
        ("keyless", "credential-missing", 503),
        ("short", "credential-missing", 503),
        ("torn", "credential-missing", 503),
        ("bug", "broker-error", 500),  # whoever keeps the secrets is broken
        ("untrusted", "tls-failed", 502),
        ("nowhere", "unreachable", 502),
    ],
)
def test_an_upstream_that_cannot_be_used_says_why(opened, broker_root, name, reason, code):
    inside = opened(broker_root, upstreams=(name,))
    answer = inside.say(ask(f"/{name}/v1/echo"))
    assert status(answer) == code
    assert f"x-egress-refused: {reason}".encode() in answer
    inside.attempt(reach=Reach.UPSTREAM, reason=reason, allowed=False)


def test_an_upstream_that_breaks_http_is_refused(inside):
    assert status(inside.say(ask("/model/v1/garbage"))) == 502
    inside.attempt(reason="bad-answer")


@pytest.mark.parametrize(
    "url",
    [
        "http://api.test",
        "http://93.184.216.34:80",
        "ftp://api.test",
        "api.test",
        "https://",
        "https://user:pw@api.test",
        "https://api.test/?key=1",
        "https://api.test:port",
        "http://localhost.evil.test",
    ],
)
def test_an_upstream_that_would_carry_a_key_in_the_clear_or_is_none_is_refused_at_start(url):
    with pytest.raises(InvalidInput):
        servers_of([Upstream(name="x", url=url)])


def test_the_key_is_in_no_process_and_no_file_of_the_broker_root(inside, broker_root):
    inside.say(ask("/model/v1/reflect?as=plain"))
    found = subprocess.run(
        ["grep", "-rlF", KEY, str(broker_root)], capture_output=True, text=True, timeout=HUNG, check=False
    )
    assert found.stdout == ""
    assert KEY not in subprocess.run(["ps", "axww"], capture_output=True, text=True, check=True).stdout
