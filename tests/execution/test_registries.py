"""Where packages come from is asked of the tools that are really installed, and a password never goes in."""

import http.server
import ssl
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from resources.registries import ask_registries, known_registries, read_registries

PAGE = (
    b'<a href="https://files.example.test/pip-1.whl#sha256=0">x</a><a class="x" href="https://files.example.test:8443/y.tar.gz">y</a>'
    b'<!-- https://elsewhere.example.test/ --><a href="https://elsewhere.example.test/">about</a>'
)


class Index(http.server.BaseHTTPRequestHandler):
    asked: list[str] = []

    def do_GET(self) -> None:
        self.asked.append(self.path)
        self.send_response(200)
        self.send_header("Content-Length", str(len(PAGE)))
        self.end_headers()
        self.wfile.write(PAGE)

    def log_message(self, *_: object) -> None: ...


@pytest.fixture
def index() -> Iterator[int]:
    Index.asked.clear()
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Index) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_address[1]
        server.shutdown()


@pytest.fixture(autouse=True)
def only_these_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "UV_INDEX_URL", "UV_DEFAULT_INDEX", "NPM_CONFIG_REGISTRY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PIP_CONFIG_FILE", str(tmp_path / "none.conf"))


def test_pip_tells_its_index_and_the_index_where_its_files_are(monkeypatch, index) -> None:
    monkeypatch.setenv("PIP_INDEX_URL", f"http://127.0.0.1:{index}/mirror/simple")
    found = ask_registries()
    assert Index.asked == ["/mirror/simple/pip/"]
    assert {f"127.0.0.1:{index}", "files.example.test:443", "files.example.test:8443"} <= set(found.hosts)
    assert "elsewhere.example.test:443" not in found.hosts


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    file = tmp_path / "own.pem"
    words = "req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=index -addext subjectAltName=IP:127.0.0.1"
    subprocess.run(
        ["openssl", *words.split(), "-keyout", file, "-out", tmp_path / "c"], check=True, capture_output=True
    )
    file.write_text(file.read_text() + (tmp_path / "c").read_text())
    return file


@pytest.mark.parametrize("trusted", [True, False])
def test_an_index_is_trusted_as_pip_trusts_it(monkeypatch, tmp_path, certificate, trusted) -> None:
    settings = tmp_path / "pip.conf"
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Index) as server:
        secured = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        secured.load_cert_chain(certificate)
        server.socket = secured.wrap_socket(server.socket, server_side=True)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        cert = f"cert = {certificate}\n" if trusted else ""
        address = f"https://127.0.0.1:{server.server_address[1]}/simple"
        settings.write_text(f"[global]\nindex-url = {address}\n{cert}")
        monkeypatch.setenv("PIP_CONFIG_FILE", str(settings))
        monkeypatch.delenv("PIP_CERT", raising=False)
        found = ask_registries()
        server.shutdown()
    assert ("files.example.test:443" in found.hosts) is trusted


def test_a_registry_on_loopback_is_reached_through_the_broker(monkeypatch, index) -> None:
    """Inside a sandbox 127.0.0.1 is the sandbox."""
    monkeypatch.setenv("PIP_INDEX_URL", f"http://127.0.0.1:{index}/simple")
    found = ask_registries()
    assert [one.url for one in found.upstreams] == [f"http://127.0.0.1:{index}"]
    assert found.environment["PIP_INDEX_URL"] == f"http://127.0.0.1:3128/{found.upstreams[0].name}/simple"
    assert found.environment["UV_DEFAULT_INDEX"] == found.environment["PIP_INDEX_URL"]


def test_a_password_stays_outside(monkeypatch) -> None:
    monkeypatch.setenv("PIP_EXTRA_INDEX_URL", "https://ann:canary@mirror.example.test/simple")
    found = ask_registries()
    assert "canary" not in found.model_dump_json()
    assert "https://mirror.example.test/simple" in found.environment["PIP_EXTRA_INDEX_URL"]
    assert "mirror.example.test:443" in found.hosts


def test_an_index_that_does_not_answer_is_still_named(monkeypatch) -> None:
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
    assert "127.0.0.1:9" in ask_registries().hosts


def test_uv_and_npm_are_asked_too(monkeypatch, index) -> None:
    monkeypatch.setenv("PIP_INDEX_URL", f"http://127.0.0.1:{index}/simple")
    monkeypatch.setenv("UV_DEFAULT_INDEX", "https://uv.example.test/simple")
    monkeypatch.setenv("NPM_CONFIG_REGISTRY", "https://npm.example.test/")
    found = ask_registries(["https://own.example.test:8443/simple"])
    assert {"uv.example.test:443", "npm.example.test:443", "own.example.test:8443"} <= set(found.hosts)
    assert found.environment["NPM_CONFIG_REGISTRY"] == "https://npm.example.test/"
    assert found.environment["UV_DEFAULT_INDEX"] == "https://uv.example.test/simple"


def test_the_answer_is_kept_until_a_setting_changes(monkeypatch, tmp_path, index) -> None:
    monkeypatch.setenv("PIP_INDEX_URL", f"http://127.0.0.1:{index}/simple")
    first = known_registries(tmp_path, [])
    assert known_registries(tmp_path, []) == first == read_registries(tmp_path)
    assert len(Index.asked) == 1
    monkeypatch.setenv("PIP_INDEX_URL", f"http://127.0.0.1:{index}/other")
    assert known_registries(tmp_path, []) != first


@pytest.mark.parametrize("text", ["", "{half", "[]", '{"hosts": 7}'])
def test_a_spoilt_answer_is_none(tmp_path, text) -> None:
    (tmp_path / "registries.json").write_text(text)
    assert read_registries(tmp_path).hosts == ()
