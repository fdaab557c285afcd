import json
import zipfile

import pytest

from adapters.advisory import store
from adapters.advisory.contract import Subject
from adapters.advisory.store import StoredAdvisories
from adapters.advisory.unconfigured import NoSource
from domain.changes import Ecosystem
from tests.adapters.advisory.conformance import RECORDS, AdvisoryConformance

ASKED = [Subject(Ecosystem.PYPI, "demo-pkg", "1.0")]


def lay(records, folder):
    for one in records:
        place = folder / one["affected"][0]["package"]["ecosystem"]
        place.mkdir(parents=True, exist_ok=True)
        (place / f"{one['id']}.json").write_text(json.dumps(one))
    return folder


class TestFolder(AdvisoryConformance):
    def make(self, records, tmp_path):
        (tmp_path / "records").mkdir()
        return StoredAdvisories(lay(records, tmp_path / "records"))


class TestZip(AdvisoryConformance):
    def make(self, records, tmp_path):
        with zipfile.ZipFile(tmp_path / "all.zip", "w") as archive:
            archive.writestr("README", "words")
            for one in records:
                archive.writestr(f"{one['id']}.json", json.dumps(one))
        return StoredAdvisories(tmp_path / "all.zip")


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[]", b'{"id": 7}', b'{"id": "../x"}', b"\xff", b"[" * 100_000, b'{"id": "x", "affected": 3}'],
)
def test_one_record_that_cannot_be_read_makes_all_of_it_unknown(tmp_path, content):
    lay(RECORDS, tmp_path)
    (tmp_path / "broken.json").write_bytes(content)
    told = StoredAdvisories(tmp_path).advisories(ASKED)
    assert told.advisories == (None,)
    assert told.reason


@pytest.mark.parametrize("content", [b"PK\x03\x04 cut short", b"", b"not a zip"])
def test_a_broken_archive_is_unknown(tmp_path, content):
    (tmp_path / "all.zip").write_bytes(content)
    assert StoredAdvisories(tmp_path / "all.zip").advisories(ASKED).advisories == (None,)


def test_a_missing_place_is_unknown_and_its_path_is_not_told(tmp_path):
    told = StoredAdvisories(tmp_path / "nowhere").advisories(ASKED)
    assert told.advisories == (None,)
    assert str(tmp_path) not in str(told)


def test_records_are_bounded(tmp_path, monkeypatch):
    lay(RECORDS, tmp_path)
    monkeypatch.setattr(store, "MAX_RECORD_BYTES", 100)
    assert StoredAdvisories(tmp_path).advisories(ASKED).advisories == (None,)
    monkeypatch.setattr(store, "MAX_RECORD_BYTES", 10_000)
    monkeypatch.setattr(store, "MAX_RECORDS", 2)
    assert StoredAdvisories(tmp_path).advisories(ASKED).advisories == (None,)


def test_a_zip_that_unpacks_to_far_more_is_not_read_whole(tmp_path):
    with zipfile.ZipFile(tmp_path / "bomb.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("bomb.json", b" " * 50_000_000)
    assert "bytes" in StoredAdvisories(tmp_path / "bomb.zip").advisories(ASKED).reason


def test_a_version_that_cannot_be_compared_is_unknown_for_itself_only(tmp_path):
    source = StoredAdvisories(lay(RECORDS, tmp_path))
    told = source.advisories([Subject(Ecosystem.PYPI, "demo-pkg", "odd one"), *ASKED])
    assert told.advisories[0] is None
    assert told.advisories[1]
    assert "compared" in told.reason


def test_without_a_source_nothing_is_known():
    told = NoSource().advisories(ASKED)
    assert (told.advisories, told.as_of) == ((None,), None)
    assert "configured" in told.reason
