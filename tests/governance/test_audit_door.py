"""pip-audit in a sandbox that isolates: it reaches the configured server of advisories, and nothing else."""

import json
import socket
from contextlib import closing

import pytest

from domain.changes import Dependency, Ecosystem
from domain.egress import Purpose
from domain.errors import EgressUnavailable
from domain.findings import ScanState
from domain.harness import Command
from domain.sandbox import Exit, OutputLine, SandboxSpec
from resources.advisory_door import NAME, advisory_server, advisory_upstreams, way_to_advisories
from resources.brokers import brokers
from resources.governance.auditing import audit
from resources.sandboxes import provision, remove
from resources.settings import load_settings
from resources.wiring import open_factory
from tests.support.osv import CANARIES, osv_stand_in, record

HOLE = record("PYSEC-2026-1", "PyPI", "demo", fixed="2.0", database_specific={"severity": "HIGH"})
DEMO = Dependency(ecosystem=Ecosystem.PYPI, name="demo", version="1.0", path="requirements.txt", line=1)
ASK = """import json, sys, urllib.request
for url in sys.argv[1:]:
    try:
        body = json.dumps({"package": {"name": "demo", "ecosystem": "PyPI"}, "version": "1.0"}).encode()
        request = urllib.request.Request(url, body, {"content-type": "application/json"})
        print(urllib.request.urlopen(request, timeout=10).status)
    except Exception as error:
        print(getattr(error, "code", type(error).__name__))
"""


@pytest.fixture
def osv():
    with osv_stand_in([*CANARIES, HOLE]) as server:
        yield server


def make(tmp_path, monkeypatch, sandbox="bubblewrap", **told):
    monkeypatch.setenv("FACTORY_SANDBOX", sandbox)
    for name, value in told.items():
        monkeypatch.setenv(f"FACTORY_{name.upper()}", value)
    return open_factory(load_settings(tmp_path / "home"), migrate=True)


@pytest.mark.bubblewrap
def test_it_finds_what_the_server_knows(tmp_path, monkeypatch, osv):
    factory = make(tmp_path, monkeypatch, advisories=osv.address)
    with brokers(factory):
        (scan,) = audit(factory, [DEMO])
    assert (scan.state, scan.alive, scan.known) == (ScanState.COMPLETED, True, True), scan.reason
    assert [one.rule for one in scan.findings] == ["PYSEC-2026-1"]
    assert osv.address in scan.command
    assert factory.sandboxes["bubblewrap"].leftovers() == []


@pytest.mark.bubblewrap
def test_nothing_else_is_reached(tmp_path, monkeypatch, osv):
    with osv_stand_in(CANARIES) as other, closing(socket.create_server(("127.0.0.1", 0))) as listening:
        factory = make(tmp_path, monkeypatch, advisories=osv.address)
        listening.settimeout(0.2)
        port = listening.getsockname()[1]
        with brokers(factory):
            told = tried(
                factory, "{way}/v1/query", "{way}/v1/vulns/PYSEC-2026-1", "{way}/v1/query/../vulns/x",
                f"http://127.0.0.1:{port}/", f"{other.address}/v1/query", "http://127.0.0.1:3128/other/v1/query",
                "http://example.test/",
            )  # fmt: skip
        assert told[0] == "200"
        assert not {"200"} & set(told[1:]), told
        assert other.asked == []
        with pytest.raises(TimeoutError):
            listening.accept()


def tried(factory, *urls):
    """Return what came of asking each address in a sandbox with the door open; `{way}` is the server's inside."""
    ref = provision(
        factory, factory.sandboxes["bubblewrap"], SandboxSpec(id="try", run_id="try", mirror=None, commit=None)
    )
    try:
        with way_to_advisories(factory, ref) as way:
            asked = [url.replace("{way}", way.address) for url in urls]
            told = Command(argv=("python3", "-c", ASK, *asked), environment=way.environment, network=True)
            *lines, end = factory.sandboxes["bubblewrap"].execute(ref, told)
            assert isinstance(end, Exit)
            purposes = {one.purpose for one in factory.doors.attempts(ref.id)}
            assert purposes == {Purpose.AUDIT}
            return [one.text for one in lines if isinstance(one, OutputLine) and one.stream == "stdout"]
    finally:
        remove(factory, ref)


@pytest.mark.bubblewrap
def test_without_a_broker_nothing_is_known(tmp_path, monkeypatch, osv):
    factory = make(tmp_path, monkeypatch, advisories=osv.address)
    monkeypatch.setattr("adapters.egress.doors.DoorFolder.open", refuse)
    (scan,) = audit(factory, [DEMO])
    assert (scan.state, scan.known) == (ScanState.OFFLINE, False)
    assert osv.asked == []


def refuse(*_args, **_told):
    raise EgressUnavailable("no broker serves")


@pytest.mark.parametrize(
    ("told", "server", "upstream"),
    [
        ("http://127.0.0.1:8080/v1/", "http://127.0.0.1:8080", "http://127.0.0.1:8080"),
        ("https://osv.example.test/osv/v1", "https://osv.example.test/osv", "https://osv.example.test/osv"),
        ("http://osv.example.test:8080", "http://osv.example.test:8080", None),
        ("/srv/records", None, None),
    ],
)
def test_whom_the_broker_speaks_to(tmp_path, monkeypatch, told, server, upstream):
    monkeypatch.setenv("FACTORY_ADVISORIES", told)
    settings = load_settings(tmp_path)
    assert advisory_server(settings) == server
    found = {one.name: (one.url, one.paths, one.credential) for one in advisory_upstreams(settings)}
    assert found == ({NAME: (upstream, ("/v1/query",), None)} if upstream else {})


@pytest.mark.bubblewrap
def test_a_server_beyond_this_machine_is_a_door_of_one_host_and_port(tmp_path, monkeypatch):
    factory = make(tmp_path, monkeypatch, advisories="http://osv.example.test:8080")
    opened = []
    monkeypatch.setattr("adapters.egress.doors.DoorFolder.open", lambda _self, door: opened.append(door))
    ref = provision(
        factory, factory.sandboxes["bubblewrap"], SandboxSpec(id="try", run_id="try", mirror=None, commit=None)
    )
    try:
        with way_to_advisories(factory, ref) as way:
            assert way.address == "http://osv.example.test:8080"
    finally:
        remove(factory, ref)
    (door,) = opened
    assert json.loads(door.model_dump_json())["allow"] == ["osv.example.test:8080"]
    assert (door.exempt, door.upstreams, door.purpose) == (("osv.example.test:8080",), (), Purpose.AUDIT)
