"""YAML of a repository: as GitHub reads it, with lines, bounded."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resources.yaml_documents import MAX_BYTES, DocumentUnreadable, read_document


def test_words_stay_words_and_only_true_and_false_are_flags() -> None:
    text = "on: yes\nother: no\nflag: true\nFlag: False\nday: 2026-11-21\nnumber: 3\nempty:\n"
    assert read_document(text).value == {
        "on": "yes", "other": "no", "flag": True, "Flag": False, "day": "2026-11-21", "number": 3, "empty": None,
    }  # fmt: skip


def test_every_key_has_its_line_and_others_that_of_what_holds_them() -> None:
    document = read_document("# comment\na:\n  b:\n    - c: 1\n    - d: 2\n")
    assert [document.line_of(path) for path in (("a",), ("a", "b"), ("a", "b", 1, "d"), ("a", "x", "y"), ())] == [
        2,
        3,
        5,
        2,
        1,
    ]


def test_an_empty_text_is_nothing() -> None:
    assert read_document("").value is None
    assert read_document("# only a comment\n").lines == {(): 1}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a: 1\na: 2\n", "line 2: a: key is given twice, first on line 1"),
        ("b:\n  a: 1\n  'a': 2\n", "line 3: b.a: key is given twice"),
        ("x: &x {y: 1}\n<<: *x\n", "line 2: merge keys"),
        ("a\tb: [", "line"),
        ("a: !!python/name:os.system x", "line 1: YAML tags such as"),
        ("a: 1\n--- \nb: 2\n", "line 2: not valid YAML: but found another document"),
        ("[" * 3000, "line 1: nested deeper than"),
        ("? [a]\n: b\n", "line 1: a key must be plain text"),
        ("é" * MAX_BYTES, "more than"),
        ("a: \x07", "line 1"),
    ],
)
def test_what_could_surprise_is_refused_with_its_line(text: str, words: str) -> None:
    with pytest.raises(DocumentUnreadable, match=words):
        read_document(text)


def test_a_value_may_be_used_twice_and_may_hold_itself() -> None:
    assert read_document("a: &x [1]\nb: *x\n").value == {"a": [1], "b": [1]}
    loop = read_document("a: &x [*x]\n").value
    assert loop["a"][0] is loop["a"]


@given(
    st.text(max_size=300)
    | st.lists(st.sampled_from([*"{}[]:,-&*!|>%@`'\"#\n \t0a", "<<", "? "]), max_size=60).map("".join)
)
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        read_document(text)
    except DocumentUnreadable as error:
        assert str(error).startswith("line ")
