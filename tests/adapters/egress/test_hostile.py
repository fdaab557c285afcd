"""A client that is out to break the door: each attempt is cut, bounded and recorded, and the door serves the next."""

import json

import pytest

from adapters.egress.doors import DoorFolder
from domain.egress import Purpose
from tests.adapters.egress.inside import heard, status
from tests.adapters.egress.outside import await_broker, soon, stop
from tests.adapters.egress.test_hello import hello

FILES = b"GET http://files.test/echo HTTP/1.1\r\nhost: files.test\r\n\r\n"
POST = b"POST http://files.test/echo HTTP/1.1\r\nhost: files.test\r\n"


@pytest.fixture(scope="module")
def strict_root(outside, tmp_path_factory):
    """The root of a broker with small limits."""
    root = tmp_path_factory.mktemp("strict") / "root"
    limits = {
        "head_seconds": 1,
        "idle_seconds": 1.5,
        "connections": 4,
        "wait_seconds": 0.3,
        "refused_log_bytes": 20_000,
        "log_bytes": 24_000,
    }
    process = outside.start(root, limits=limits)
    await_broker(DoorFolder(root))
    yield root
    stop(process)


@pytest.mark.parametrize(
    ("said", "code", "reason"),
    [
        (POST + b"content-length: 3\r\ncontent-length: 5\r\n\r\nabcde", 400, "malformed"),
        (POST + b"content-length: 3, 5\r\n\r\nabcde", 400, "malformed"),
        (POST + b"content-length: 3\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n", 400, "malformed"),
        (POST + b"transfer-encoding: chunked\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n", 501, "malformed"),
        (POST + b"transfer-encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 501, "malformed"),
        (POST + b"transfer-encoding : chunked\r\n\r\n0\r\n\r\n", 400, "malformed"),
        (POST + b"transfer-encoding:\x0bchunked\r\n\r\n0\r\n\r\n", 400, "malformed"),
        (POST + b"content-length: -1\r\n\r\n", 400, "malformed"),
        (POST + b"x: a\rb\r\n\r\n", 400, "malformed"),
        (POST + b" folded: x\r\n\r\n", 400, "malformed"),
        (POST + b"host: other.test\r\n\r\n", 400, "malformed"),
        (b"GET http://files.test/ HTTP/1.1\r\nhost: evil.test\r\n\r\n", 403, "host-mismatch"),
        (b"GET http://files.test/ HTTP/1.1\r\nhost: files.test:8080\r\n\r\n", 403, "host-mismatch"),
        (b"GET http://files.test/ HTTP/1.1\r\n\r\n", 400, "malformed"),
        (b"GET http://files.test/ HTTP/1.0\r\n\r\n", 403, "host-mismatch"),
        (b"GET http://files.test@evil.test/ HTTP/1.1\r\nhost: files.test\r\n\r\n", 400, "malformed"),
        (b"GET http://evil.test\\@files.test/ HTTP/1.1\r\nhost: files.test\r\n\r\n", 400, "malformed"),
        (b"GET https://files.test/ HTTP/1.1\r\nhost: files.test\r\n\r\n", 400, "malformed"),
        (b"GET file:///etc/passwd HTTP/1.1\r\nhost: files.test\r\n\r\n", 400, "malformed"),
        (b"GET http://files.test:0/ HTTP/1.1\r\nhost: files.test:0\r\n\r\n", 400, "malformed"),
        (b"GET http://files.test:99999/ HTTP/1.1\r\nhost: files.test:99999\r\n\r\n", 400, "malformed"),
        (b"GET http:/// HTTP/1.1\r\nhost:\r\n\r\n", 400, "malformed"),
        (b"TRACE http://files.test/ HTTP/1.1\r\nhost: files.test\r\n\r\n", 400, "malformed"),
        (b"OPTIONS * HTTP/1.1\r\nhost: files.test\r\n\r\n", 400, "malformed"),
        (b"CONNECT files.test HTTP/1.1\r\nhost: files.test\r\n\r\n", 400, "malformed"),
        (b"CONNECT files.test:443/x HTTP/1.1\r\nhost: files.test\r\n\r\n", 400, "malformed"),
        (b"CONNECT :443 HTTP/1.1\r\nhost: x\r\n\r\n", 403, "malformed-name"),
        (b"CONNECT files..test:443 HTTP/1.1\r\nhost: x\r\n\r\n", 403, "malformed-name"),
        (b"CONNECT files.test:443 HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\n\r\nhello", 400, "malformed"),
        (b"CONNECT " + b"a" * 9000 + b":443 HTTP/1.1\r\nhost: x\r\n\r\n", 403, "malformed-name"),
        (b"GET http://f\xc3\xadles.test/ HTTP/1.1\r\nhost: x\r\n\r\n", 400, "malformed"),
        (b"\x16\x03\x01\x02\x00\x01\x00\r\n\r\n", 400, "malformed"),
        (b"GET http://files.test/" + b"a" * 70000 + b" HTTP/1.1\r\nhost: files.test\r\n\r\n", 431, "malformed"),
        (b"GET http://files.test/ HTTP/1.1\r\nhost: files.test\r\n" + b"x: y\r\n" * 20000 + b"\r\n", 431, "malformed"),
        (b"NAME %ff%00%0a HTTP/1.1\r\nhost: x\r\n\r\n", 403, "malformed-name"),
        (b"NAME " + b"a." * 5000 + b" HTTP/1.1\r\nhost: x\r\n\r\n", 403, "malformed-name"),
        (b"ADDRESS nonsense HTTP/1.1\r\nhost: x\r\n\r\n", 400, "malformed"),
    ],
)
def test_twisted_requests_are_refused_and_recorded(inside, outside, said, code, reason):
    before = outside.log()
    answer = inside.say(said)
    assert status(answer) == code, answer
    one = inside.attempt(reason=reason, allowed=False)
    assert one.bytes_up == 0
    assert len(one.model_dump_json()) < 1200
    assert outside.log() == before  # nothing of it went out
    assert status(inside.say(FILES)) == 200


def test_a_second_request_on_a_connection_is_never_heard(inside, outside):
    inside.say(FILES + b"GET http://files.test/smuggled HTTP/1.1\r\nhost: files.test\r\n\r\n")
    inside.say(
        POST + b"content-length: 0\r\nconnection: content-length\r\n\r\nGET /smuggled HTTP/1.1\r\nhost: x\r\n\r\n"
    )
    assert "smuggled" not in outside.log()


def test_headers_of_the_way_are_not_passed_on(inside):
    lines = b"proxy-authorization: Basic x\r\nproxy-connection: x\r\nte: x\r\nupgrade: x\r\nx-mine: 1\r\nconnection: x-mine\r\nx-kept: 1\r\n\r\n"
    answer = inside.say(b"GET http://files.test/echo HTTP/1.1\r\nhost: files.test\r\n" + lines)
    headers = {name.lower(): value for name, value in json.loads(answer.partition(b"\r\n\r\n")[2])["headers"].items()}
    assert headers == {"host": "files.test", "connection": "close", "x-kept": "1"}


def test_a_server_name_that_is_no_text_is_refused_without_a_word_in_the_brokers_log(inside, broker_root):
    torn = hello("files.test").replace(b"files.test", b"f\xff\xfees.test"[:9] + b"t")
    inside.say(b"CONNECT files.test:443 HTTP/1.1\r\nhost: files.test:443\r\n\r\n", torn)
    inside.attempt(host="files.test", reason="not-tls", bytes_up=0)
    assert "Exception ignored" not in (broker_root.parent / "root.broker.log").read_text()


def test_a_body_shorter_than_its_length_is_cut(inside):
    inside.say(POST + b"content-length: 100\r\n\r\nshort")
    inside.attempt(reason="malformed", allowed=False)


def test_what_may_leave_is_bounded_over_all_connections(opened, broker_root):
    inside = opened(broker_root, upload_limit=30_000)
    body = b"content-length: 20000\r\n\r\n" + b"x" * 20_000
    assert status(inside.say(POST + body)) == 200
    assert status(inside.say(POST + body)) == 403
    one = inside.attempt(reason="upload-limit", allowed=False)
    assert one.bytes_up < 20_000
    assert sum(one.bytes_up for one in inside.attempts()) <= 30_000


def test_a_tunnel_is_cut_when_all_that_may_leave_has_left(opened, broker_root):
    inside = opened(broker_root, upload_limit=30_000)
    done = inside.run("head -c 3000000 /dev/zero | curl -s -m 20 --data-binary @- https://files.test/echo")
    assert done.returncode != 0
    assert inside.attempt(reason="upload-limit", host="files.test").bytes_up <= 30_000


def test_a_slow_client_is_cut(opened, strict_root):
    inside = opened(strict_root)
    with inside.connect() as sock:
        sock.sendall(b"GET http://files.test/echo HTTP/1.1\r\n")
        assert status(heard(sock)) == 408
    inside.attempt(reason="slow", allowed=False)
    with inside.connect() as sock:
        sock.sendall(b"CONNECT files.test:443 HTTP/1.1\r\nhost: files.test:443\r\n\r\n")
        assert heard(sock) == b"HTTP/1.1 200 \r\n\r\n"
    inside.attempt(reason="slow", host="files.test", port=443)


def test_a_server_that_never_answers_and_one_that_never_ends_are_cut(opened, strict_root):
    inside = opened(strict_root)
    for path in (b"silent", b"stay"):
        with inside.connect() as sock:
            sock.sendall(b"GET http://files.test/" + path + b" HTTP/1.1\r\nhost: files.test\r\n\r\n")
            heard(sock)
    inside.attempt(path="/silent", reason="slow", allowed=False)
    inside.attempt(path="/stay", reason="allowed", allowed=True)


def test_one_door_cannot_take_all_connections(opened, strict_root):
    inside = opened(strict_root, purpose=Purpose.SETUP)
    held = [inside.connect() for _ in range(4)]
    try:
        answer = inside.say(FILES)
    finally:
        for sock in held:
            sock.close()
    assert status(answer) == 503
    inside.attempt(reason="too-many-connections", allowed=False)
    soon(lambda: status(inside.say(FILES)) == 200, "a connection once the others are gone")
    other = opened(strict_root)
    assert status(other.say(FILES)) == 200


def test_a_flood_of_refused_attempts_does_not_fill_the_disk_or_hide_the_rest(opened, strict_root):
    inside = opened(strict_root)
    for number in range(150):
        inside.say(f"GET http://x{number}.evil.test/ HTTP/1.1\r\nhost: x{number}.evil.test\r\n\r\n".encode())
    assert status(inside.say(FILES)) == 200
    inside.attempt(host="files.test", allowed=True)
    inside.attempt(reason="log-full", allowed=False)
    assert (strict_root / "log" / f"{inside.door.id}.jsonl").stat().st_size < 21_000


def test_what_cannot_be_recorded_is_not_let_through(opened, strict_root):
    inside = opened(strict_root)
    answers = [status(inside.say(FILES)) for _ in range(120)]
    assert answers[0] == 200
    assert answers[-1] == 503
    assert (strict_root / "log" / f"{inside.door.id}.jsonl").stat().st_size < 25_000


def test_a_disk_without_room_for_the_log_closes_the_door(opened, broker_root, outside):
    inside = opened(broker_root)
    inside.doors.remove(inside.door.id)
    log = broker_root / "log" / f"{inside.door.id}.jsonl"
    soon(lambda: not (broker_root / "sockets" / inside.door.id).exists(), "the door to close")
    log.unlink(missing_ok=True)
    log.symlink_to("/dev/full")
    other = opened(broker_root)
    with pytest.raises(Exception, match="did not open"):
        inside.doors.open(inside.door, patience=0.5)
    log.unlink()
    assert status(other.say(FILES)) == 200


def test_a_torrent_of_connections_that_say_nothing_leaves_no_trace_and_no_harm(inside):
    for _ in range(300):
        inside.connect().close()
    soon(lambda: status(inside.say(FILES)) == 200, "an answer once the torrent is over")
    assert {one.host for one in inside.attempts()} <= {"files.test", ""}


def test_a_client_that_vanishes_in_the_middle_is_recorded(inside):
    with inside.connect() as sock:
        sock.sendall(b"GET http://files.test/big HTTP/1.1\r\nhost: files.test\r\n\r\n")
        sock.recv(100)
    inside.attempt(host="files.test", path="/big", allowed=True)
