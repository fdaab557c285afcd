"""The broker's life: doors are files, so it may be killed at any moment, and rules change while it runs."""

import os
import time

import pytest

from adapters.egress.doors import DoorFolder
from domain.egress import Door
from domain.errors import EgressUnavailable
from tests.adapters.egress.inside import heard, status
from tests.adapters.egress.outside import HUNG, await_broker, soon, stop

FILES = b"GET http://files.test/echo HTTP/1.1\r\nhost: files.test\r\n\r\n"
STAY = b"GET http://files.test/stay HTTP/1.1\r\nhost: files.test\r\n\r\n"


@pytest.fixture
def root(tmp_path):
    return tmp_path / ("a-long-name-" * 15) / "root"  # longer than a socket's path may be


@pytest.fixture
def broker(outside, root):
    root.parent.mkdir()
    process = outside.start(root)
    await_broker(DoorFolder(root))
    yield process
    stop(process)


def log_of(root):
    return (root.parent / "root.broker.log").read_text()


def test_a_killed_broker_serves_the_same_doors_when_it_is_back(outside, root, broker, opened):
    boxes = [opened(root), opened(root, allow=())]
    assert [status(box.say(FILES)) for box in boxes] == [200, 403]
    broker.kill()
    broker.wait(HUNG)
    assert not boxes[0].doors.alive()
    again = outside.start(root)
    try:
        for box in boxes:
            box.doors.open(box.door)
        assert [status(box.say(FILES)) for box in boxes] == [200, 403]
        assert [one.allowed for one in boxes[0].attempts()] == [True, True]
    finally:
        stop(again)


def test_a_sandbox_that_was_there_before_the_broker_was_killed_goes_on(outside, root, broker, opened):
    box = opened(root)
    broker.kill()
    broker.wait(HUNG)
    (box.folder / "note").write_text("the folder is the same, so is its mount")
    again = outside.start(root)
    try:
        soon(lambda: box.curl("https://files.test/echo") == "200", "the door of the broker that came after")
    finally:
        stop(again)


def test_what_a_door_let_out_is_remembered_by_the_broker_that_comes_after(outside, root, broker, opened):
    box = opened(root, upload_limit=1000)
    body = b"POST http://files.test/echo HTTP/1.1\r\nhost: files.test\r\ncontent-length: 700\r\n\r\n" + b"x" * 700
    assert status(box.say(body)) == 200
    box.attempt(allowed=True)
    broker.kill()
    broker.wait(HUNG)
    again = outside.start(root)
    try:
        box.doors.open(box.door)
        assert status(box.say(body)) == 403
    finally:
        stop(again)


def test_a_torn_last_line_of_a_log_is_passed_over(outside, root, broker, opened):
    box = opened(root)
    box.say(FILES)
    box.attempt(allowed=True)
    broker.kill()
    broker.wait(HUNG)
    log = root / "log" / f"{box.door.id}.jsonl"
    log.write_bytes(log.read_bytes() + b'{"at":"2026-')
    assert len(box.attempts()) == 1
    again = outside.start(root)
    try:
        box.doors.open(box.door)
        box.say(FILES)
        soon(lambda: len(box.attempts()) == 2, "the line after the torn one")
    finally:
        stop(again)


def test_a_second_broker_on_one_root_is_refused(outside, root, broker, opened):
    second = outside.start(root)
    assert second.wait(HUNG) != 0
    assert "another egress broker serves" in log_of(root)
    assert status(opened(root).say(FILES)) == 200


def test_new_rules_hold_from_the_moment_open_returns(root, broker, opened):
    box = opened(root)
    for _ in range(10):
        for allow, answer in (((), 403), (("files.test",), 200)):
            box.doors.open(box.door.model_copy(update={"allow": allow}))
            assert status(box.say(FILES)) == answer


