"""No ticket's own budget may exceed what policy allows."""

from datetime import timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from domain.budgets import Budget
from policy.ceilings import over_ceilings
from policy.limits import RunLimits
from policy.rules_model import LIMITS, Ceilings, LimitPolicy

CEILINGS = Ceilings(usd=10, tokens=1_000_000, wall=timedelta(hours=2))


@pytest.mark.parametrize(
    ("told", "over"),
    [
        (None, []),
        ({}, []),
        ({"usd": 10, "tokens": "1M", "wall": "2h"}, []),
        ({"usd": 10.01}, ["usd"]),
        ({"tokens": 1_000_001}, ["tokens"]),
        ({"wall": "7201s"}, ["wall"]),
        ({"usd": 1_000_000, "tokens": "1000G", "wall": "30d"}, ["usd", "tokens", "wall"]),
        ({"usd": 0.01, "wall": "30d"}, ["wall"]),
    ],
)
def test_each_part_over_its_ceiling_is_told(told: Any, over: list[str]) -> None:
    assert list(over_ceilings(None if told is None else Budget.model_validate(told), CEILINGS)) == over


def test_both_figures_are_told() -> None:
    found = over_ceilings(Budget(usd=500, tokens="2M", wall="3h"), CEILINGS)
    assert found["usd"] == "500.00 USD is more than the ceiling, 10.00 USD"
    assert found["tokens"] == "2000000 tokens is more than the ceiling, 1000000 tokens"
    assert found["wall"] == "3:00:00 is more than the ceiling, 2:00:00"


@pytest.mark.parametrize(
    "wrong",
    [
        {"on_breach": {"walls": "pause"}},
        {"on_breach": {"wall": "retry"}},
        {"on_breach": None},
        {"ceilings": {"usd": float("inf"), "tokens": 1, "wall": "1h"}},
        {"ceilings": {"usd": float("nan"), "tokens": 1, "wall": "1h"}},
        {"ceilings": {"usd": 0, "tokens": 1, "wall": "1h"}},
        {"ceilings": {"usd": 1, "tokens": 0.5, "wall": "1h"}},
        {"ceilings": {"usd": 1, "tokens": 1, "wall": "long"}},
        {"ceilings": {"usd": 1, "tokens": 1}},
    ],
)
def test_wrong_limits_are_refused(wrong: dict[str, Any]) -> None:
    told = {"on_breach": {}, "ceilings": {"usd": 1, "tokens": 1, "wall": "1h"}}
    assert LimitPolicy.model_validate(told)
    with pytest.raises(ValidationError):
        LimitPolicy.model_validate({**told, **wrong})


def test_every_limit_of_a_run_may_be_named() -> None:
    assert set(LIMITS) == set(RunLimits.model_fields) - {"tool_inactivity"} | {"memory"}
