import json

import pytest

from adapters._vendor.fetching import Fetcher
from adapters.advisory import osv
from adapters.advisory.contract import Subject
from adapters.advisory.osv import OsvServer
from domain.changes import Ecosystem
from tests.adapters.advisory.conformance import RECORDS, AdvisoryConformance
from tests.support.osv import osv_stand_in, record

ASKED = [Subject(Ecosystem.PYPI, "demo-pkg", "1.0")]


class TestOsvServer(AdvisoryConformance):
    @pytest.fixture(autouse=True)
    def _stand_ins(self):
        self.open = []
        yield
        for one in self.open:
            one.__exit__(None, None, None)

    def make(self, records, tmp_path):
        context = osv_stand_in(records)
        server = context.__enter__()
        self.open.append(context)
        return OsvServer(Fetcher(server.address))


@pytest.fixture
def server():
    with osv_stand_in(RECORDS) as found:
        yield found


def test_pages_are_read_to_the_end(server):
    for number in range(10, 20):
        server.records[f"PYSEC-2027-{number}"] = record(f"PYSEC-2027-{number}", "PyPI", "demo-pkg")
    (found,) = OsvServer(Fetcher(server.address)).advisories(ASKED).advisories
    assert len(found) == 13


def test_many_subjects_are_asked_in_batches(server, monkeypatch):
    monkeypatch.setattr(osv, "BATCH", 7)
    told = OsvServer(Fetcher(server.address)).advisories(
        [Subject(Ecosystem.PYPI, f"p{number}", "1") for number in range(40)] + ASKED
    )
    assert told.advisories[:-1] == ((),) * 40
    assert len(told.advisories[-1]) == 3
    assert server.asked.count("/v1/querybatch") >= 6


@pytest.mark.parametrize(
    "answer",
    [
        (500, b"{}"),
        (404, b"{}"),
        (200, b""),
        (200, b"[]"),
        (200, b"{}"),
        (200, b'{"results": 3}'),
        (200, b'{"results": []}'),
        (200, b'{"results": [{}]}'),
        (200, b'{"results": [3, 3]}'),
        (200, b'{"results": [{"vulns": 3}, {}]}'),
        (200, b'{"results": [{"vulns": [{}]}, {}]}'),
        (200, b'{"results": [{"vulns": [{"id": "../../x"}]}, {}]}'),
        (200, b'{"results": [{}, {}]}'),
        (200, b'{"results": [{"vulns": [{"id": "PYSEC-2019-217"}]}, {"vulns": [{"id": "NONE-1"}]}]}'),
        (
            200,
            b'{"results": [{"vulns": [{"id": "PYSEC-2019-217"}], "next_page_token": "1"}, {"next_page_token": "2"}]}',
        ),
    ],
)
def test_any_other_answer_is_unknown(server, answer):
    server.broken["/v1/querybatch"] = answer
    told = OsvServer(Fetcher(server.address)).advisories(ASKED)
    assert told.advisories == (None,)
    assert told.reason


@pytest.mark.parametrize(
    "answer",
    [
        (500, b""),
        (404, b""),
        (200, b"{}"),
        (200, b"x"),
        (200, b'{"id": "PYSEC-1"}'),
        (200, b'{"id": "PYSEC-2026-1", "affected": 3}'),
    ],
)
def test_an_advisory_that_cannot_be_read_makes_it_unknown(server, answer):
    server.broken["/v1/vulns/PYSEC-2026-1"] = answer
    assert OsvServer(Fetcher(server.address)).advisories(ASKED).advisories == (None,)


def test_nobody_there_is_unknown_and_no_credential_is_told():
    told = OsvServer(Fetcher("http://ann:canary@127.0.0.1:9")).advisories(ASKED)
    assert told.advisories == (None,)
    assert "canary" not in str(told)


def test_too_many_advisories_are_not_read(server, monkeypatch):
    monkeypatch.setattr(osv, "MAX_IDS", 2)
    assert OsvServer(Fetcher(server.address)).advisories(ASKED).advisories == (None,)


def test_the_stand_in_speaks_as_osv_does(server):
    fetcher = Fetcher(server.address)
    query = {"package": {"ecosystem": "PyPI", "name": "demo-pkg"}, "version": "1.0"}
    page = json.loads(fetcher.post("/v1/querybatch", {"queries": [query]}).body)
    assert set(page["results"][0]) == {"vulns", "next_page_token"}
    assert set(page["results"][0]["vulns"][0]) == {"id", "modified"}
    assert json.loads(fetcher.get("/v1/vulns/PYSEC-2026-1").body)["schema_version"] == "1.6.0"