def test_closing_a_door_cuts_what_goes_through_it_and_records_it(root, broker, opened):
    box = opened(root)
    with box.connect() as sock, box.connect() as waiting:
        sock.sendall(STAY)
        while b"begun" not in sock.recv(4096):
            continue
        waiting.sendall(b"GET http://files.test/silent HTTP/1.1\r\nhost: files.test\r\n\r\n")
        box.doors.close(box.door.id)
        heard(sock)
        heard(waiting)
    box.attempt(path="/stay", allowed=True)
    soon(lambda: not (box.folder / "egress.sock").exists(), "the socket to be gone")
    with pytest.raises(OSError):
        box.connect()


def test_a_door_whose_folder_was_made_anew_is_served_there(root, broker, opened):
    box = opened(root)
    for _ in range(10):
        box.doors.remove(box.door.id)
        box.doors.open(box.door)
        assert status(box.say(FILES)) == 200


def test_a_broker_that_is_told_to_stop_leaves_no_socket(root, broker, opened):
    box = opened(root)
    broker.terminate()
    broker.wait(HUNG)
    with pytest.raises(OSError):
        box.connect()


def test_files_that_are_no_doors_are_reported_and_skipped(root, broker, opened, tmp_path):
    good = opened(root)
    folder = root / "doors"
    secret = tmp_path / "secret"
    secret.write_text("not for the log")
    (folder / "garbage.json").write_bytes(b"\xff\x00{")
    (folder / "empty.json").write_bytes(b"")
    (folder / "deep.json").write_bytes(b"[" * 100_000)
    (folder / "huge.json").write_bytes(b" " * 2_000_000)
    (folder / "linked.json").symlink_to(secret)
    (folder / "folder.json").mkdir()
    os.mkfifo(folder / "pipe.json")
    (folder / "b@d name.json").write_text(good.door.model_dump_json())
    (folder / "other.json").write_text(good.door.model_dump_json())
    (folder / "unknown-key.json").write_text('{"id":"unknown-key","run_id":"r","purpose":"harness","open":"all"}')
    (folder / "wild.json").write_text('{"id":"wild","run_id":"r","purpose":"harness","allow":["*"]}')
    (folder / ".half-written.json").write_text("{")
    (folder / "README").write_text("not a door")
    for name in (
        "garbage",
        "empty",
        "deep",
        "huge",
        "linked",
        "folder",
        "pipe",
        "b@d name",
        "other",
        "unknown-key",
        "wild",
    ):
        soon(
            lambda name=name: f"door='{name}'" in log_of(root) or f"door={name}" in log_of(root), f"a report of {name}"
        )
    assert "not for the log" not in log_of(root)
    assert "half-written" not in log_of(root)
    assert status(good.say(FILES)) == 200
    assert {path.name for path in (root / "sockets").iterdir()} == {good.door.id}


def test_a_door_that_became_garbage_is_closed(root, broker, opened):
    box = opened(root)
    (root / "doors" / f"{box.door.id}.json").write_text("{")
    soon(lambda: not (box.folder / "egress.sock").exists(), "the door to close")


def test_many_doors_open_each_for_itself(root, broker, opened):
    boxes = [opened(root, allow=("files.test",) if number % 2 else ()) for number in range(40)]
    assert [status(box.say(FILES)) for box in boxes] == [200 if number % 2 else 403 for number in range(40)]
    for box in boxes:
        assert len(box.attempts()) == 1


def test_without_a_broker_opening_a_door_fails_soon_and_leaves_it_closed(tmp_path, outside, monkeypatch):
    monkeypatch.setenv("SSL_CERT_FILE", str(outside.folder / "ca.pem"))
    doors = DoorFolder(tmp_path)
    with pytest.raises(EgressUnavailable, match="no egress broker serves"):
        doors.open(Door(id="a", run_id="r", purpose="harness"), patience=0.1)
    assert list((tmp_path / "doors").iterdir()) == []


def test_asking_whether_a_broker_is_alive_does_not_keep_one_from_starting(outside, root):
    root.parent.mkdir()
    doors = DoorFolder(root)
    process = outside.start(root)
    end = time.monotonic() + HUNG
    while not doors.alive():
        assert time.monotonic() < end
    assert process.poll() is None
    stop(process)
