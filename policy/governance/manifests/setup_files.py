"""setup.cfg, and setup.py as far as it can be read without running it."""

import ast
import configparser
from typing import Final

from policy.governance.manifests.requirement import read_requirement
from policy.governance.manifests.shape import Asked, Manifest, ManifestUnreadable

_OPTIONS: Final = ("install_requires", "setup_requires", "tests_require")
_EXTRAS: Final = "extras_require"


def read_setup_cfg(text: str) -> Manifest:
    """Read the requirements of `[options]` and its extras; `file:` leads to another file."""
    parser = configparser.RawConfigParser(strict=False)
    try:
        parser.read_string(text)
    except (configparser.Error, ValueError) as error:
        raise ManifestUnreadable("not an ini file") from error
    told = [parser.get("options", key) for key in _OPTIONS if parser.has_option("options", key)]
    extras = f"options.{_EXTRAS}"
    told += [value for _, value in parser.items(extras)] if parser.has_section(extras) else []
    includes = [one.strip() for value in told if value.startswith("file:") for one in value[5:].split(",")]
    lines = [line.strip() for value in told if not value.startswith("file:") for line in value.splitlines()]
    asked = (read_requirement(line) for line in lines if line and not line.startswith("#"))
    return Manifest(tuple(asked), includes=tuple(includes))


def read_setup_py(text: str) -> Manifest:
    """Read what `setup(...)` is given as plain lists; what it computes is named under `elsewhere`.

    The name carries the expression's own text, so that the same computation on the base is nothing new.
    """
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise ManifestUnreadable("not Python") from error
    asked: list[Asked] = []
    elsewhere: list[str] = []
    for word in (node for node in ast.walk(tree) if isinstance(node, ast.keyword)):
        if word.arg in (*_OPTIONS, _EXTRAS):
            try:
                asked += [read_requirement(one) for one in _literal(word.value)]
            except ManifestUnreadable:
                elsewhere.append(f"{word.arg} is computed: {ast.unparse(word.value)[:100]!r}")
    return Manifest(tuple(asked), tuple(elsewhere))


def _literal(node: ast.expr) -> list[object]:
    try:
        told = ast.literal_eval(node)
    except (ValueError, TypeError, RecursionError, MemoryError) as error:
        raise ManifestUnreadable("computed") from error
    return [one for each in (told.values() if isinstance(told, dict) else [told]) for one in _texts(each)]


def _texts(told: object) -> list[object]:
    if told is None or isinstance(told, str):
        return [told] if told else []
    if not isinstance(told, list | tuple | set):
        raise ManifestUnreadable("computed")
    return list(told)
