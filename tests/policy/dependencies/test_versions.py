"""Specifiers mean what their own tools make of them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.specifiers import SpecifierSet
from packaging.version import Version

from domain.changes import Ecosystem
from policy.governance.versions import newest, parsed, pypi_specifier, satisfies

NUMBERS = st.lists(st.integers(0, 12), min_size=1, max_size=4).map(lambda told: ".".join(map(str, told)))
VERSIONS = st.builds(
    lambda numbers, end: numbers + end, NUMBERS, st.sampled_from(["", "a1", "rc2", ".post1", ".dev3", "+local"])
)
CLAUSES = st.builds(lambda sign, version: sign + version, st.sampled_from(["==", "!=", ">=", "<=", ">", "<"]), NUMBERS)


@given(version=VERSIONS, clauses=st.lists(CLAUSES, max_size=3))
def test_python_specifiers_agree_with_packaging(version, clauses):
    text = ",".join(clauses)
    assert satisfies(Ecosystem.PYPI, text, version) is SpecifierSet(text).contains(version, prereleases=True)


@given(one=VERSIONS, other=VERSIONS)
def test_the_newest_is_packagings(one, other):
    found = newest(Ecosystem.PYPI, [one, other])
    finals = [text for text in (one, other) if not Version(text).is_prerelease] or [one, other]
    assert Version(found) == max(map(Version, finals))


@given(
    major=st.integers(0, 3), minor=st.integers(0, 3), patch=st.integers(0, 3), other=st.tuples(*[st.integers(0, 4)] * 3)
)
def test_a_caret_keeps_the_first_number_that_is_not_zero(major, minor, patch, other):
    base = (major, minor, patch)
    kept = next((place for place, number in enumerate(base) if number), 2) + 1
    expected = other >= base and other[:kept] == base[:kept]
    version = ".".join(map(str, other))
    specifier = "^" + ".".join(map(str, base))
    assert satisfies(Ecosystem.PYPI, specifier, version) is expected
    assert satisfies(Ecosystem.NPM, specifier, version) is expected


@pytest.mark.parametrize(
    ("ecosystem", "specifier", "version", "expected"),
    [
        ("pypi", "~1.2", "1.9", False),
        ("pypi", "~1.2", "1.2.9", True),
        ("pypi", "~1", "1.9", True),
        ("pypi", "1.2", "1.2.0", True),
        ("pypi", "", "1.0", True),
        ("pypi", "*", "1.0", True),
        ("pypi", "==1.*", "1.7", True),
        ("pypi", "~=1.4", "1.9", True),
        ("pypi", "===1.0", "1.0", True),
        ("pypi", "^1 || ^2", "1.0", None),
        ("pypi", ">=x", "1.0", None),
        ("pypi", ">=1", "not a version", None),
        ("pypi", "=" * 10_000, "1.0", None),
        ("npm", "", "1.0.0", True),
        ("npm", "1.x", "1.9.9", True),
        ("npm", ">= 1.2 < 2", "1.9.0", True),
        ("npm", "1.2.3 - 2", "2.5.0", True),
        ("npm", "^1 || ^3", "2.0.0", False),
        ("npm", "^1.0.0", "1.5.0-beta.1", False),
        ("npm", "latest", "1.0.0", None),
        ("npm", "^1", "1.0", None),
        ("npm", "(" * 400, "1.0.0", None),
    ],
)
def test_specifiers(ecosystem, specifier, version, expected):
    assert satisfies(Ecosystem(ecosystem), specifier, version) is expected


@given(text=st.text(max_size=60))
def test_any_text_is_a_specifier_or_none(text):
    pypi_specifier(text)
    for ecosystem in Ecosystem:
        satisfies(ecosystem, text, "1.0.0")
        parsed(ecosystem, text)


def test_the_newest_that_fits():
    offered = ["1.0.0", "2.0.0-rc.1", "1.10.0", "1.9.0", "odd"]
    assert newest(Ecosystem.NPM, offered) == "1.10.0"
    assert newest(Ecosystem.NPM, offered, "<1.10") == "1.9.0"
    assert newest(Ecosystem.NPM, ["2.0.0-rc.1"]) == "2.0.0-rc.1"
    assert newest(Ecosystem.NPM, offered, "^7") is None
    assert newest(Ecosystem.PYPI, []) is None
