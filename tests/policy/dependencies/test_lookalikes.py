"""Names that can be taken for popular ones, and names that cannot."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

import policy.governance
from domain.changes import Ecosystem
from policy.governance.lookalikes import lookalike
from tests.architecture.places import ROOT

POPULAR = {one: tuple((ROOT / "policy" / "governance" / f"popular_{one}.txt").read_text().split()) for one in Ecosystem}


@pytest.mark.parametrize(
    ("ecosystem", "name", "popular"),
    [
        ("pypi", "reqeusts", "requests"),
        ("pypi", "request", "requests"),
        ("pypi", "requestss", "requests"),
        ("pypi", "djang0", "django"),
        ("pypi", "nurnpy", "numpy"),
        ("pypi", "python-requests", "requests"),
        ("pypi", "requests-py", "requests"),
        ("pypi", "pythondateutil", "python-dateutil"),
        ("pypi", "dateutil-python", "python-dateutil"),
        ("pypi", "setup-tools", "setuptools"),
        ("pypi", "cryptograhpyy", "cryptography"),
        ("pypi", "beautifu1soup4", "beautifulsoup4"),
        ("npm", "lodahs", "lodash"),
        ("npm", "expres", "express"),
        ("npm", "cross-env.js", "cross-env"),
        ("npm", "crossenv", "cross-env"),
        ("npm", "types-node", "@types/node"),
        ("npm", "@bable/core", "@babel/core"),
    ],
)
def test_a_lookalike_is_found(ecosystem, name, popular):
    assert lookalike(Ecosystem(ecosystem), name, POPULAR[ecosystem]) == popular


@pytest.mark.parametrize(
    ("ecosystem", "name"),
    [
        ("pypi", "requests"),
        ("pypi", "software-factory"),
        ("pypi", "requests-mock-of-ours"),
        ("pypi", "tree-sitter-go"),
        ("pypi", "zz"),
        ("npm", "left-pad"),
        ("npm", "react-dom"),
        ("npm", "@ours/lodash"),
    ],
)
def test_other_names_are_not(ecosystem, name):
    assert lookalike(Ecosystem(ecosystem), name, POPULAR[ecosystem]) is None


@pytest.mark.parametrize("ecosystem", list(Ecosystem))
def test_no_popular_name_is_one(ecosystem):
    popular = POPULAR[ecosystem]
    assert len(popular) == len(set(popular)) == 1000
    assert [name for name in popular if lookalike(ecosystem, name, popular)] == []


def test_a_known_name_is_none():
    assert lookalike(Ecosystem.PYPI, "request", POPULAR["pypi"], ("request",)) is None


@given(name=st.text(max_size=40))
def test_any_name_is_answered_and_always_alike(name):
    found = lookalike(Ecosystem.NPM, name, POPULAR["npm"])
    assert found is None or found in POPULAR["npm"]
    assert found == lookalike(Ecosystem.NPM, name, POPULAR["npm"])


def test_the_lists_come_with_their_notice():
    text = (ROOT / "policy" / "governance" / "popular_NOTICE.txt").read_text()
    assert policy.governance.__name__
    for word in ("guarddog 3.2.0", "Apache License, Version 2.0", "Datadog"):
        assert word in text
