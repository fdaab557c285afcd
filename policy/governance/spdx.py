"""Licences: what a package's metadata says as one SPDX expression, and what a policy makes of it."""

from collections.abc import Iterable, Mapping
from enum import IntEnum
from functools import cache
from typing import Any, Final, NamedTuple

from packaging.licenses import InvalidLicenseExpression, canonicalize_license_expression

from policy.governance.model import LicensePolicy

LONGEST: Final = 1000  #: characters of an expression
DEEPEST: Final = 50
#: classifiers that name one licence, or a family so small that all of it can be asked for; other families are unknown
CLASSIFIERS: Final[Mapping[str, str]] = {
    "Apache Software License": "Apache-2.0",
    "Academic Free License (AFL)": "AFL-3.0",
    "BSD License": "BSD-2-Clause AND BSD-3-Clause",
    "Boost Software License 1.0 (BSL-1.0)": "BSL-1.0",
    "CC0 1.0 Universal (CC0 1.0) Public Domain Dedication": "CC0-1.0",
    "European Union Public Licence 1.2 (EUPL 1.2)": "EUPL-1.2",
    "GNU Affero General Public License v3": "AGPL-3.0-only",
    "GNU Affero General Public License v3 or later (AGPLv3+)": "AGPL-3.0-or-later",
    "GNU General Public License v2 (GPLv2)": "GPL-2.0-only",
    "GNU General Public License v2 or later (GPLv2+)": "GPL-2.0-or-later",
    "GNU General Public License v3 (GPLv3)": "GPL-3.0-only",
    "GNU General Public License v3 or later (GPLv3+)": "GPL-3.0-or-later",
    "GNU Lesser General Public License v2 (LGPLv2)": "LGPL-2.0-only",
    "GNU Lesser General Public License v2 or later (LGPLv2+)": "LGPL-2.0-or-later",
    "GNU Lesser General Public License v3 (LGPLv3)": "LGPL-3.0-only",
    "GNU Lesser General Public License v3 or later (LGPLv3+)": "LGPL-3.0-or-later",
    "ISC License (ISCL)": "ISC",
    "MIT License": "MIT",
    "MIT No Attribution License (MIT-0)": "MIT-0",
    "Mozilla Public License 1.1 (MPL 1.1)": "MPL-1.1",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
    "Python Software Foundation License": "PSF-2.0",
    "The Unlicense (Unlicense)": "Unlicense",
    "Universal Permissive License (UPL)": "UPL-1.0",
    "zlib/libpng License": "Zlib",
    "Zope Public License": "ZPL-2.1",
}
_CLASSIFIER: Final = "License :: "
#: names in common use for exactly one licence
_USUAL: Final[Mapping[str, str]] = {
    "apache 2.0": "Apache-2.0",
    "apache license 2.0": "Apache-2.0",
    "apache license, version 2.0": "Apache-2.0",
    "apache-2": "Apache-2.0",
    "bsd 2-clause": "BSD-2-Clause",
    "bsd 3-clause": "BSD-3-Clause",
    "bsd 3-clause license": "BSD-3-Clause",
    "mit license": "MIT",
    "mpl 2.0": "MPL-2.0",
    "the mit license": "MIT",
    "the mit license (mit)": "MIT",
}


class Standing(IntEnum):
    """What a policy makes of a licence, from worst to best: AND takes the worst of its parts, OR the best."""

    DENIED = 0
    UNLISTED = 1  #: a known licence on neither list
    UNKNOWN = 2  #: no licence, or one without a meaning of its own (LicenseRef)
    ALLOWED = 3


class Judged(NamedTuple):
    standing: Standing
    decided_by: str  #: the licence that decided


def expression(text: object) -> str | None:
    """Return the canonical SPDX expression; None for anything that is none."""
    if not isinstance(text, str) or len(text) > LONGEST:
        return None
    usual = _USUAL.get(" ".join(text.split()).casefold(), text)
    try:
        return str(canonicalize_license_expression(usual.strip()))
    except (InvalidLicenseExpression, ValueError, SyntaxError, RecursionError, MemoryError):
        return None


def of_distribution(license_expression: object, license_text: object, classifiers: Iterable[object]) -> str | None:
    """Weigh a Python distribution's metadata: License-Expression, else a License that is SPDX, else its classifiers.

    Several licence classifiers do not say whether one may choose: all of them then have to be allowed.
    """
    if found := expression(license_expression) or expression(license_text):
        return found
    told = [text for text in classifiers if isinstance(text, str) and text.startswith(_CLASSIFIER)]
    named = [CLASSIFIERS.get(text.rpartition(" :: ")[2]) for text in told if text != f"{_CLASSIFIER}OSI Approved"]
    if not named or None in named:
        return None
    return expression(" AND ".join(sorted({one for one in named if one})))


def of_manifest(license_field: object, licenses: object = None) -> str | None:
    """Weigh package.json's `license`, and the older forms: an object, and a list of objects of which one may choose."""
    if isinstance(license_field, dict):
        return expression(license_field.get("type"))
    if isinstance(license_field, str):
        return expression(license_field)
    told = license_field if isinstance(license_field, list) else licenses
    if not isinstance(told, list) or not told or len(told) > 20:
        return None
    found = [expression(one.get("type") if isinstance(one, dict) else one) for one in told]
    return " OR ".join(f"({one})" for one in found if one) if None not in found else None


def judge_license(told: str | None, policy: LicensePolicy) -> Judged:
    """Weigh an expression; one that cannot be read is unknown."""
    if told is None or (canonical := expression(told)) is None:
        return Judged(Standing.UNKNOWN, told or "none told")
    tree = _parse(canonical)
    if tree is None:
        return Judged(Standing.UNKNOWN, canonical)
    return _judge(tree, _names(policy.allow), _names(policy.deny), 0)


@cache
def _licensing() -> Any:
    from license_expression import get_spdx_licensing  # noqa: PLC0415 - its index takes a third of a second

    return get_spdx_licensing()


def _parse(text: str) -> Any:
    """Return the expression's tree; license-expression fails on odd texts with whatever comes to its mind."""
    from boolean import ParseError  # noqa: PLC0415
    from license_expression import ExpressionError  # noqa: PLC0415

    try:
        return _licensing().parse(text)
    except (ExpressionError, ParseError, AttributeError, KeyError, IndexError, TypeError, ValueError, RecursionError):
        return None


@cache
def _names(told: tuple[str, ...]) -> frozenset[str]:
    """A list may say `GPL-3.0`, which SPDX calls `GPL-3.0-only` today."""
    read = ((text, _parse(text)) for text in told)
    return frozenset(name.casefold() for text, tree in read for name in (text, str(tree or text)))


def _judge(tree: Any, allow: frozenset[str], deny: frozenset[str], depth: int) -> Judged:
    operator = getattr(tree, "operator", "").strip()
    if operator in ("AND", "OR") and depth < DEEPEST:
        parts = [_judge(one, allow, deny, depth + 1) for one in tree.args]
        return (min if operator == "AND" else max)(parts, key=lambda one: one.standing)
    whole = str(tree)
    names = [whole.casefold()]
    if " WITH " in whole:  # an exception only permits more
        names.append(whole.partition(" WITH ")[0].casefold())
    for name in names:
        if name in deny:
            return Judged(Standing.DENIED, whole)
        if name in allow:
            return Judged(Standing.ALLOWED, whole)
    return Judged(Standing.UNKNOWN if "licenseref-" in names[-1] or depth >= DEEPEST else Standing.UNLISTED, whole)
