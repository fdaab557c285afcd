"""The container broker before the real engine: honest work, hostile requests, and being killed in the middle."""

import json
import os
import socket
import subprocess
import threading
import time
from pathlib import Path

import docker
import pytest
from docker.types import LogConfig, Ulimit

from adapters.sandbox.broker.serving import strict_profile
from tests.adapters.sandbox.brokerage import (
    ENGINE,
    IMAGE,
    Brokerage,
    brokerage,
    engine_answers,
    sandbox_body,
    worker_body,
)

pytestmark = [
    pytest.mark.docker,
    pytest.mark.skipif(not engine_answers(), reason="no Docker engine with a base image answers, or not root"),
]


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory):
    with brokerage(tmp_path_factory.mktemp("broker")) as started:
        yield started


@pytest.fixture(scope="module")
def engine():
    client = docker.DockerClient(base_url=f"unix://{ENGINE}")
    yield client
    client.close()


@pytest.fixture
def client(broker: Brokerage):
    speaking = broker.client()
    yield speaking
    speaking.close()


@pytest.fixture
def box(broker: Brokerage, request: pytest.FixtureRequest):
    name = f"box-{abs(hash(request.node.name)) % 10**8}"
    broker.disk(name)
    yield name
    assert broker.call("DELETE", f"/factory/disks/{name}")[0] == 204


def made(broker: Brokerage, name: str, *command: str, **fields) -> str:
    status, told = broker.call("POST", "/v1.41/containers/create", sandbox_body(broker, name, *command) | fields)
    assert status == 201, told
    return told["Id"]


def started(broker: Brokerage, name: str, *command: str, **fields) -> str:
    identity = made(broker, name, *command, **fields)
    status, told = broker.call("POST", f"/containers/{identity}/start")
    assert status == 204, told
    return identity


def ended(broker: Brokerage, identity: str) -> int:
    status, told = broker.call("POST", f"/containers/{identity}/wait")
    assert status == 200, told
    return told["StatusCode"]


def attached(client: docker.DockerClient, identity: str) -> socket.socket:
    params = {"stdin": 1, "stdout": 1, "stderr": 1, "stream": 1}
    held = client.api.attach_socket(identity, params=params)
    plain = getattr(held, "_sock", held)
    plain.settimeout(60)
    return plain


def drained(connection: socket.socket) -> bytes:
    received = bytearray()
    while piece := connection.recv(1 << 20):
        received += piece
    return bytes(received)


OPEN = {"OpenStdin": True, "StdinOnce": True, "AttachStdin": True, "AttachStdout": True, "AttachStderr": True}


