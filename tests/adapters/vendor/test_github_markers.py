"""Hidden lines: written so that only ours are read back, whatever text stands around them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters._vendor.github_markers import BODY_LIMIT, Marker, bounded, is_signed, read_marker, signed

NAMES = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}", fullmatch=True)


@given(ticket=NAMES, run=NAMES, fence=st.integers(0, 10**17), before=st.text(), after=st.text())
def test_a_marker_is_read_back_from_any_text(ticket, run, fence, before, after):
    marker = Marker(ticket, run, fence, {"base": "0" * 40})
    if "<!-- factory:" not in before:
        assert read_marker(f"{before}{marker}{after}") == marker


@pytest.mark.parametrize(
    "text",
    [
        None,
        "",
        "<!-- factory: -->",
        "<!-- factory: key=x -->",
        "<!-- factory: ticket=T run=r -->",
        "<!-- factory: ticket=T run=r fence=-1 -->",
        "<!-- factory: ticket=T run=r fence=x -->",
        "<!-- factory: ticket=T run=r fence=" + "9" * 19 + " -->",
        "<!-- factory: ticket=a b run=r fence=1 -->",
        "<!-- factory: ticket=T\nrun=r fence=1 -->",
        "&lt;!-- factory: ticket=T run=r fence=1 --&gt;",
        "<!-- factory:" + " k=v" * 100_000 + " -->",
    ],
)
def test_what_is_malformed_is_no_marker(text):
    assert read_marker(text) is None


@given(text=st.text(), key=st.text(min_size=1))
def test_what_is_signed_is_known_by_its_key_alone(text, key):
    body = signed(text, key)
    assert is_signed(body) and is_signed(body, key) and not is_signed(body, key + "x")
    assert len(body) <= BODY_LIMIT and is_signed(body.replace("\n", "\r\n"), key)


def test_a_line_further_down_signs_nothing():
    assert not is_signed("hello\n" + signed("x", "governance"))
    assert not is_signed(None) and not is_signed("")


@given(text=st.text(alphabet="ab`\n ", max_size=400), limit=st.integers(60, 300))
def test_bounded_text_fits_and_says_where_it_was_cut(text, limit):
    found = bounded(text, limit, "cut here")
    assert len(found) <= limit
    assert found == text if len(text) <= limit else found.endswith("cut here\n")
