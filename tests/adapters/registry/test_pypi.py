import json
from datetime import UTC, datetime

import pytest

from adapters._vendor.fetching import Fetcher
from adapters.registry.pypi import PypiRegistry
from domain.changes import Known
from tests.adapters.registry.answers import SIMPLE_HTML, python_index
from tests.adapters.registry.conformance import RegistryConformance
from tests.adapters.registry.servers import Page


class OfPython(RegistryConformance):
    page = "/simple/demo/"
    known = "/simple/pip/"

    def make(self, address, shelf):
        return PypiRegistry(Fetcher(f"{address}/simple"), shelf)

    def versions(self):
        return "2.0", "2.0"


class TestHtmlIndex(OfPython):
    def pages(self):
        return python_index("html")

    def test_facts_of_the_newest(self, registry):
        found = registry.look_up("demo", "2.0")
        assert found.published_at == datetime(2022, 1, 2, 3, 4, 5, tzinfo=UTC)
        assert found.first_published_at == datetime(2020, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)
        assert (found.license, found.yanked, found.deprecated, found.newest) == ("MIT", None, None, "2.0")

    def test_a_yanked_version_has_its_reason_and_its_own_licence(self, registry):
        found = registry.look_up("demo", "1.5")
        assert (found.version_known, found.yanked, found.license) == (Known.FOUND, "broken <build>", "ISC")

    def test_a_version_of_which_nothing_tells_the_licence_has_none(self, registry):
        assert registry.look_up("demo", "1.0").license is None

    @pytest.mark.parametrize(
        ("specifier", "version"),
        [("", "2.0"), ("<2", "1.0"), (">=1", "2.0"), ("==3.0rc1", "3.0rc1"), ("^1.0", "1.0"), ("==1.5", None)],
    )
    def test_what_an_open_specifier_takes(self, registry, specifier, version):
        assert registry.look_up("demo", None, specifier).version == version

    @pytest.mark.parametrize(
        ("version", "known"),
        [
            ("2.0.0", Known.FOUND),
            ("v2.0", Known.FOUND),
            ("2.0+cpu", Known.ABSENT),
            ("odd", Known.ABSENT),
            ("0.1", Known.ABSENT),
        ],
    )
    def test_versions_are_compared_as_python_does(self, registry, version, known):
        assert registry.look_up("demo", version).version_known is known

    def test_an_index_without_json_pages_still_tells_what_exists(self, server, registry):
        server.pages["/pypi/demo/json"] = Page(b"no", "text/plain", 500)
        found = registry.look_up("demo", "1.5")
        assert (found.version_known, found.license) == (Known.FOUND, "ISC")
        assert found.published_at is not None

    def test_times_come_from_the_json_page_where_the_index_has_none(self, server, registry):
        server.pages["/simple/demo/"] = Page(
            b'<title>Links for demo</title><a href="demo-2.0.tar.gz">demo-2.0.tar.gz</a>', "text/html"
        )
        found = registry.look_up("demo", "2.0")
        assert found.published_at == datetime(2022, 1, 2, 3, 4, 5, tzinfo=UTC)
        assert found.first_published_at == datetime(2020, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)

    @pytest.mark.parametrize(
        "page",
        [
            b"[]",
            b'{"info": 3}',
            b'{"info": {"classifiers": 3}, "releases": []}',
            b'{"info": {}, "releases": {"2.0": 3}}',
            b'{"info": {"license": {}}, "releases": {"2.0": [{"upload_time_iso_8601": "never"}]}}',
        ],
    )
    def test_a_wrong_json_page_tells_nothing(self, server, registry, page):
        server.pages["/pypi/demo/json"] = Page(page)
        found = registry.look_up("demo", "2.0")
        assert (found.version_known, found.license) == (Known.FOUND, None)

    def test_an_ended_project_is_deprecated(self, server, registry):
        ended = SIMPLE_HTML.replace(b"<title>", b'<meta name="pypi:project-status" content="archived"><title>')
        server.pages["/simple/demo/"] = Page(ended, "text/html")
        assert registry.look_up("demo", "2.0").deprecated == "archived"
        server.pages["/simple/demo/"] = Page(SIMPLE_HTML, "text/html")
        told = {"info": {"version": "2.0", "classifiers": ["Development Status :: 7 - Inactive"]}}
        server.pages["/pypi/demo/json"] = Page(json.dumps(told).encode())
        assert "Inactive" in (registry.look_up("demo", "2.0").deprecated or "")

    def test_a_project_all_of_whose_files_went_has_no_version(self, server, registry):
        server.pages["/simple/demo/"] = Page(b"<title>Links for demo</title>", "text/html")
        found = registry.look_up("demo", "2.0")
        assert (found.known, found.version_known) == (Known.FOUND, Known.ABSENT)

    def test_json_is_preferred(self, server, registry):
        registry.look_up("demo", "2.0")
        assert server.accepted[0].startswith("application/vnd.pypi.simple.v1+json")

    def test_metadata_on_another_host_is_fetched_only_over_tls(self, server, registry):
        foreign = SIMPLE_HTML.replace(b"../../files/demo-1.5", b"http://127.0.0.1:9/files/demo-1.5")
        server.pages["/simple/demo/"] = Page(foreign, "text/html")
        assert registry.look_up("demo", "1.5").license is None


class TestJsonIndex(OfPython):
    def pages(self):
        return python_index("json")

    def test_the_same_facts(self, registry):
        found = registry.look_up("demo", "1.5")
        assert (found.yanked, found.license) == ("broken <build>", "ISC")
        assert found.published_at == datetime(2021, 1, 2, 3, 4, 5, tzinfo=UTC)

    @pytest.mark.parametrize(
        "told", [{"project-status": {"status": "quarantined"}}, {"meta": {"project-status": "deprecated"}}]
    )
    def test_an_ended_project_is_deprecated(self, server, registry, told):
        page = json.loads(server.pages["/simple/demo/"].body) | told
        server.pages["/simple/demo/"] = Page(json.dumps(page).encode())
        assert registry.look_up("demo", "2.0").deprecated in ("quarantined", "deprecated")

    def test_yanked_without_a_reason(self, server, registry):
        page = json.loads(server.pages["/simple/demo/"].body)
        page["files"][1]["yanked"] = True
        server.pages["/simple/demo/"] = Page(json.dumps(page).encode())
        assert registry.look_up("demo", "1.5").yanked == "yanked"