class TestHonestWork:
    def test_docker_py_runs_a_command_with_the_verified_flags(self, broker, client, box) -> None:
        assert client.ping()
        assert client.images.get(IMAGE).id
        container = client.containers.create(
            IMAGE, ["sh", "-c", "id -u; touch /etc/x /sandbox/work/y; grep CapBnd /proc/self/status"],
            name=f"factory-{box}", user="10001:10001", working_dir="/sandbox/work", environment={"HOME": "/sandbox/home"},
            labels={"factory.home": broker.home, "factory.role": "sandbox", "factory.sandbox": box},
            volumes=[], read_only=True, cap_drop=["ALL"], pids_limit=64, mem_limit="128m", memswap_limit="128m",
            security_opt=["no-new-privileges", "seccomp=" + json.dumps(strict_profile())], nano_cpus=10**9,
            network_mode="none", ipc_mode="private", init=True, cgroupns="private", log_config=LogConfig(type="none"),
            dns=["127.0.0.1"], ulimits=[Ulimit(name="core", soft=0, hard=0), Ulimit(name="fsize", soft=1 << 20, hard=1 << 20)],
            tmpfs={"/tmp": "rw,nosuid,nodev,size=8m,nr_inodes=1k,mode=1777"}, stdin_open=False,
        )  # fmt: skip
        stream = attached(client, container.id)
        container.start()
        said = drained(stream)
        stream.close()
        assert b"10001\n" in said
        assert b"CapBnd:\t0000000000000000" in said
        assert b"/etc/x" in said
        assert container.wait()["StatusCode"] == 0
        assert container.id in [found.id for found in client.containers.list(all=True)]
        container.remove(v=True, force=True)
        with pytest.raises(docker.errors.NotFound):
            container.reload()

    def test_stdin_streams_and_exit_code_come_through(self, broker, client, box) -> None:
        identity = made(broker, box, "sh", "-c", "cat; echo problem >&2; exit 7", **OPEN)
        stream = attached(client, identity)
        client.api.start(identity)
        sent = os.urandom(3 << 20)
        writing = threading.Thread(target=lambda: (stream.sendall(sent), stream.shutdown(socket.SHUT_WR)))
        writing.start()
        received = drained(stream)
        writing.join(60)
        stream.close()
        streams: dict[int, bytes] = {1: b"", 2: b""}
        position = 0
        while position < len(received):
            length = int.from_bytes(received[position + 4 : position + 8])
            streams[received[position]] += received[position + 8 : position + 8 + length]
            position += 8 + length
        assert streams[1] == sent
        assert streams[2] == b"problem\n"
        assert ended(broker, identity) == 7

    def test_a_terminal_may_be_resized(self, broker, client, box) -> None:
        identity = made(broker, box, "sh", "-c", "read line; stty size", **OPEN, Tty=True)
        stream = attached(client, identity)
        client.api.start(identity)
        client.api.resize(identity, 33, 99)
        stream.sendall(b"go\n")
        assert b"33 99" in drained(stream)
        stream.close()

    def test_a_flood_is_carried_and_killed_while_others_are_served(self, broker, client, box) -> None:
        identity = made(broker, box, "yes", **OPEN)
        stream = attached(client, identity)
        client.api.start(identity)
        assert len(stream.recv(1 << 20)) > 0
        begun = time.monotonic()
        assert broker.call("GET", "/_ping")[0] == 200  # while nobody reads the flood
        draining = threading.Thread(target=drained, args=(stream,))
        draining.start()
        assert broker.call("POST", f"/containers/{identity}/kill?signal=SIGKILL")[0] == 204
        assert ended(broker, identity) == 137
        draining.join(30)
        assert not draining.is_alive()
        assert time.monotonic() - begun < 30
        stream.close()

    def test_clients_that_vanish_while_waiting_hold_nothing(self, broker, box) -> None:
        identity = started(broker, box, "sleep", "300")
        waiting = [socket.socket(socket.AF_UNIX) for _ in range(40)]
        for one in waiting:
            one.connect(str(broker.socket()))
            one.sendall(f"POST /containers/{identity}/wait HTTP/1.1\r\nHost: x\r\n\r\n".encode())
            assert one.recv(12) == b"HTTP/1.1 200"
        assert connections(broker) > 80  # each has one with the engine too
        for one in waiting:
            one.close()
        settle(lambda: connections(broker) < 40)

    def test_an_environment_is_written_once_within_bounds_and_read_afterwards(self, broker, box) -> None:
        disk = {"bytes": 32 << 20, "files": 500}
        place, image = broker.top / "sandboxes" / box / "environment", broker.top / "environments" / "env1.img"
        binds = [f"{place.with_name('disk')}:/sandbox", f"{place}:/run/factory/environment"]

        def ran(script: str, *more: str) -> int:
            body = sandbox_body(broker, box, "sh", "-c", script, Binds=[*binds, *more])
            status, made_one = broker.call("POST", "/containers/create", body)
            assert status == 201, made_one
            assert broker.call("POST", f"/containers/{made_one['Id']}/start")[0] == 204
            return ended(broker, made_one["Id"])

        told = {**disk, "environment": "env1", "new_environment": True}
        assert broker.call("POST", f"/factory/disks/{box}", json.dumps(told).encode())[0] == 201
        deep = "cd /run/factory/environment; i=0; while [ $i -lt 400 ]; do mkdir d && cd d || exit 0; i=$((i+1)); done"
        assert ran("echo x > /run/factory/environment/tool; ln -s / /run/factory/environment/root") == 0
        assert ran("dd if=/dev/zero of=/run/factory/environment/big bs=1M count=64 2>/dev/null") != 0
        assert ran(f"{deep}; true") == 0
        assert broker.call("DELETE", f"/factory/disks/{box}")[0] == 204
        assert image.stat().st_blocks * 512 <= 33 << 20
        assert (
            broker.call("POST", f"/factory/disks/{box}", json.dumps({**disk, "environment": "env1"}).encode())[0] == 201
        )
        assert ran("grep -q x /run/factory/environment/tool") == 0
        assert ran("touch /run/factory/environment/tool") != 0
        assert broker.call("DELETE", f"/factory/disks/{box}")[0] == 204
        assert not place.exists()

    @pytest.mark.parametrize("name", ["none", "../env1", "/etc", "", 7])
    def test_an_environment_that_is_not_there_is_refused_and_leaves_nothing(self, broker, box, name) -> None:
        told = {"bytes": 32 << 20, "files": 500, "environment": name}
        assert broker.call("POST", f"/factory/disks/{box}", json.dumps(told).encode())[0] in (400, 403, 503)
        assert not (broker.top / "sandboxes" / box / "environment").exists()

    def test_usage_tells_what_was_spent_and_that_memory_ran_out(self, broker, box) -> None:
        balloon = "perl -e '$_=\"x\" x 400e6' || sleep 60"
        identity = started(broker, box, "sh", "-c", balloon)
        settle(lambda: broker.call("GET", f"/factory/containers/{identity}/usage")[1]["out_of_memory"])
        usage = broker.call("GET", f"/factory/containers/{identity}/usage")[1]
        assert usage["cpu_seconds"] > 0
        assert 0 < usage["memory_bytes"] <= 256 << 20
        broker.call("POST", f"/containers/{identity}/kill")
        ended(broker, identity)
        usage = broker.call("GET", f"/factory/containers/{identity}/usage")[1]
        assert usage == {"cpu_seconds": None, "memory_bytes": None, "out_of_memory": True}


