"""What every source of advisories promises."""

from abc import ABC, abstractmethod

import pytest

from adapters.advisory.contract import AdvisorySource, Subject
from domain.changes import Ecosystem
from tests.support.osv import CANARIES, record

PYPI, NPM = Ecosystem.PYPI, Ecosystem.NPM
RECORDS = (
    *CANARIES,
    record("PYSEC-2026-1", "PyPI", "Demo_Pkg", fixed="2.0", aliases=["CVE-2026-1"], database_specific={"severity": "MODERATE"}),
    record("PYSEC-2026-2", "PyPI", "demo-pkg", fixed="1.5", severity=[{"type": "CVSS_V3", "score": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"}]),
    record("PYSEC-2026-3", "PyPI", "demo-pkg"),
    record("PYSEC-2026-4", "PyPI", "demo-pkg", withdrawn="2026-01-01T00:00:00Z"),
    record("GHSA-aaaa-bbbb-cccc", "npm", "@scope/demo", fixed="2.0.0"),
    record("GO-2026-1", "Go", "demo-pkg"),
)  # fmt: skip


class AdvisoryConformance(ABC):
    @abstractmethod
    def make(self, records, tmp_path) -> AdvisorySource: ...

    @pytest.fixture
    def source(self, tmp_path) -> AdvisorySource:
        return self.make(RECORDS, tmp_path)

    def test_each_subject_gets_its_own_in_order(self, source):
        subjects = [
            Subject(PYPI, "demo-pkg", "1.0"),
            Subject(PYPI, "other", "1.0"),
            Subject(NPM, "@scope/demo", "1.9.9"),
            Subject(PYPI, "demo-pkg", "1.5"),
            Subject(NPM, "@scope/demo", "2.0.0"),
            Subject(PYPI, "demo-pkg", "100"),
        ]
        told = source.advisories(subjects)
        ids = [None if one is None else [each.id for each in one] for one in told.advisories]
        assert ids == [
            ["PYSEC-2026-1", "PYSEC-2026-2", "PYSEC-2026-3"],
            [],
            ["GHSA-aaaa-bbbb-cccc"],
            ["PYSEC-2026-1", "PYSEC-2026-3"],
            [],
            [],
        ]
        assert told.reason == ""
        assert told.as_of is not None
        assert told == source.advisories(subjects)

    def test_an_advisory_tells_what_a_person_needs(self, source):
        (found,) = source.advisories([Subject(PYPI, "demo-pkg", "1.0")]).advisories
        first, second, third = found
        assert (first.severity, first.aliases, first.fixed, first.summary) == (
            "medium",
            ("CVE-2026-1",),
            ("2.0",),
            "A hole in Demo_Pkg",
        )
        assert (second.severity, third.severity) == ("critical", "")
        assert first.url

    def test_an_ecosystem_it_knows_nothing_of_is_unknown(self, tmp_path):
        source = self.make([one for one in RECORDS if one["affected"][0]["package"]["ecosystem"] == "PyPI"], tmp_path)
        told = source.advisories([Subject(NPM, "left-pad", "1.0.0"), Subject(PYPI, "other", "1.0")])
        assert told.advisories == (None, ())
        assert "npm" in told.reason

    def test_an_empty_source_knows_nothing(self, tmp_path):
        told = self.make([], tmp_path).advisories([Subject(PYPI, "demo-pkg", "1.0")])
        assert told.advisories == (None,)
        assert told.reason

    def test_no_question_no_answer(self, source):
        assert source.advisories([]).advisories == ()
