"""What a ticket may cost at most, in the units people write."""

import math
import re
from collections.abc import Mapping
from typing import Annotated, Any, Final

from pydantic import BeforeValidator

from domain.handwriting import Duration, Handwritten

TOKEN_UNITS: Final[Mapping[str, int]] = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9}
MOST_USD = 1_000_000.0
MOST_TOKENS = 10**12
_NUMBER = r"(\d{1,15}(?:_\d{3})*(?:\.\d{1,9})?)"


def parse_usd(given: Any) -> Any:
    """Read `5`, `2.50`, `$5` or `5 USD` as dollars, rounded to the cent; anything else is a ValueError.

    >>> parse_usd("$2.50")
    2.5
    """
    amount = math.nan
    if isinstance(given, (int, float)) and not isinstance(given, bool):
        amount = given
    elif isinstance(given, str) and (found := re.fullmatch(rf"\$?\s*{_NUMBER}\s*(?:usd)?", given.strip(), re.I | re.A)):
        amount = float(found[1].replace("_", ""))
    if not 0.01 <= amount <= MOST_USD:
        raise ValueError("give dollars from 0.01 to 1000000, such as 5, 2.50 or 5 USD")
    return round(float(amount), 2)


def parse_tokens(given: Any) -> Any:
    """Read `2M`, `500k`, `1.5M` or a whole number of tokens; anything else is a ValueError.

    >>> parse_tokens("2M")
    2000000
    """
    count: float = math.nan
    if isinstance(given, (int, float)) and not isinstance(given, bool):
        count = given
    elif isinstance(given, str) and (found := re.fullmatch(rf"{_NUMBER}\s*([kmg]?)", given.strip(), re.I | re.A)):
        count = round(float(found[1].replace("_", "")) * TOKEN_UNITS[found[2].lower()], 6)
    if not 1 <= count <= MOST_TOKENS or count != int(count):
        raise ValueError("give whole tokens, at most 1000G, such as 500000, 500k or 2M")
    return int(count)


class Budget(Handwritten):
    """Hard ceilings of one ticket, over all of its attempts; None leaves what policy says."""

    usd: Annotated[float, BeforeValidator(parse_usd, json_schema_input_type=str | float)] | None = None
    tokens: Annotated[int, BeforeValidator(parse_tokens, json_schema_input_type=str | int)] | None = None
    wall: Duration | None = None
