"""The container broker when it or the engine dies, when a second one comes, and what it clears away by itself."""

import asyncio
import http.client
import json
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from socketserver import UnixStreamServer

import docker
import pytest

from adapters.sandbox.broker.config import BrokerConfig, Roots
from adapters.sandbox.broker.containers import Containers
from adapters.sandbox.broker.engine import Engine
from adapters.sandbox.broker.reaper import Reaper, unframed
from adapters.sandbox.broker.serving import serve
from domain.errors import SandboxFailed
from tests.adapters.sandbox.brokerage import ENGINE, IMAGE, Brokerage, brokerage, engine_answers, sandbox_body
from tests.adapters.sandbox.test_container_broker import ended, settle, started

real = [
    pytest.mark.docker,
    pytest.mark.skipif(not engine_answers(), reason="no Docker engine with a base image answers, or not root"),
]


def marked(test):
    for mark in real:
        test = mark(test)
    return test


@contextmanager
def engine_at(path: Path, answer: bytes) -> Iterator[None]:
    """Something that says the same to everybody."""

    class Saying(BaseHTTPRequestHandler):
        def handle(self) -> None:
            self.rfile.readline()
            self.wfile.write(answer)

    with UnixStreamServer(str(path), Saying) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        try:
            yield
        finally:
            server.shutdown()
    path.unlink()