LISTENER = r"""
use Socket qw(:all); my ($v6, $to) = @ARGV;
socket(my $l, $v6 ? AF_INET6 : AF_INET, SOCK_STREAM, 0) or die "socket $!";
bind($l, $v6 ? pack_sockaddr_in6(3129, inet_pton(AF_INET6, "::")) : pack_sockaddr_in(3129, INADDR_ANY)) or die "bind $!";
listen($l, 5) or die; $| = 1; print "ready\n"; my $go = <STDIN>;
if (!fork) { socket(my $c, $v6 ? AF_INET6 : AF_INET, SOCK_STREAM, 0); alarm 10;
  connect($c, $v6 ? pack_sockaddr_in6(80, inet_pton(AF_INET6, $to)) : pack_sockaddr_in(80, inet_aton($to))) or print "connect $!\n"; exit }
alarm 10; accept(my $c, $l) or die; print "caught\n";
"""


@pytest.mark.parametrize(("v6", "address"), [("", "169.254.169.254"), ("", "93.184.216.34"), ("1", "2001:db8::1")])
def test_a_bare_address_ends_at_the_relays_port_inside(broker, client, box, v6: str, address: str) -> None:
    identity = made(broker, box, "perl", "-e", LISTENER, v6, address, **OPEN)
    stream = attached(client, identity)
    client.api.start(identity)
    for _ in range(2):  # repeating it is harmless
        assert broker.call("POST", f"/factory/containers/{identity}/catch") == (200, {"caught": "addresses"})
    stream.sendall(b"go\n")
    said = drained(stream)
    stream.close()
    assert b"caught" in said, said


