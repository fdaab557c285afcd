import json
from datetime import UTC, datetime

import pytest

from adapters._vendor.fetching import Fetcher
from adapters.registry.npm import NpmRegistry
from adapters.registry.shelf import Shelf
from domain.changes import Known
from tests.adapters.registry.answers import PACKUMENT, npm_registry
from tests.adapters.registry.conformance import RegistryConformance
from tests.adapters.registry.servers import Page

NOW = datetime(2026, 6, 1, tzinfo=UTC)


class TestNpm(RegistryConformance):
    page = "/demo"
    known = "/npm"

    def pages(self):
        return npm_registry()

    def make(self, address, shelf, **told):
        return NpmRegistry(Fetcher(address), shelf, now=lambda: NOW, **told)

    def versions(self):
        return "1.0.0", "2.0.0"

    def test_facts_of_a_version(self, registry):
        found = registry.look_up("demo", "1.5.0")
        assert (found.deprecated, found.license, found.newest) == ("use 2.0.0", "MIT", "2.0.0")
        assert found.published_at == datetime(2021, 1, 1, tzinfo=UTC)
        assert found.first_published_at == datetime(2020, 1, 1, tzinfo=UTC)
        assert registry.look_up("demo", "1.0.0").license == "ISC"
        assert registry.look_up("demo", "3.0.0-rc.1").license is None

    def test_a_mirrors_young_time_proves_nothing_and_the_origins_does(self, server, registry):
        assert registry.look_up("demo", "2.0.0").published_at is None
        origin = self.make(server.address, Shelf(None), trusted_times=True)
        assert origin.look_up("demo", "2.0.0").published_at == datetime(2026, 5, 28, tzinfo=UTC)

    @pytest.mark.parametrize(
        ("specifier", "version"),
        [
            ("", "2.0.0"),
            ("latest", "2.0.0"),
            ("next", "3.0.0-rc.1"),
            ("^1.0.0", "1.5.0"),
            ("1.x || 2.x", "2.0.0"),
            ("nosuchtag", None),
            ("^7", None),
        ],
    )
    def test_what_an_open_specifier_takes(self, registry, specifier, version):
        assert registry.look_up("demo", None, specifier).version == version

    def test_a_scoped_name_is_one_part_of_the_path(self, server, registry):
        assert registry.look_up("@scope/demo", "1.0.0").known is Known.FOUND
        assert "/@scope%2Fdemo" in server.asked

    @pytest.mark.parametrize(
        "told",
        [
            {"name": "other"},
            {"versions": {"1.0.0": 7}},
            {"versions": {"odd": {}}},
            {"versions": None},
            {"error": "not_found", "versions": []},
        ],
    )
    def test_another_packages_answer_is_offline(self, server, registry, told):
        server.pages["/demo"] = Page(json.dumps(PACKUMENT | told).encode())
        assert registry.look_up("demo", "1.0.0").known is Known.OFFLINE

    @pytest.mark.parametrize(
        "told", [{"time": None}, {"time": {"1.0.0": 7}}, {"time": {"1.0.0": "never"}}, {"dist-tags": 3}]
    )
    def test_odd_parts_are_left_out(self, server, registry, told):
        server.pages["/demo"] = Page(json.dumps(PACKUMENT | told).encode())
        found = registry.look_up("demo", "1.0.0")
        assert found.version_known is Known.FOUND
        assert "dist-tags" in told or found.published_at is None
