"""Evidence behind a capability: the front door's links open exactly what they name, for whoever holds them."""

import asyncio
import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from starlette.applications import Starlette

from control_plane.artifacts.route import artifacts_route
from control_plane.front_guard import FrontGuard
from domain.errors import SettingsInvalid
from domain.execution import ArtifactRef
from resources.artifact_links import KEY_FILE, link_key, public_links
from resources.artifacts import open_artifacts
from resources.settings import Settings, load_settings

DOOR = "https://factory.example.org"
HOSTILE = b"<script>alert(1)</script>\0\xff"


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setenv("FACTORY_PUBLIC_URL", f"{DOOR}/")
    (tmp_path / "home").mkdir()
    return load_settings(tmp_path / "home")


@dataclass
class Answer:
    status_code: int
    headers: dict[str, str]
    content: bytes


class Reader:
    """Somebody without a token, who asks the front door."""

    def __init__(self, settings: Settings) -> None:
        app = Starlette(routes=[artifacts_route(settings)])
        self._guard = FrontGuard(app, token="t" * 20, port=3000, origins=[DOOR])

    def ask(self, link: str, *, method: str = "GET", params: dict[str, Any] | None = None) -> Answer:
        path, _, query = link.removeprefix(DOOR).partition("?")
        told = urlencode(params, doseq=True) if params is not None else query
        scope = {
            "type": "http", "method": method, "path": path, "raw_path": path.encode(), "query_string": told.encode(),
            "headers": [(b"host", urlsplit(DOOR).netloc.encode())], "scheme": "https", "root_path": "",
        }  # fmt: skip
        said: list[Any] = []

        async def receive() -> Any:
            return {"type": "http.request", "body": b"", "more_body": False}

        async def send(message: Any) -> None:
            said.append(message)

        asyncio.run(self._guard(scope, receive, send))
        headers = {name.decode().lower(): value.decode() for name, value in reversed(said[0]["headers"])}
        return Answer(said[0]["status"], headers, b"".join(part.get("body", b"") for part in said[1:]))


@pytest.fixture
def client(settings: Settings) -> Reader:
    return Reader(settings)


@pytest.fixture
def ref(settings: Settings) -> ArtifactRef:
    return open_artifacts(settings).put(HOSTILE, kind="log", name="verify.log")


def link_of(settings: Settings, ref: ArtifactRef) -> str:
    link = public_links(settings)(ref)
    assert link is not None
    return link


def test_a_link_opens_without_signing_in_and_holds_the_artifact(
    settings: Settings, client: Reader, ref: ArtifactRef
) -> None:
    answer = client.ask(link_of(settings, ref))
    assert answer.status_code == 200
    assert hashlib.sha256(answer.content).hexdigest() == ref.sha256
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "sandbox" in answer.headers["content-security-policy"]


def test_a_link_stays_the_same(settings: Settings, ref: ArtifactRef) -> None:
    assert link_of(settings, ref) == link_of(settings, ref)
    assert (settings.home / KEY_FILE).stat().st_mode & 0o777 == 0o640


@pytest.mark.parametrize("change", ["key", "digest", "kind", "nothing", "twice"])
def test_any_other_link_opens_nothing(settings: Settings, client: Reader, ref: ArtifactRef, change: str) -> None:
    other = open_artifacts(settings).put(b"other", kind="log", name="x.log")
    good = urlsplit(link_of(settings, ref))
    told = {name: found[0] for name, found in parse_qs(good.query).items()}
    changed = {
        "key": (good.path, {**told, "key": "0" * 64}),
        "digest": (good.path.replace(ref.sha256, other.sha256), told),
        "kind": (good.path, {**told, "kind": "json"}),
        "nothing": (good.path, {}),
        "twice": (good.path, {**told, "key": [told["key"], "x"]}),
    }
    path, query = changed[change]
    assert client.ask(path, params=query).status_code == 404


@pytest.mark.parametrize(
    "path", ["/v1/artifacts/", "/v1/artifacts/x", "/v1/artifacts/" + "a" * 65, "/v1/artifacts/../graphql"]
)
def test_other_paths_ask_for_a_sign_in(client: Reader, path: str) -> None:
    assert client.ask(path).status_code == 401


def test_only_reading_is_open(settings: Settings, client: Reader, ref: ArtifactRef) -> None:
    assert client.ask(link_of(settings, ref), method="POST").status_code == 403


def test_a_changed_artifact_is_not_shown(settings: Settings, client: Reader, ref: ArtifactRef) -> None:
    Path(open_artifacts(settings).path(ref)).write_bytes(b"something else")
    assert client.ask(link_of(settings, ref)).status_code == 404


def test_a_broken_key_is_told(settings: Settings) -> None:
    (settings.home / KEY_FILE).write_bytes(b"short")
    with pytest.raises(SettingsInvalid):
        link_key(settings)


def test_without_a_public_address_there_is_no_link(tmp_path: Path, ref: ArtifactRef) -> None:
    (tmp_path / "other").mkdir()
    bare = load_settings(tmp_path / "other").model_copy(update={"public_url": None})
    assert public_links(bare)(ref) is None


@pytest.mark.parametrize("address", ["ftp://x", "https://u:p@x", "https://x/path", "x", "https://x?y"])
def test_a_strange_public_address_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    monkeypatch.setenv("FACTORY_PUBLIC_URL", address)
    with pytest.raises(SettingsInvalid):
        load_settings(tmp_path)
