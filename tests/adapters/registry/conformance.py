"""What every registry promises; each implementation runs it against a stand-in that speaks its wire format."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog.testing

from adapters._vendor import fetching
from adapters.registry.contract import Registry
from adapters.registry.shelf import Shelf
from domain.changes import Known
from tests.adapters.registry.servers import Page, RegistryStandIn, registry_stand_in


class Clock:
    now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


class RegistryConformance(ABC):
    #: of the page that tells whether `demo` exists, and of the name everybody knows
    page: str
    known: str

    @abstractmethod
    def pages(self) -> dict[str, Page]: ...

    @abstractmethod
    def make(self, address: str, shelf: Shelf) -> Registry: ...

    @pytest.fixture
    def server(self) -> Iterator[RegistryStandIn]:
        with registry_stand_in(self.pages()) as server:
            yield server

    @pytest.fixture
    def registry(self, server: RegistryStandIn) -> Registry:
        return self.make(server.address, Shelf(None))

    @pytest.fixture
    def clock(self) -> Clock:
        return Clock()

    def kept(self, server: RegistryStandIn, folder: Path, clock: Clock) -> Registry:
        return self.make(server.address, Shelf(folder, fresh=60, now=clock))

    @abstractmethod
    def versions(self) -> tuple[str, str]: ...

    def test_an_existing_version_is_found(self, registry):
        found = registry.look_up("demo", self.versions()[0])
        assert (found.name, found.version, found.known, found.version_known) == (
            "demo",
            self.versions()[0],
            Known.FOUND,
            Known.FOUND,
        )
        assert found.url.endswith("/demo") or found.url.endswith("/demo/")
        assert (found.advisories, found.lookalike) == (None, None)

    def test_a_missing_version_is_absent_and_the_newest_is_named(self, registry):
        found = registry.look_up("demo", "99.0.0")
        assert (found.known, found.version_known, found.newest) == (Known.FOUND, Known.ABSENT, self.versions()[1])
        assert registry.look_up("demo", None, ">=99").version_known is Known.ABSENT
        assert registry.look_up("demo", None, ">=99").version is None

    def test_a_missing_name_is_absent(self, registry):
        found = registry.look_up("hallucinated", "1.0.0")
        assert (found.known, found.version_known) == (Known.ABSENT, Known.ABSENT)

    def test_a_registry_that_does_not_know_what_everybody_knows_is_offline(self, server, registry):
        del server.pages[self.known]
        assert registry.look_up("hallucinated").known is Known.OFFLINE
        server.pages[self.known] = Page(b"<html>sign in</html>", "text/html")
        assert self.make(server.address, Shelf(None)).look_up("hallucinated").known is Known.OFFLINE

    @pytest.mark.parametrize("status", [301, 401, 403, 429, 500, 503])
    def test_any_other_answer_is_offline(self, server, registry, status):
        server.pages[self.page] = Page(b"x", "text/html", status)
        assert registry.look_up("demo", self.versions()[0]).known is Known.OFFLINE

    @pytest.mark.parametrize(
        "body",
        [
            b"",
            b"<html>captive portal</html>",
            b"[]",
            b"{",
            b'"x"',
            b"\xff\xfe",
            b"[" * 100_000,
            b'{"files": 7, "versions": 7}',
            b'{"files": [7], "name": "demo", "versions": {"1.0.0": 7}}',
        ],
        ids=lambda body: str(body)[:20],
    )
    @pytest.mark.parametrize("kind", ["application/json", "text/html", ""])
    def test_something_else_is_offline(self, server, registry, body, kind):
        server.pages[self.page] = Page(body, kind)
        found = registry.look_up("demo", self.versions()[0])
        assert (found.known, found.version_known) in {(Known.OFFLINE, Known.OFFLINE)}

    def test_one_cut_short_is_offline(self, server, registry):
        whole = self.pages()[self.page]
        server.pages[self.page] = Page(
            whole.body[:-20], whole.kind, headers={"Content-Length": str(len(whole.body)), "Connection": "close"}
        )
        assert registry.look_up("demo", self.versions()[0]).known is Known.OFFLINE

    def test_a_giant_answer_is_offline(self, server, registry, monkeypatch):
        monkeypatch.setattr(fetching, "MAX_BYTES", 100)
        assert registry.look_up("demo", self.versions()[0]).known is Known.OFFLINE

    def test_nobody_there_is_offline(self):
        assert self.make("http://127.0.0.1:9", Shelf(None)).look_up("demo", "1.0.0").known is Known.OFFLINE
        assert self.make("http://", Shelf(None)).look_up("demo", "1.0.0").known is Known.OFFLINE

    def test_an_answer_is_kept_until_it_is_stale_and_then_asked_by_its_etag(self, server, tmp_path, clock):
        first = self.kept(server, tmp_path, clock).look_up("demo", self.versions()[0])
        asked = len(server.asked)
        assert self.kept(server, tmp_path, clock).look_up("demo", self.versions()[0]) == first
        assert len(server.asked) == asked
        clock.now += 61
        assert self.kept(server, tmp_path, clock).look_up("demo", self.versions()[0]) == first
        assert server.asked[asked:] == [self.page]

    def test_a_change_is_seen_when_the_answer_is_stale(self, server, tmp_path, clock):
        assert self.kept(server, tmp_path, clock).look_up("demo", self.versions()[0]).known is Known.FOUND
        del server.pages[self.page]
        clock.now += 61
        assert self.kept(server, tmp_path, clock).look_up("demo", self.versions()[0]).known is Known.ABSENT

    def test_what_is_not_there_is_asked_again(self, server, tmp_path, clock):
        registry = self.kept(server, tmp_path, clock)
        assert registry.look_up("hallucinated").known is Known.ABSENT
        asked = len(server.asked)
        assert registry.look_up("hallucinated").known is Known.ABSENT
        assert len(server.asked) > asked

    def test_a_spoilt_shelf_is_no_answer(self, server, tmp_path, clock):
        self.kept(server, tmp_path, clock).look_up("demo", self.versions()[0])
        for file in tmp_path.rglob("*.json"):
            file.write_text('{"package": 3}')
        assert self.kept(server, tmp_path, clock).look_up("demo", self.versions()[0]).known is Known.FOUND

    def test_a_shelf_that_cannot_be_written_costs_nothing_but_time(self, server, tmp_path, clock):
        (tmp_path / "file").write_text("")
        assert self.kept(server, tmp_path / "file", clock).look_up("demo", self.versions()[0]).known is Known.FOUND

    def test_neither_names_nor_credentials_are_logged_or_shown(self, server, tmp_path, clock):
        address = server.address.replace("http://", "http://ann:canary@")
        with structlog.testing.capture_logs() as logs:
            found = self.make(address, Shelf(tmp_path, now=clock)).look_up("demo", self.versions()[0])
            self.make("http://ann:canary@127.0.0.1:9", Shelf(None)).look_up("secret-project", "1.0.0")
        assert found.known is Known.FOUND
        assert logs
        assert "canary" not in f"{logs} {found}"
        assert "secret-project" not in str(logs)
        kept = "".join(str(file) + file.read_text() for file in tmp_path.rglob("*.json"))
        assert "canary" not in kept
        assert not [file for file in tmp_path.rglob("*") if "demo" in file.name]

    @pytest.mark.parametrize("name", ["../../etc", "a b", "a?b#c", "é", "x" * 5000])
    def test_a_hostile_name_stays_one_name(self, server, registry, name):
        assert registry.look_up(name, "1.0.0").known in (Known.ABSENT, Known.OFFLINE)
        assert all(path.count("/") <= 4 and ".." not in path.split("/") for path in server.asked)
