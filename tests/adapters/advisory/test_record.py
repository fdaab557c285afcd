"""Which versions a record is about, checked against packaging, and how bad it is."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.version import Version

from adapters.advisory.record import RecordUnreadable, advisory, affects, severity
from domain.changes import Ecosystem
from tests.support.osv import record

PYPI, NPM = Ecosystem.PYPI, Ecosystem.NPM
NUMBERS = st.lists(st.integers(0, 6), min_size=1, max_size=3).map(lambda told: ".".join(map(str, told)))


def about(
    *events: dict[str, str], versions: Any = (), kind: str = "ECOSYSTEM", ecosystem: str = "PyPI"
) -> dict[str, Any]:
    told: dict[str, Any] = {"package": {"ecosystem": ecosystem, "name": "demo"}}
    told |= {"ranges": [{"type": kind, "events": list(events)}]} if events else {}
    return {"id": "X-1", "affected": [told | ({"versions": list(versions)} if versions else {})]}


@given(version=NUMBERS, introduced=NUMBERS, end=NUMBERS)
def test_a_range_agrees_with_packaging(version, introduced, end):
    at = Version(version)
    fixed = about({"introduced": introduced}, {"fixed": end})
    last = about({"introduced": introduced}, {"last_affected": end})
    begins = at >= Version(introduced)
    if Version(end) > Version(introduced):
        assert affects(fixed, PYPI, "demo", version) is (begins and at < Version(end))
    if Version(end) >= Version(introduced):
        assert affects(last, PYPI, "demo", version) is (begins and at <= Version(end))


@given(version=NUMBERS, cuts=st.lists(NUMBERS, min_size=2, max_size=6, unique_by=Version), order=st.randoms())
def test_several_ranges_in_any_order(version, cuts, order):
    cuts = sorted(cuts, key=Version)
    events = [{"introduced" if place % 2 == 0 else "fixed": cut} for place, cut in enumerate(cuts)]
    passed = sum(Version(version) >= Version(cut) for cut in cuts)
    order.shuffle(events)
    assert affects(about(*events), PYPI, "demo", version) is (passed % 2 == 1)


@pytest.mark.parametrize(
    ("told", "version", "expected"),
    [
        (about({"introduced": "0"}), "0.0.1", True),
        (about({"introduced": "0"}, {"fixed": "2"}), "2rc1", True),
        (about({"introduced": "0"}, {"fixed": "2"}), "2.0.0", False),
        (about({"introduced": "1"}, {"fixed": "1.5"}, {"introduced": "2"}), "1.7", False),
        (about({"introduced": "1"}, {"fixed": "1.5"}, {"introduced": "2"}), "3", True),
        (about({"introduced": "0"}, {"limit": "2"}), "2", False),
        (about({"introduced": "0"}, {"limit": "*"}), "2", True),
        (about(versions=("1.0", "1.1")), "1.1.0", True),
        (about(versions=("1.0", "1.1")), "1.2", False),
        (about({"introduced": "5"}, versions=("1.0",)), "1.0", True),
        (about({"introduced": "0"}) | {"withdrawn": "2026-01-01T00:00:00Z"}, "1", False),
        (about({"introduced": "0"}, ecosystem="npm"), "1", False),
        (about({"introduced": "0"}, ecosystem="PyPI:extra"), "1", True),
        (about({"introduced": "abc"}, kind="GIT", versions=("1.0",)), "2.0", False),
        ({"id": "X-1"}, "1", False),
    ],
)
def test_ranges_and_versions(told, version, expected):
    assert affects(told, PYPI, "demo", version) is expected


@pytest.mark.parametrize(
    ("version", "expected"), [("1.0.0", True), ("2.0.0-rc.1", True), ("2.0.0", False), ("2.0.0+build", False)]
)
def test_npm_versions_are_semantic(version, expected):
    told = about({"introduced": "0"}, {"fixed": "2.0.0"}, kind="SEMVER", ecosystem="npm")
    assert affects(told, NPM, "demo", version) is expected


@pytest.mark.parametrize(
    "told",
    [
        about({"introduced": "abc"}, kind="GIT"),
        about({"introduced": "not a version"}),
        about({"introduced": "0", "fixed": "1"}),
        about({"odd": "1"}),
        about({}),
        about(),
        {"id": "X-1", "affected": 3},
        {"id": "X-1", "affected": [{"package": {"ecosystem": "PyPI", "name": "demo"}, "ranges": 3}]},
        {
            "id": "X-1",
            "affected": [
                {"package": {"ecosystem": "PyPI", "name": "demo"}, "ranges": [{"type": "ECOSYSTEM", "events": [3]}]}
            ],
        },
    ],
)
def test_what_does_not_tell_its_versions_is_unreadable(told):
    with pytest.raises(RecordUnreadable):
        affects(told, PYPI, "demo", "1.0")


def scored(kind: str, vector: str) -> dict[str, Any]:
    return {"severity": [{"type": kind, "score": vector}]}


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ({"database_specific": {"severity": "MODERATE"}}, "medium"),
        ({"database_specific": {"severity": "critical"}}, "critical"),
        (
            {"database_specific": {"severity": "LOW"}}
            | scored("CVSS_V3", "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"),
            "low",
        ),
        ({"affected": [{"ecosystem_specific": {"severity": "High"}}]}, "high"),
        (scored("CVSS_V3", "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"), "critical"),
        (scored("CVSS_V3", "CVSS:3.0/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:N/A:N"), "high"),
        (scored("CVSS_V3", "CVSS:3.1/AV:L/AC:H/PR:H/UI:R/S:U/C:L/I:N/A:N"), "low"),
        (scored("CVSS_V2", "AV:N/AC:M/Au:N/C:N/I:P/A:N"), "medium"),
        (scored("CVSS_V4", "CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N"), "critical"),
        (scored("CVSS_V3", "nonsense"), ""),
        (scored("CVSS_V3", "x" * 100_000), ""),
        (scored("CVSS_V9", "1"), ""),
        ({"severity": [3, {"type": 3}]}, ""),
        ({"database_specific": 3}, ""),
        ({}, ""),
    ],
)
def test_how_bad_it_is(told, expected):
    assert severity(told) == expected


def test_hostile_text_is_one_short_visible_line():
    told = record(
        "X-1",
        "PyPI",
        "demo",
        summary="a\n<!-- \u202e" + "b" * 9000,
        aliases=["CVE-1", "a b", 3],
        references=[{"type": "ADVISORY", "url": "javascript:1"}, 3],
    )
    found = advisory(told, PYPI, "demo")
    assert len(found.summary) <= 300
    assert found.summary.isprintable()
    assert (found.aliases, found.url) == (("CVE-1",), None)