class TestDisks:
    def test_a_disk_is_made_listed_replaced_and_removed(self, broker) -> None:
        disk = broker.disk("d1")
        (disk / "work" / "left").touch()
        assert "d1" in broker.call("GET", "/factory/disks")[1]
        assert not (broker.disk("d1") / "work" / "left").exists()
        for _ in range(2):
            assert broker.call("DELETE", "/factory/disks/d1")[0] == 204
        assert "d1" not in broker.call("GET", "/factory/disks")[1]
        assert not (broker.top / "sandboxes" / "d1").exists()

    def test_removing_a_disk_ends_what_ran_on_it(self, broker, engine) -> None:
        broker.disk("d2")
        identity = started(broker, "d2", "sleep", "300")
        assert broker.call("DELETE", "/factory/disks/d2")[0] == 204
        with pytest.raises(docker.errors.NotFound):
            engine.containers.get(identity)

    def test_commands_cannot_fill_more_than_the_disk(self, broker, client) -> None:
        broker.disk("d3", size=16 << 20, files=200)
        script = "dd if=/dev/zero of=/sandbox/work/f bs=1M count=50; rm /sandbox/work/f; i=0; while touch /sandbox/work/$i; do i=$((i+1)); done"
        identity = made(broker, "d3", "sh", "-c", script, **OPEN)
        stream = attached(client, identity)
        client.api.start(identity)
        said = drained(stream)
        stream.close()
        assert said.count(b"No space left on device") == 2
        assert broker.call("DELETE", "/factory/disks/d3")[0] == 204

    @pytest.mark.parametrize(
        "order",
        [
            {},
            {"bytes": 1},
            {"bytes": -1, "files": 1},
            {"bytes": True, "files": 1},
            {"bytes": 1e9, "files": 1},
            [],
            b"{",
        ],
    )
    def test_a_wrong_order_is_refused(self, broker, order) -> None:
        assert broker.call("POST", "/factory/disks/wrong", order)[0] == 400

    @pytest.mark.parametrize(
        ("image", "status"),
        [
            ("sha256:" + "0" * 64, 404), ("sha256:" + "0" * 63, 403), ("sha256:../../x", 403), (IMAGE, 403), ("", 403), (7, 403),
            (["sha256:" + "0" * 64], 403), ({}, 403), ("sha256:" + "A" * 64, 403),
        ],
    )  # fmt: skip
    def test_a_sandbox_of_no_image_or_a_foreign_one_is_refused(self, broker, image, status) -> None:
        told = {"bytes": 1 << 24, "files": 100, "image": image}
        assert broker.call("POST", "/factory/disks/wrong", told)[0] == status
        assert "wrong" not in broker.call("GET", "/factory/disks")[1]

    def test_too_large_a_disk_is_refused(self, broker) -> None:
        assert broker.call("POST", "/factory/disks/wrong", {"bytes": 1 << 60, "files": 1})[0] == 403
        assert broker.call("POST", "/factory/disks/wrong", {"bytes": 1 << 20, "files": 1 << 40})[0] == 403

    def test_a_file_is_lent_and_collected(self, broker, box) -> None:
        content = os.urandom(5 << 20)
        assert broker.call("PUT", f"/factory/disks/{box}/out/in.patch", content)[0] == 201
        assert broker.call("PUT", f"/factory/disks/{box}/out/in.patch", content)[0] == 201
        assert broker.call("GET", f"/factory/disks/{box}/out/in.patch") == (200, content)
        assert broker.call("GET", f"/factory/disks/{box}/out/in.patch?limit={len(content)}")[0] == 200
        assert broker.call("GET", f"/factory/disks/{box}/out/in.patch?limit={len(content) - 1}")[0] == 413

    def test_no_link_pipe_or_second_name_is_collected(self, broker, box) -> None:
        script = """cd /sandbox/out; ln -s /etc/shadow link; mkfifo pipe; echo x >one; ln one two; mkdir folder; ln -s folder inner
            truncate -s 1T sparse; echo fine >plain; ln -s /etc/hostname over"""
        ended(broker, started(broker, box, "sh", "-c", script))
        for name in ("link", "pipe", "one", "two", "folder", "inner", "missing"):
            assert broker.call("GET", f"/factory/disks/{box}/out/{name}?limit=1000")[0] == 404, name
        assert broker.call("GET", f"/factory/disks/{box}/out/sparse?limit=1000")[0] in (404, 413)
        assert broker.call("GET", f"/factory/disks/{box}/out/plain") == (200, b"fine\n")
        for name in (".", "..", "%2e%2e", "a/b", "..%2fx", ""):
            assert broker.call("GET", f"/factory/disks/{box}/out/{name}")[0] == 403, name
        before = Path("/etc/hostname").read_bytes()
        assert broker.call("PUT", f"/factory/disks/{box}/out/over", b"mine")[0] == 201
        assert broker.call("PUT", f"/factory/disks/{box}/out/folder", b"mine")[0] == 409
        assert Path("/etc/hostname").read_bytes() == before
        assert broker.call("GET", f"/factory/disks/{box}/out/over") == (200, b"mine")

    def test_commands_cannot_exchange_the_out_folder_for_a_link(self, broker, box) -> None:
        identity = started(broker, box, "sh", "-c", "mv /sandbox/out /sandbox/x || rmdir /sandbox/out")
        assert ended(broker, identity) != 0

    def test_lending_to_a_full_or_missing_disk_says_so(self, broker) -> None:
        broker.disk("tiny", size=16 << 20)
        assert broker.call("PUT", "/factory/disks/tiny/out/big", b"x" * (30 << 20))[0] == 507
        assert broker.call("DELETE", "/factory/disks/tiny")[0] == 204
        assert broker.call("PUT", "/factory/disks/tiny/out/big", b"x")[0] == 404
        assert broker.call("GET", "/factory/disks/tiny/out/big")[0] == 404


