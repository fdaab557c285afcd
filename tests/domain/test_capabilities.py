"""Requirement and offer meet as people expect, and versions as `packaging` compares them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.specifiers import SpecifierSet
from packaging.version import Version

from domain.capabilities import is_met, parse_offer, parse_requirement, unmet
from domain.versions import parse_version

MET = [
    ("gpu", "gpu"),
    ("GPU", "gpu"),
    ("has:gpu", "gpu"),
    ("gpu", "has:gpu"),
    ("has:xcode", "xcode=15.2"),
    ("has:xcode>=15", "xcode=15.2"),
    ("os:mac", "os:macOS"),
    ("os:darwin", "os:mac"),
    ("os:windows", "os:win32"),
    ("os:any", "os:linux"),
    ("engine:claude", "engine:claude_code"),
    ("engine:devin", "engine:devin"),
    ("factory:mac-2", "factory:mac-2"),
    ("node>=20", "node=20"),
    ("node >= 20", "node==v20.11.1"),
    ("node>=20,<22", "node=21.9"),
    ("node>9", "node=10"),
    ("python~=3.11", "python=3.13"),
    ("python~=3.11.2", "python=3.11.9"),
    ("python==3.11", "python=3.11.0"),
    ("python==3.11.*", "python=3.11.4"),
    ("python!=3.12.*", "python=3.11"),
    ("python>=3.14rc1", "python=3.14.0-rc.2"),
    ("c++>=17", "c++=20"),
    ("node", "node=20"),
]
UNMET = [
    ("gpu", "has:figma"),
    ("gpu", "gpu:amd"),
    ("os:mac", "os:linux"),
    ("os:mac", "mac"),
    ("node>=20", "node=18.19"),
    ("node>=20", "node"),
    ("node>=20", "nodejs=20"),
    ("node>=20", "node:20"),
    ("node>10", "node=9"),
    ("node>=20,<22", "node=22"),
    ("node!=20.0", "node=20"),
    ("node==20", "node=20.1"),
    ("python~=3.11", "python=4.0"),
    ("python~=3.11.2", "python=3.12"),
    ("python==3.1.*", "python=3.11"),
    ("python>=3.14", "python=3.14rc2"),
    ("python<3.14", "python=3.14rc2"),
    ("engine:codex", "engine:claude"),
    ("has:node>=20", "os:linux"),
]
MALFORMED = [
    "", " ", ":", "os:", ":mac", "a:b:c", "has", "has:", "gpu:any", "has:any:x", ">=20", "node>=", "node=>20", "node=20",
    "node>=twenty", "node>=20,", "node>=20 <22", "node>=*", "node>=20.*", "node~=20", "node~=20.*", "node==20rc1.*",
    "node>=1.2.3.4.5.6.7", "node>=1234567890", "two words", "new\nline", "gpu\x00", "os:mac>=3", "ünï", "node>=٢٠", "-x",
    "node>=20||x", "$(id)", "<script>", "node===20", "../up", "x" * 65,
]  # fmt: skip


@pytest.mark.parametrize(("requirement", "offer"), MET)
def test_offer_meets_the_requirement(requirement: str, offer: str):
    assert is_met(requirement, ["other", offer])


@pytest.mark.parametrize(("requirement", "offer"), UNMET)
def test_offer_does_not_meet_the_requirement(requirement: str, offer: str):
    assert not is_met(requirement, ["other", offer])


def test_any_system_will_do_even_when_none_is_told():
    assert is_met("os:any", [])
    assert not is_met("os:mac", [])


@pytest.mark.parametrize("text", MALFORMED)
def test_malformed_requirement_is_refused_with_words(text: str):
    with pytest.raises(ValueError) as refused:
        parse_requirement(text)
    assert len(str(refused.value)) > 20


@pytest.mark.parametrize(
    "text", ["", "os:any", "node>=20", "node=", "node=twenty", "a b", "node=20,21", "has:", "node=20.*"]
)
def test_malformed_offer_is_refused(text: str):
    with pytest.raises(ValueError):
        parse_offer(text)


def test_what_is_not_met_is_told_as_written_and_in_order():
    assert unmet(["Node>=20", "gpu", "os:any"], ["node=18"]) == ("Node>=20", "gpu")
    assert unmet(["gpu"], iter(["gpu"])) == ()


@given(st.text(max_size=40))
def test_any_text_is_read_or_refused_in_words(text: str):
    for parse in (parse_requirement, parse_offer, parse_version):
        try:
            parse(text)
        except ValueError as refused:
            assert str(refused)


numbers = st.lists(st.integers(0, 12), min_size=1, max_size=4).map(lambda parts: ".".join(map(str, parts)))
versions = st.tuples(numbers, st.sampled_from(["", "", "a1", "b2", "rc1", "rc2"])).map("".join)


@given(versions, versions)
def test_versions_are_ordered_as_packaging_orders_them(one: str, other: str):
    ours, theirs = (parse_version(one), parse_version(other)), (Version(one), Version(other))
    assert (ours[0] < ours[1], ours[0] == ours[1]) == (theirs[0] < theirs[1], theirs[0] == theirs[1])


@given(st.sampled_from([">=", "<=", "==", "!=", ">", "<", "~="]), versions, versions)
def test_clauses_hold_as_those_of_packaging(operator: str, asked: str, offered: str):
    if operator == "~=" and "." not in asked:
        asked = f"{asked.rstrip('abrc')}.0" if asked.isdigit() else "1.0"
    theirs = SpecifierSet(f"{operator}{asked}").contains(offered, prereleases=True)
    assert is_met(f"tool{operator}{asked}", [f"tool={offered}"]) == theirs


@given(st.sampled_from(["==", "!="]), numbers, versions)
def test_prefixes_match_as_those_of_packaging(operator: str, asked: str, offered: str):
    theirs = SpecifierSet(f"{operator}{asked}.*").contains(offered, prereleases=True)
    assert is_met(f"tool{operator}{asked}.*", [f"tool={offered}"]) == theirs
