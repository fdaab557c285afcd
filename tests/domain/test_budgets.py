"""A budget is read in people's units, and nothing that is not clearly an amount is."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from domain.budgets import MOST_TOKENS, MOST_USD, Budget, parse_tokens, parse_usd


def test_the_written_example_is_read():
    assert Budget.model_validate({"usd": "5", "tokens": "2M", "wall": "4h"}) == Budget(
        usd=5.0, tokens=2_000_000, wall=timedelta(seconds=14400)
    )


@pytest.mark.parametrize(
    ("text", "usd"),
    [
        (5, 5),
        (0.01, 0.01),
        ("5", 5),
        (" $2.50 ", 2.5),
        ("5 USD", 5),
        ("5usd", 5),
        ("1_000", 1000),
        (2.499, 2.5),
        ("$ 7", 7),
    ],
)
def test_dollars_are_read(text: object, usd: float):
    assert parse_usd(text) == usd


@pytest.mark.parametrize(
    "text",
    [-5, 0, "0", "-5", "five", "", " ", None, True, [], {}, "5 EUR", "€5", "1e3", "nan", "inf", float("nan"), float("inf"),
     "5,00", "1_00", MOST_USD + 1, "9" * 400, "\u0665", 0.001, "5 5"],
)  # fmt: skip
def test_wrong_dollars_are_refused(text: object):
    with pytest.raises(ValueError, match="give dollars"):
        parse_usd(text)


@pytest.mark.parametrize(
    ("text", "tokens"),
    [(1, 1), (2e6, 2_000_000), ("2M", 2_000_000), ("2m", 2_000_000), ("500 k", 500_000), ("1.5M", 1_500_000),
     ("1_000_000", 1_000_000), ("1G", 10**9), ("0.001k", 1), (MOST_TOKENS, MOST_TOKENS)],
)  # fmt: skip
def test_tokens_are_read(text: object, tokens: int):
    assert parse_tokens(text) == tokens


@pytest.mark.parametrize(
    "text",
    [-1, 0, "0", "-2M", "many", "", None, False, [], "2 parsecs", "2MM", "2Mi", "1.5", 1.5, "0.5k5", "nan", float("nan"),
     float("inf"), MOST_TOKENS + 1, "1001G", "9" * 400, "1.0000001M", "\u0662M"],
)  # fmt: skip
def test_wrong_tokens_are_refused(text: object):
    with pytest.raises(ValueError, match="give whole tokens"):
        parse_tokens(text)


@given(st.integers(1, MOST_TOKENS))
def test_any_whole_number_of_tokens_is_itself(count: int):
    assert parse_tokens(count) == parse_tokens(str(count)) == count


@given(st.text(max_size=30))
def test_any_text_is_an_amount_within_bounds_or_refused(text: str):
    for parse, most in ((parse_usd, MOST_USD), (parse_tokens, MOST_TOKENS)):
        try:
            assert 0 < parse(text) <= most
        except ValueError as refused:
            assert str(refused).startswith("give")


def test_each_wrong_field_is_named_and_unknown_ones_are_too():
    with pytest.raises(ValidationError) as refused:
        Budget.model_validate({"usd": -1, "tokens": "many", "wall": "soon", "eur": 1})
    assert {one["loc"][0] for one in refused.value.errors()} == {"usd", "tokens", "wall", "eur"}