class TestWhoseContainer:
    def test_somebody_elses_container_does_not_exist(self, broker, engine) -> None:
        foreign = engine.containers.create(
            IMAGE, ["sleep", "300"], labels={"factory.home": "other", "factory.role": "sandbox"}
        )
        try:
            for reference in (foreign.id, foreign.id[:12], foreign.name):
                for role in ("sandbox", "launcher"):
                    for method, path in OPERATIONS:
                        status, _ = broker.call(method, path.format(reference), role=role)
                        assert status in (403, 404), (method, path, role)
            assert foreign.id not in str(broker.call("GET", "/containers/json?all=1"))
            foreign.reload()
            assert foreign.status == "created"
        finally:
            foreign.remove(force=True)

    def test_each_role_has_its_own(self, broker, box) -> None:
        sandbox = made(broker, box, "sleep", "300")
        status, worker = broker.call("POST", "/containers/create", worker_body(broker), role="launcher")
        assert status == 201, worker
        for identity, role, other in ((sandbox, "sandbox", "launcher"), (worker["Id"], "launcher", "sandbox")):
            assert broker.call("GET", f"/containers/{identity}/json", role=role)[0] == 200
            for method, path in OPERATIONS:
                assert broker.call(method, path.format(identity), role=other)[0] in (403, 404), (path, other)
        assert worker["Id"] not in str(broker.call("GET", "/containers/json?all=1"))
        assert broker.call("POST", "/containers/create", worker_body(broker))[0] == 403
        assert broker.call("POST", "/containers/create", sandbox_body(broker, box), role="launcher")[0] == 403

    def test_a_name_that_others_use_cannot_be_taken(self, broker, box) -> None:
        assert broker.call("POST", "/containers/create?name=postgres", sandbox_body(broker, box))[0] == 403


