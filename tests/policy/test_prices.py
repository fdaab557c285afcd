"""Tokens become dollars by the first pattern that fits; what a program told stands."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from domain.execution import Usage
from policy.prices import PricePolicy, priced
from resources.policy_files import load_policy

SHIPPED = load_policy().prices
OWN = PricePolicy.model_validate(
    {
        "models": {
            "gpt-5-mini*": {"input": 1, "cached_input": 0.1, "output": 4},
            "gpt-5*": {"input": 2, "cached_input": 0.2, "output": 8},
            "free": {"input": 0, "cached_input": 0, "output": 0},
            "*": {"input": 5, "cached_input": 0.5, "output": 20},
        }
    }
)
USED = Usage(input_tokens=1_000_000, cached_input_tokens=10_000_000, output_tokens=100_000, tool_calls=3)


@pytest.mark.parametrize(
    ("model", "usd"),
    [
        ("gpt-5-mini-2026", 1 + 1 + 0.4),
        ("gpt-5.1-codex", 2 + 2 + 0.8),
        ("GPT-5", 5 + 5 + 2),
        ("nobody-knows", 12),
        ("free", 0),
        ("", 12),
        (None, 12),
        ("gpt-5\n", 2 + 2 + 0.8),
        ("[a-", 12),
        ("x" * 100_000, 12),
    ],
)
def test_the_first_pattern_that_fits_is_the_price(model: str | None, usd: float) -> None:
    found = priced(USED, model, OWN)
    assert found.cost_usd == pytest.approx(usd)
    assert found.model_copy(update={"cost_usd": 0.0}) == USED


def test_the_default_counts_last_only_where_it_stands_last() -> None:
    first = PricePolicy(models={"*": OWN.models["*"], "free": OWN.models["free"]})
    assert priced(USED, "free", first).cost_usd == pytest.approx(12)


def test_money_the_program_told_stands() -> None:
    told = USED.model_copy(update={"cost_usd": 0.07})
    assert priced(told, "gpt-5", OWN) is told


def test_nothing_used_costs_nothing() -> None:
    assert priced(Usage(), "gpt-5", SHIPPED).cost_usd == 0


@pytest.mark.parametrize(
    ("model", "like"),
    [
        ("gpt-5.1-codex-mini", "gpt-5*-mini*"),
        ("gpt-5.1-codex-max", "gpt-5*"),
        ("gemini-2.5-flash-lite", "gemini-*-flash-lite*"),
        ("gemini-2.5-flash", "gemini-*-flash*"),
        ("gemini-3-pro-preview", "gemini-*"),
        ("claude-haiku-4-5", "claude-*haiku*"),
        ("claude-opus-4-1", "claude-*opus*"),
        ("claude-sonnet-4-5", "claude-*"),
        ("brand-new", "*"),
    ],
)
def test_shipped_prices_tell_the_models_apart(model: str, like: str) -> None:
    price = SHIPPED.models[like]
    assert priced(Usage(output_tokens=1_000_000), model, SHIPPED).cost_usd == price.output
    assert priced(Usage(input_tokens=1_000_000), model, SHIPPED).cost_usd == price.input
    assert price.cached_input < price.input < price.output


def test_a_model_nobody_named_is_dearer_than_the_cheap_ones() -> None:
    cheap = [one for name, one in SHIPPED.models.items() if "mini" in name or "flash" in name or "haiku" in name]
    assert all(SHIPPED.models["*"].output > one.output for one in cheap)


@given(st.integers(0, 10**12), st.integers(0, 10**12), st.integers(0, 10**12), st.text(max_size=30))
def test_a_cost_is_never_negative_and_rises_with_use(more: int, cached: int, output: int, model: str) -> None:
    some = Usage(cached_input_tokens=cached, output_tokens=output)
    found = [priced(one, model, SHIPPED).cost_usd for one in (some, some.model_copy(update={"input_tokens": more}))]
    assert 0 <= found[0] <= found[1]


@pytest.mark.parametrize(
    "models",
    [
        {},
        {"gpt-5": {"input": 1, "cached_input": 1, "output": 1}},
        {"*": {"input": -1, "cached_input": 1, "output": 1}},
        {"*": {"input": float("nan"), "cached_input": 1, "output": 1}},
        {"*": {"input": float("inf"), "cached_input": 1, "output": 1}},
        {"*": {"input": 1, "output": 1}},
        {"*": {"input": 1, "cached_input": 1, "output": 1, "reasoning": 1}},
        {"*": None},
        None,
    ],
)
def test_wrong_prices_are_refused(models: Any) -> None:
    with pytest.raises(ValidationError):
        PricePolicy.model_validate({"models": models})