class TestWithoutAnEngine:
    def test_it_says_so_and_goes_on_when_the_engine_is_back(self, tmp_path: Path) -> None:
        socket = tmp_path / "docker.sock"
        with brokerage(tmp_path / "b", engine=socket) as broker:
            status, told = broker.call("GET", "/_ping")
            assert status == 503
            assert "cannot be reached" in told["message"]
            assert broker.call("POST", "/factory/disks/d", {"bytes": 1 << 24, "files": 100})[0] == 503
            with engine_at(socket, b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Type: text/plain\r\n\r\nOK"):
                assert broker.call("GET", "/_ping") == (200, b"OK")
            assert broker.call("GET", "/_ping")[0] == 503
            assert broker.process.poll() is None

    @pytest.mark.parametrize(
        "answer",
        [b"", b"HTTP/1.1", b"nonsense\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n", b"\x00" * 100_000],
    )
    def test_an_engine_that_speaks_nonsense_is_away(self, tmp_path: Path, answer: bytes) -> None:
        with brokerage(tmp_path / "b", engine=tmp_path / "docker.sock") as broker:
            with engine_at(tmp_path / "docker.sock", answer):
                assert broker.call("GET", "/_ping")[0] == 503
                assert broker.call("GET", "/containers/a/json")[0] == 503
            assert broker.process.poll() is None

    def test_an_answer_that_breaks_off_is_not_taken_whole(self, tmp_path: Path) -> None:
        with brokerage(tmp_path / "b", engine=tmp_path / "docker.sock") as broker:
            with engine_at(tmp_path / "docker.sock", b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf"):
                answer = broker.raw(b"GET /version HTTP/1.1\r\nHost: x\r\n\r\n")
            assert b"content-length: 100" in answer
            assert answer.endswith(b"half")

    def test_an_inspection_that_lies_about_its_shape_ends_nothing(self, tmp_path: Path) -> None:
        with brokerage(tmp_path / "b", engine=tmp_path / "docker.sock") as broker:
            with engine_at(tmp_path / "docker.sock", b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]"):
                assert broker.call("GET", "/containers/a/json")[0] == 500
            assert broker.process.poll() is None

    def test_a_second_broker_is_refused(self, tmp_path: Path) -> None:
        with brokerage(tmp_path / "b", engine=tmp_path / "docker.sock") as broker:
            roots = Roots(*(broker.top / name for name in ("sandboxes", "environments", "doors")))
            config = BrokerConfig("x", broker.top / "sockets", roots, frozenset, broker.top / "logs")
            with pytest.raises(SandboxFailed, match="another container broker"):
                asyncio.run(serve(config))
            assert broker.call("GET", "/factory/disks")[0] == 200

    def test_a_long_path_is_no_obstacle(self, tmp_path: Path) -> None:
        top = tmp_path / ("long" * 20) / ("longer" * 20)
        with brokerage(top, engine=tmp_path / "docker.sock") as broker:
            assert len(str(broker.socket())) > 200
            assert broker.call("GET", "/factory/disks") == (200, [])


@marked
def test_a_killed_broker_goes_on_with_containers_made_before(tmp_path: Path) -> None:
    with brokerage(tmp_path) as broker:
        broker.disk("box")
        identity = started(broker, "box", "sh", "-c", "trap 'exit 5' TERM; while :; do sleep 0.1; done")
        broker.kill()
        broker.start()
        assert broker.call("GET", f"/containers/{identity}/json")[1]["State"]["Running"]
        assert broker.call("POST", f"/containers/{identity}/kill?signal=TERM")[0] == 204
        assert ended(broker, identity) == 5
        assert broker.call("DELETE", "/factory/disks/box")[0] == 204
        assert broker.call("GET", "/containers/json?all=1") == (200, [])


@marked
def test_a_broker_killed_in_any_moment_of_making_a_disk_leaves_one_that_can_be_removed(tmp_path: Path) -> None:
    with brokerage(tmp_path) as broker:
        for delay in (0.0, 0.005, 0.01, 0.02, 0.03, 0.05):
            asking = threading.Thread(target=_quietly, args=(broker,))
            asking.start()
            asking.join(delay)
            broker.kill()
            asking.join(30)
            broker.start()
            assert broker.call("DELETE", "/factory/disks/box")[0] == 204
            assert not (broker.top / "sandboxes" / "box").exists()
        assert (
            str(broker.top) not in subprocess.run(["losetup", "-a"], capture_output=True, text=True, check=True).stdout
        )


def _quietly(broker: Brokerage) -> None:
    with suppress(OSError, http.client.HTTPException):
        broker.call("POST", "/factory/disks/box", {"bytes": 64 << 20, "files": 5000})


@marked
def test_an_exited_run_worker_leaves_its_last_words_and_is_removed(tmp_path: Path) -> None:
    engine = docker.DockerClient(base_url=f"unix://{ENGINE}")
    with brokerage(tmp_path, grace=1.0) as broker:
        labels = {"factory.home": broker.home, "factory.role": "worker", "dagster/run_id": "run-1"}
        words = ["sh", "-c", "echo out; echo err >&2; exit 3"]
        worker = engine.containers.run(IMAGE, words, labels=labels, detach=True, network_mode="none")
        other = engine.containers.run(
            IMAGE, words, labels=labels | {"factory.home": "x"}, detach=True, network_mode="none"
        )
        odd = engine.containers.run(
            IMAGE, words, labels=labels | {"dagster/run_id": "../../evil"}, detach=True, network_mode="none"
        )
        ours = {"label": f"factory.home={broker.home}"}
        settle(lambda: not engine.api.containers(all=True, filters=ours))
        assert sorted((tmp_path / "logs" / "run-1.log").read_text().split()) == ["err", "out"]
        assert (tmp_path / "logs" / f"{odd.id}.log").exists()
        other.reload()
        assert worker.id != other.id
        other.remove(force=True)
    engine.close()


@marked
@pytest.mark.parametrize("runs", [True, False])
def test_a_sandbox_is_cleared_away_only_after_its_deadline_whatever_it_does(tmp_path: Path, runs: bool) -> None:
    with brokerage(tmp_path) as broker:
        broker.disk("box")
        body = sandbox_body(broker, "box", "sleep", "300")
        body["Labels"]["factory.deadline"] = "5000000000"
        identity = broker.call("POST", "/containers/create", body)[1]["Id"]
        if runs:
            broker.call("POST", f"/containers/{identity}/start")
        assert (sweep(broker, 5000000059), there(broker, identity)) == (None, True)
        assert (sweep(broker, 5000000061), there(broker, identity)) == (None, False)


def sweep(broker: Brokerage, now: float) -> None:
    roots = Roots(*(broker.top / name for name in ("sandboxes", "environments", "doors")))
    config = BrokerConfig(broker.home, broker.top / "sockets", roots, frozenset, broker.top / "logs")
    asyncio.run(Reaper(Containers(config, Engine(ENGINE), {})).sweep(now))


def there(broker: Brokerage, identity: str) -> bool:
    return broker.call("GET", f"/containers/{identity}/json")[0] == 200


@pytest.mark.parametrize(
    ("framed", "plain"),
    [(b"", b""), (b"\1\0\0\0\0\0\0\2ok", b"ok"), (b"\1\0\0\0\0\0\0\2ok\2\0\0\0\0\0\0\1!", b"ok!"), (b"\1\0\0\0\0\0\0\x09cut", b"cut"), (b"\1\0", b"")],
)  # fmt: skip
def test_a_log_is_read_out_of_its_frames(framed: bytes, plain: bytes) -> None:
    assert b"".join(unframed(framed)) == plain


@marked
def test_the_launchers_own_calls_work(tmp_path: Path) -> None:
    """As dagster-docker makes them: create with a network and volumes, start, look, stop."""
    with brokerage(tmp_path) as broker:
        client = broker.client("launcher")
        argv = ["dagster", "api", "execute_run", json.dumps({"run": 1})]
        container = client.containers.create(
            image=IMAGE, command=argv, detach=True, environment={"DAGSTER_RUN_JOB_NAME": "work"}, network="none",
            labels={"dagster/run_id": "r", "dagster/job_name": "j", "factory.home": broker.home, "factory.role": "worker"},
            volumes=[f"{tmp_path}/mirrors:/mirrors:ro"], user="10001:10001", read_only=True, cap_drop=["ALL"],
            security_opt=["no-new-privileges"], mem_limit="128m", memswap_limit="128m", nano_cpus=10**9, pids_limit=64,
            tmpfs={"/tmp": "rw,nosuid,nodev,size=16m,nr_inodes=1k"},
        )  # fmt: skip
        with pytest.raises(docker.errors.APIError, match="dagster"):
            container.start()  # the image has no such program; the engine itself says so
        assert client.containers.get(container.id).status == "created"
        container.stop(timeout=1)
        with pytest.raises(docker.errors.APIError, match="container broker"):
            client.images.pull("debian:latest")
        with pytest.raises(docker.errors.APIError, match="container broker"):
            container.remove()
        client.close()