OPERATIONS = [
    ("GET", "/containers/{}/json"), ("POST", "/containers/{}/start"), ("POST", "/containers/{}/kill"), ("POST", "/containers/{}/stop"),
    ("POST", "/containers/{}/wait"), ("DELETE", "/containers/{}?force=1"), ("POST", "/containers/{}/resize?h=1&w=1"),
    ("POST", "/containers/{}/exec"), ("GET", "/containers/{}/archive?path=/etc"), ("GET", "/containers/{}/logs?stdout=1"),
    ("POST", "/factory/containers/{}/catch"), ("GET", "/factory/containers/{}/usage"),
]  # fmt: skip


class TestSources:
    @pytest.fixture
    def bound(self, broker, box):
        """Ask for a sandbox with one more bind; return the status and the words."""

        def ask(bind: str):
            disk = f"{broker.top}/sandboxes/{box}/disk:/sandbox"
            status, told = broker.call("POST", "/containers/create", sandbox_body(broker, box, Binds=[disk, bind]))
            return status, told.get("message", told.get("Id"))

        return ask

    def test_a_mirror_may_be_read(self, broker, bound) -> None:
        (broker.top / "mirrors" / "m.git").mkdir(exist_ok=True)
        assert bound(f"{broker.top}/mirrors/m.git:/mirror.git:ro")[0] == 201

    def test_a_link_a_missing_one_and_a_socket_may_not(self, broker, bound) -> None:
        mirrors = broker.top / "mirrors"
        (mirrors / "link").symlink_to("/etc")
        (mirrors / "deep").mkdir()
        with socket.socket(socket.AF_UNIX) as listening:
            listening.bind(str(mirrors / "sock"))
        assert "through a link" in bound(f"{mirrors}/link:/x:ro")[1]
        assert "through a link" in bound(f"{mirrors}/link/ssl:/x:ro")[1]
        assert "does not exist" in bound(f"{mirrors}/missing:/x:ro")[1]
        assert "neither" in bound(f"{mirrors}/sock:/x:ro")[1]
        assert bound(f"{mirrors}/deep/../../..:/x:ro")[0] == 403

    def test_a_folder_that_is_no_disk_may_not_be_written(self, broker, box) -> None:
        (broker.top / "sandboxes" / "plain" / "disk").mkdir(parents=True)
        status, told = broker.call("POST", "/containers/create", sandbox_body(broker, "plain"))
        assert status == 403
        assert "not a disk of limited size" in told["message"]
        assert broker.call("POST", "/containers/create", sandbox_body(broker, "none"))[0] == 403

    def test_a_source_that_changed_after_creation_is_refused_at_the_start(self, broker, bound) -> None:
        source = broker.top / "mirrors" / "swapped"
        source.mkdir()
        status, identity = bound(f"{source}:/x:ro")
        assert status == 201
        source.rmdir()
        source.symlink_to("/etc")
        status, told = broker.call("POST", f"/containers/{identity}/start")
        assert status == 403
        assert "through a link" in told["message"]


