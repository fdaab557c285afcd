"""A sandbox that takes all it can get of the broker: the others' doors go on, and its own serves what it may."""

import os
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from adapters.egress.doors import DoorFolder
from tests.adapters.egress.inside import status
from tests.adapters.egress.outside import HUNG, await_broker, soon, stop

FILES = b"GET http://files.test/echo HTTP/1.1\r\nhost: files.test\r\n\r\n"
FLOOD = """
import os, socket, sys
os.chdir(sys.argv[1])
while os.path.exists("egress.sock"):
    held = []
    for _ in range(400):
        sock = socket.socket(socket.AF_UNIX)
        sock.setblocking(False)
        try:
            sock.connect("egress.sock")
            held.append(sock)
        except OSError:
            sock.close()
"""
MANY = """
import socket
socks = [socket.create_connection(("127.0.0.1", 3128)) for _ in range(100)]
for sock in socks:
    sock.sendall(b"GET http://files.test/echo HTTP/1.1\\r\\nhost: files.test\\r\\n\\r\\n")
found = set()
for sock in socks:
    with sock:
        found.add(sock.makefile("rb").readline().split()[1].decode())
print(found)
"""


@pytest.fixture
def flood():
    """Start processes that take connections of a door as fast as they can; they are killed at the end."""
    started = []

    def start(box, processes):
        words = [sys.executable, "-c", FLOOD, str(box.folder)]
        started.extend(subprocess.Popen(words) for _ in range(processes))

    yield start
    for process in started:
        stop(process)


@pytest.fixture
def broker_of(outside, tmp_path):
    """Start a broker of its own."""
    started = []

    def start(**changes):
        process = outside.start(tmp_path / "root", **changes)
        started.append(process)
        await_broker(DoorFolder(tmp_path / "root"))
        return process

    yield start
    for process in started:
        stop(process)


def log_of(root):
    return (root.parent / "root.broker.log").read_text()


def open_paths(process):
    found = []
    for entry in Path(f"/proc/{process.pid}/fd").iterdir():
        with suppress(FileNotFoundError):
            found.append(str(entry.readlink()))
    return found


def open_files(process):
    return len(open_paths(process))


def test_one_sandbox_cannot_take_the_broker_from_the_others(tmp_path, broker_of, opened, flood):
    root = tmp_path / "root"
    broker = broker_of(files=1024)
    hostile, other = opened(root), opened(root)
    flood(hostile, 8)
    for _ in range(20):
        assert status(other.say(FILES)) == 200
        assert broker.poll() is None
        assert open_files(broker) < 300
    late = opened(root)  # doors go on opening
    assert status(late.say(FILES)) == 200
    assert log_of(root).count("\n") < 20


def test_many_flooded_doors_leave_room_for_the_next(tmp_path, broker_of, opened, flood):
    root = tmp_path / "root"
    broker = broker_of(files=256)
    other = opened(root)
    for hostile in [opened(root) for _ in range(6)]:
        flood(hostile, 1)
    for _ in range(10):
        assert status(other.say(FILES)) == 200
        assert open_files(broker) < 200
    assert broker.poll() is None
    assert "not_accepting" not in log_of(root)


def test_programs_inside_stand_in_line_when_the_door_is_full(tmp_path, broker_of, opened):
    broker_of(limits={"connections": 4, "wait_seconds": HUNG})
    box = opened(tmp_path / "root")
    assert box.run(f"/usr/bin/python3 -c '{MANY}'").stdout == "{'200'}\n"
    assert len(box.attempts()) == 100


def test_a_door_that_cannot_be_opened_costs_nothing_and_opens_when_it_can(tmp_path, broker_of, opened, outside):
    root = tmp_path / "root"
    broker = broker_of()
    good = opened(root)
    stuck = good.door.model_copy(update={"id": "stuck"})
    in_the_way = root / "sockets" / "stuck"
    in_the_way.write_text("a file where the folder should be")
    before = open_files(broker)
    (root / "doors" / "stuck.json").write_text(stuck.model_dump_json())
    soon(lambda: "door=stuck" in log_of(root), "a report of the door")
    for number in range(20):  # each waits for a look at the doors
        good.doors.open(good.door.model_copy(update={"upload_limit": number}))
    soon(lambda: open_files(broker) <= before, "nothing more to be open")
    assert log_of(root).count("door=stuck") == 1
    in_the_way.unlink()
    soon((in_the_way / "egress.sock").exists, "the door to open")


def test_a_broker_that_cannot_look_at_the_doors_goes_on_with_those_that_are_open(tmp_path, broker_of, opened):
    root = tmp_path / "root"
    broker = broker_of()
    box = opened(root)
    (root / "doors").rename(root / "aside")
    (root / "doors").write_text("a file where the folder should be")
    soon(lambda: "doors_not_seen" in log_of(root), "a report")
    assert status(box.say(FILES)) == 200
    assert broker.poll() is None
    (root / "doors").unlink()
    (root / "aside").rename(root / "doors")
    assert status(opened(root).say(FILES)) == 200
    assert log_of(root).count("doors_not_seen") == 1


def test_a_log_that_takes_long_to_read_holds_up_no_open_door(tmp_path, broker_of, opened):
    root = tmp_path / "root"
    broker = broker_of()
    box = opened(root)
    os.mkfifo(root / "log" / "slow.jsonl")  # read without end
    (root / "doors" / "slow.json").write_text(box.door.model_copy(update={"id": "slow"}).model_dump_json())
    soon(lambda: "slow.jsonl" in " ".join(open_paths(broker)), "the log to be read")
    assert status(box.say(FILES)) == 200


def test_clients_that_take_no_answer_hold_no_descriptor(tmp_path, broker_of, opened):
    broker = broker_of(limits={"idle_seconds": 0.5, "connections": 8})
    box = opened(tmp_path / "root")
    soon(lambda: open_files(broker) < 12, "the door to be asked no more")
    before = open_files(broker)
    held = [box.connect() for _ in range(8)]
    for sock in held:
        sock.sendall(b"GET http://files.test/big HTTP/1.1\r\nhost: files.test\r\n\r\n")
    soon(lambda: len(box.attempts()) == 8, "all to be cut")
    soon(lambda: open_files(broker) <= before, "their descriptors to be free")
    for sock in held:
        sock.close()


def test_stopping_is_quiet(tmp_path, broker_of, opened):
    root = tmp_path / "root"
    broker = broker_of()
    box = opened(root)
    with box.connect() as begun, box.connect() as silent:
        begun.sendall(b"GET http://files.test/stay HTTP/1.1\r\nhost: files.test\r\n\r\n")
        while b"begun" not in begun.recv(4096):
            continue
        silent.sendall(b"GET http://files.test/silent HTTP/1.1\r\n")
        broker.terminate()
        assert broker.wait(HUNG) == 0
    assert not (box.folder / "egress.sock").exists()
    assert [line for line in log_of(root).splitlines() if " egress." not in line] == []
    box.attempt(path="/stay", allowed=True)
