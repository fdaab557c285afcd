"""Tokens → dollars, where a program does not tell the money itself."""

from fnmatch import fnmatchcase
from typing import Annotated

from pydantic import AfterValidator, Field

from domain.execution import Usage
from domain.model import Value

Rate = Annotated[float, Field(ge=0, allow_inf_nan=False)]
MILLION = 1_000_000


class Price(Value):
    """US dollars for a million tokens."""

    input: Rate  #: without what was read from a cache
    cached_input: Rate
    output: Rate  #: reasoning counted


def _has_default(models: dict[str, Price]) -> dict[str, Price]:
    if "*" not in models:
        raise ValueError('needs a price for "*": every model that no other line names')
    return models


class PricePolicy(Value):
    """Model name, as a shell pattern, → price; the first that fits counts."""

    models: Annotated[dict[str, Price], AfterValidator(_has_default)]  #: the default, `*`, must be there


def priced(usage: Usage, model: str | None, policy: PricePolicy) -> Usage:
    """Return the usage with its cost; a cost that the program told stands."""
    if usage.cost_usd:
        return usage
    name = model or ""
    price = next(price for pattern, price in policy.models.items() if pattern == "*" or fnmatchcase(name, pattern))
    cost = (
        usage.input_tokens * price.input
        + usage.cached_input_tokens * price.cached_input
        + usage.output_tokens * price.output
    )
    return usage.model_copy(update={"cost_usd": round(cost / MILLION, 6)})