class TestTheWire:
    @pytest.mark.parametrize(
        "head",
        [
            "POST /containers/create HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nContent-Length: 2\r\n",
            "POST /containers/create HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\ncontent-length: 40\r\n",
            "POST /containers/create HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n",
            "POST /containers/create HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n",
            "POST /containers/create HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: identity, chunked\r\n",
            "POST /containers/create HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n",
            "POST /containers/create HTTP/1.1\r\nHost: x\r\nContent-Length: 2, 2\r\n",
            "POST /containers/create HTTP/1.1\r\nHost: x\r\nContent-Length : 2\r\n",
            "POST /containers/create HTTP/1.1\r\nHost: x\r\nX: a\r\n Content-Length: 2\r\n",
            "POST /containers/create HTTP/1.1\r\nHost: x\r\nX: a\nContent-Length: 2\r\n",
            "POST /containers/create HTTP/1.1\r\nHost: x\r\nX: a\rContent-Length: 2\r\n",
            "POST /containers/create HTTP/1.1\r\nContent-Length: 2\r\n",
            "POST  /containers/create HTTP/1.1\r\nHost: x\r\n",
            "POST /containers/create HTTP/2.0\r\nHost: x\r\n",
            "POST /containers/create\r\n",
            "\x16\x03\x01\r\n",
            "GET /_ping HTTP/1.1\r\nHost: x\r\nX: " + "a" * 40_000 + "\r\n",
        ],
        ids=range(17),
    )
    def test_an_ambiguous_head_is_refused(self, broker, head: str) -> None:
        answer = broker.raw(head.encode("latin-1") + b"\r\n{}")
        assert answer.split(b" ", 2)[1] in (b"400", b"411", b"431"), answer

    def test_a_second_request_on_a_connection_is_not_read(self, broker) -> None:
        one = b"GET /_ping HTTP/1.1\r\nHost: x\r\n\r\n"
        assert broker.raw(one + one).count(b"HTTP/1.1 200") == 1

    def test_a_huge_body_is_refused_before_it_comes(self, broker) -> None:
        head = b"POST /containers/create HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999\r\n\r\n"
        assert broker.raw(head).startswith(b"HTTP/1.1 413")

    @pytest.mark.parametrize(
        "body", [b'{"HostConfig": {}, "HostConfig": {}}', b"[]", b"\xff", b'{"a": NaN}', b"[" * 9999]
    )
    def test_a_document_with_two_meanings_is_refused(self, broker, body: bytes) -> None:
        assert broker.call("POST", "/containers/create", body)[0] == 400

    def test_a_body_where_none_belongs_is_refused(self, broker, box) -> None:
        identity = made(broker, box)
        assert broker.call("POST", f"/containers/{identity}/start", {"Binds": ["/:/x"]})[0] == 400

    def test_attaching_without_an_upgrade_is_refused(self, broker, box) -> None:
        assert broker.call("POST", f"/containers/{made(broker, box)}/attach?stream=1")[0] == 400

    def test_a_refusal_is_logged_with_its_reasons_and_without_the_body(self, broker, box) -> None:
        body = sandbox_body(broker, box, "canary-word") | {"User": "root"}
        assert broker.call("POST", "/containers/create", body)[0] == 403
        assert "'User'" in broker.log()
        assert "canary-word" not in broker.log()

    def test_the_sockets_are_for_their_groups_only(self, broker) -> None:
        assert broker.socket().stat().st_mode & 0o777 == 0o660
        assert broker.socket("launcher").stat().st_mode & 0o777 == 0o660
        assert broker.socket().parent.stat().st_mode & 0o777 == 0o711


class TestDocker20sOwnClient:
    """What `docker` itself would try."""

    @pytest.mark.parametrize(
        "words",
        [
            ["info"], ["events", "--until", "1s"], ["volume", "create", "x"], ["network", "create", "x"], ["swarm", "init"],
            ["plugin", "ls"], ["pull", "debian"], ["system", "df"], ["run", "--rm", IMAGE, "true"],
            ["run", "-d", "-v", "/:/host", IMAGE, "true"], ["run", "-d", "--privileged", IMAGE, "true"],
        ],
        ids=lambda words: " ".join(words[:3]),
    )  # fmt: skip
    def test_is_refused(self, broker, words: list[str], tmp_path: Path) -> None:
        environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "DOCKER_HOST": f"unix://{broker.socket()}"}
        done = subprocess.run(
            ["docker", *words], env=environment, capture_output=True, text=True, check=False, timeout=60
        )
        assert "container broker: " in done.stderr + done.stdout


def connections(broker: Brokerage) -> int:
    return len(list(Path(f"/proc/{broker.process.pid}/fd").iterdir()))


def settle(condition, seconds: float = 30.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)
