"""Defects that the project's own tests find."""

from typing import Final

from tests.governance.corpus.planted import Files, Tree, added, appended, pair

TEST: Final = "def test_planted():\n    assert {} == 4\n"
IMPORTED: Final = "from {0} import {1}\n\n\ndef test_planted():\n    assert {1}(4.0) == 2\n"
PLACE: Final = "tests/test_planted.py"


def _broken(tree: Tree) -> Files:
    return {tree.module: tree.text(tree.module).replace(*tree.breaks, 1)}


def _tidied(tree: Tree) -> Files:
    return {tree.module: tree.text(tree.module).replace(tree.breaks[0], tree.tidied, 1)}


TESTS: Final = (
    pair("tests", "a function that does something else", _broken, _tidied),
    pair("tests", "a new test that fails", added({PLACE: TEST.format("2 + 3")}), added({PLACE: TEST.format("2 + 2")})),
    pair("tests", "a test that cannot be loaded",
         added({PLACE: IMPORTED.format("nothing_of_the_kind", "root")}), added({PLACE: IMPORTED.format("math", "sqrt")})),
    pair("tests", "a module that stops when it is loaded",
         appended('raise RuntimeError("planted")\n'), appended('PLANTED = "planted"\n')),
)  # fmt: skip
