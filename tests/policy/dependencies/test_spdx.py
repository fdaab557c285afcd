"""Licences: as metadata tells them, and as a policy weighs them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policy.governance.model import LicensePolicy
from policy.governance.spdx import CLASSIFIERS, Standing, expression, judge_license, of_distribution, of_manifest

LISTS = LicensePolicy(
    allow=("MIT", "Apache-2.0", "LGPL-3.0", "GPL-2.0-only WITH Classpath-exception-2.0"),
    deny=("GPL-3.0", "AGPL-3.0-only"),
)
OSI = "License :: OSI Approved :: "


@pytest.mark.parametrize(
    ("told", "license_text", "classifiers", "expected"),
    [
        ("MIT", "GPL-3.0", (), "MIT"),
        ("mit or apache-2.0", None, (), "MIT OR Apache-2.0"),
        (None, "BSD-3-Clause", (), "BSD-3-Clause"),
        (None, "Apache License, Version 2.0", (), "Apache-2.0"),
        (None, "see LICENSE", (f"{OSI}MIT License",), "MIT"),
        (None, None, (f"{OSI}MIT License", f"{OSI}Apache Software License"), "Apache-2.0 AND MIT"),
        (None, None, ("License :: OSI Approved", f"{OSI}MIT License"), "MIT"),
        (None, None, (f"{OSI}BSD License",), "BSD-2-Clause AND BSD-3-Clause"),
        (None, None, (f"{OSI}GNU General Public License (GPL)",), None),
        (None, None, (f"{OSI}MIT License", "License :: Other/Proprietary License"), None),
        (None, None, ("Topic :: Software Development", 7, None), None),
        (None, "x" * 100_000, (), None),
        ({"a": 1}, ["MIT"], (), None),
        ("", "", (), None),
    ],
)
def test_a_python_distributions_licence(told, license_text, classifiers, expected):
    assert of_distribution(told, license_text, classifiers) == expected


@pytest.mark.parametrize(
    ("told", "older", "expected"),
    [
        ("ISC", None, "ISC"),
        ("(MIT OR CC0-1.0)", None, "(MIT OR CC0-1.0)"),
        ("UNLICENSED", None, None),
        ("SEE LICENSE IN LICENSE.md", None, None),
        ({"type": "MIT", "url": "x"}, None, "MIT"),
        (None, [{"type": "MIT"}, {"type": "Apache-2.0"}], "(MIT) OR (Apache-2.0)"),
        (None, [{"type": "MIT"}, {"type": "Own"}], None),
        (["MIT"], None, "(MIT)"),
        (None, [], None),
        (7, "MIT", None),
    ],
)
def test_an_npm_packages_licence(told, older, expected):
    assert of_manifest(told, older) == expected


@pytest.mark.parametrize("told", sorted(CLASSIFIERS.values()))
def test_every_classifier_names_a_licence_that_exists(told):
    assert expression(told) == told


@pytest.mark.parametrize(
    ("told", "standing", "decided_by"),
    [
        ("MIT", Standing.ALLOWED, "MIT"),
        ("mit", Standing.ALLOWED, "MIT"),
        ("GPL-3.0", Standing.DENIED, "GPL-3.0-only"),
        ("GPL-3.0-or-later", Standing.UNLISTED, "GPL-3.0-or-later"),
        ("MIT OR GPL-3.0-only", Standing.ALLOWED, "MIT"),
        ("MIT AND GPL-3.0-only", Standing.DENIED, "GPL-3.0-only"),
        ("MIT AND (Apache-2.0 OR AGPL-3.0-only)", Standing.ALLOWED, "MIT"),
        ("(MIT AND AGPL-3.0-only) OR EUPL-1.2", Standing.UNLISTED, "EUPL-1.2"),
        ("GPL-3.0-only WITH GCC-exception-3.1", Standing.DENIED, "GPL-3.0-only WITH GCC-exception-3.1"),
        ("Apache-2.0 WITH LLVM-exception", Standing.ALLOWED, "Apache-2.0 WITH LLVM-exception"),
        ("GPL-2.0-only WITH Classpath-exception-2.0", Standing.ALLOWED, "GPL-2.0-only WITH Classpath-exception-2.0"),
        ("GPL-2.0-only", Standing.UNLISTED, "GPL-2.0-only"),
        ("LGPL-3.0-only", Standing.ALLOWED, "LGPL-3.0-only"),
        ("LicenseRef-Ours", Standing.UNKNOWN, "LicenseRef-Ours"),
        ("MIT OR LicenseRef-Ours", Standing.ALLOWED, "MIT"),
        ("MIT AND LicenseRef-Ours", Standing.UNKNOWN, "LicenseRef-Ours"),
        (None, Standing.UNKNOWN, "none told"),
        ("Apache License, Version 9", Standing.UNKNOWN, "Apache License, Version 9"),
    ],
)
def test_a_policy_weighs_an_expression(told, standing, decided_by):
    assert judge_license(told, LISTS) == (standing, decided_by)


@pytest.mark.parametrize(
    "told",
    ["(" * 300 + "MIT" + ")" * 300, "MIT OR " * 100 + "MIT", "MIT AND " * 140, "\0", "MIT\nOR GPL-3.0", "A" * 5000],
)
def test_odd_texts_end_in_a_standing(told):
    judge_license(told, LISTS)


@given(
    words=st.lists(
        st.sampled_from(["MIT", "GPL-3.0-only", "AND", "OR", "WITH", "(", ")", "LicenseRef-x", "é", "+"]), max_size=12
    )
)
def test_no_text_raises_and_none_without_an_allowed_licence_is_allowed(words):
    judged = judge_license(" ".join(words), LISTS)
    assert judged.standing is not Standing.ALLOWED or "MIT" in words


LEAVES = st.sampled_from(["MIT", "GPL-3.0-only", "EUPL-1.2", "LicenseRef-x"])
TREES = st.recursive(LEAVES, lambda inner: st.tuples(st.sampled_from(["AND", "OR"]), inner, inner), max_leaves=6)
WEIGHT = {"MIT": 3, "GPL-3.0-only": 0, "EUPL-1.2": 1, "LicenseRef-x": 2}


def written(tree) -> str:
    return tree if isinstance(tree, str) else f"({written(tree[1])} {tree[0]} {written(tree[2])})"


def weight(tree) -> int:
    return (
        WEIGHT[tree] if isinstance(tree, str) else (min if tree[0] == "AND" else max)(weight(tree[1]), weight(tree[2]))
    )


@given(tree=TREES)
def test_and_takes_the_worst_and_or_the_best(tree):
    assert judge_license(written(tree), LISTS).standing == weight(tree)
