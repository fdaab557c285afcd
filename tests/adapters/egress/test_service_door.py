"""The door of the factory's own services: a real port, real TLS behind it, one log that begins anew."""

import asyncio
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import requests
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from adapters.egress.broker import serve
from adapters.egress.doors import DoorFolder
from adapters.egress.limits import Limits
from adapters.egress.service_door import BEFORE, NAME, ServiceDoor
from domain.egress import Purpose
from domain.errors import EgressUnavailable, SettingsInvalid
from resources.service_door import service_door_of
from resources.settings import load_settings
from tests.support.services import free_port


@dataclass(frozen=True)
class Forge:
    port: int
    certificate: Path

    @property
    def place(self) -> str:
        return f"localhost:{self.port}"


class Hello(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("content-length", "5")
        self.end_headers()
        self.wfile.write(b"hello")

    def log_message(self, *_: object) -> None: ...


@pytest.fixture(scope="module")
def forge(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Forge]:
    path = tmp_path_factory.mktemp("forge") / "forge.pem"
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    made = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    made = made.serial_number(1).not_valid_before(datetime(2020, 1, 1, tzinfo=UTC))
    made = made.not_valid_after(datetime(2120, 1, 1, tzinfo=UTC))
    made = made.add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(private + made.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))
    server = ThreadingHTTPServer(("127.0.0.1", 0), Hello)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield Forge(server.server_address[1], path)
    server.shutdown()
    server.server_close()


@contextmanager
def brokering(root: Path, door: ServiceDoor, limits: Limits | None = None) -> Iterator[DoorFolder]:
    loop = asyncio.new_event_loop()
    task = loop.create_task(serve(root, [], lambda _: None, limits, door))
    ended: list[BaseException | None] = []

    def run() -> None:
        try:
            loop.run_until_complete(task)
        except (asyncio.CancelledError, EgressUnavailable) as error:
            ended.append(error)
        loop.close()

    thread = threading.Thread(target=run)
    thread.start()
    doors = DoorFolder(root)
    try:
        while thread.is_alive() and not (root / "log" / f"{NAME}.jsonl").exists():
            thread.join(0.01)
        if ended and isinstance(ended[0], EgressUnavailable):
            raise ended[0]
        yield doors
    finally:
        if thread.is_alive():
            loop.call_soon_threadsafe(task.cancel)
        thread.join()


def ask(port: int, url: str, forge: Forge) -> requests.Response:
    proxy = f"http://127.0.0.1:{port}"
    session = requests.Session()
    session.trust_env = False
    return session.get(url, proxies={"https": proxy, "http": proxy}, verify=str(forge.certificate), timeout=30)


def test_a_named_place_is_reached_over_tls_of_the_service_itself(tmp_path, forge):
    door = ServiceDoor("127.0.0.1", free_port(), (forge.place,))
    with brokering(tmp_path / "egress", door) as doors:
        assert ask(door.port, f"https://{forge.place}/x?secret=1", forge).text == "hello"
    (one,) = doors.attempts(NAME)
    assert (one.host, one.port, one.allowed, one.purpose) == ("localhost", forge.port, True, Purpose.SERVICE)
    assert one.path is None
    assert NAME in doors.logs()


def test_everything_else_is_refused_and_recorded(tmp_path, forge):
    door = ServiceDoor("127.0.0.1", free_port(), ("forge.test:443",))
    with brokering(tmp_path / "egress", door) as doors:
        for url in (f"https://{forge.place}/", f"https://127.0.0.1:{forge.port}/", "https://evil.test/"):
            with pytest.raises(requests.exceptions.ProxyError, match="403"):
                ask(door.port, url, forge)
        assert ask(door.port, "http://169.254.169.254/latest/meta-data/", forge).status_code == 403
    found = doors.attempts(NAME)
    assert [one.allowed for one in found] == [False] * 4
    assert {one.reason for one in found} == {"name-not-allowed", "address"}


def test_a_full_log_begins_anew_and_lets_the_services_go_on(tmp_path, forge):
    door = ServiceDoor("127.0.0.1", free_port(), (forge.place,))
    with brokering(tmp_path / "egress", door, Limits(log_bytes=900)) as doors:
        for _ in range(8):
            assert ask(door.port, f"https://{forge.place}/", forge).status_code == 200
        kept = doors.attempts(NAME), doors.attempts(BEFORE)
    assert all(kept)
    assert all(one.allowed for log in kept for one in log[:-1])
    assert all((tmp_path / "egress" / "log" / f"{name}.jsonl").stat().st_size <= 1800 for name in (NAME, BEFORE))


def test_a_taken_port_stops_the_broker_with_its_reason(tmp_path, forge):
    with (
        pytest.raises(EgressUnavailable, match=f"127.0.0.1:{forge.port}"),
        brokering(tmp_path / "egress", ServiceDoor("127.0.0.1", forge.port, ())),
    ):
        pass


def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, registries: tuple[str, ...] = (), **told: str):
    for name, value in {"SERVICE_DOOR": "0.0.0.0:3128", **told}.items():
        monkeypatch.setenv(f"FACTORY_{name}", value)
    return service_door_of(load_settings(tmp_path), registries)


def test_it_opens_to_the_forge_the_registries_and_the_advisories(tmp_path, monkeypatch):
    found = places(tmp_path, monkeypatch, ("index.test:443",), ADVISORIES="https://osv.test/v1")
    assert found == ServiceDoor(
        "0.0.0.0", 3128, ("api.github.com:443", "github.com:443", "osv.test:443", "index.test:443")
    )


def test_a_forge_of_ones_own_takes_the_place_of_github(tmp_path, monkeypatch):
    found = places(
        tmp_path, monkeypatch, GITHUB__BASE_URL="https://Git.Example.test:8443/api/v3", ADVISORIES="/srv/osv"
    )
    assert found is not None
    assert found.places == ("git.example.test:8443",)


def test_without_the_setting_there_is_no_such_door(tmp_path, monkeypatch):
    monkeypatch.delenv("FACTORY_SERVICE_DOOR", raising=False)
    assert service_door_of(load_settings(tmp_path), ("index.test:443",)) is None


@pytest.mark.parametrize(
    "told", ["3128", "door:3128", "0.0.0.0", "0.0.0.0:0", "0.0.0.0:65536", "0.0.0.0:123456", "[::]:1"]
)
def test_a_wrong_setting_is_refused_by_name(tmp_path, monkeypatch, told):
    with pytest.raises(SettingsInvalid, match="service_door"):
        places(tmp_path, monkeypatch, SERVICE_DOOR=told)


def test_a_place_that_no_door_opens_to_is_refused(tmp_path, monkeypatch):
    with pytest.raises(SettingsInvalid, match="service_door"):
        places(tmp_path, monkeypatch, ("two words:443",))
