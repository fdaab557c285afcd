"""How what people write as YAML is read: kebab-case keys, one text for a list of one, durations with a unit."""

import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, Any, Final

from pydantic import AliasGenerator, BeforeValidator, ConfigDict, Field, PlainSerializer

from domain.model import Value

SECONDS: Final[Mapping[str, int]] = {"s": 1, "m": 60, "h": 3600, "d": 86400}
LONGEST_SECONDS = 1_000_000 * 86400


def parse_duration(text: Any) -> Any:
    """Read `45m`, `4h`, `90s`, `1d` or a number of seconds; anything else is a ValueError."""
    if isinstance(text, timedelta):
        return text
    if isinstance(text, (int, float)) and not isinstance(text, bool) and 0 < text <= LONGEST_SECONDS:
        return timedelta(seconds=text)
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([smhd])", str(text).strip())
    if not found or not 0 < float(found[1]) * SECONDS[found[2]] <= LONGEST_SECONDS:
        raise ValueError("give a positive duration such as 90s, 45m, 4h or 1d")
    return timedelta(seconds=float(found[1]) * SECONDS[found[2]])


def texts(value: Any) -> Any:
    """Take one text for a list of one."""
    return [value] if isinstance(value, str) else value


def _kebab(name: str) -> str:
    return name.replace("_", "-")


Duration = Annotated[
    timedelta,
    BeforeValidator(parse_duration, json_schema_input_type=str | float),
    PlainSerializer(lambda value: f"{value.total_seconds():.15g}s", return_type=str),
]
ShellCommand = Annotated[str, Field(min_length=1, max_length=10_000)]
Commands = Annotated[tuple[ShellCommand, ...], BeforeValidator(texts)]


class Handwritten(Value):
    """A value people write as YAML; its keys are kebab-case."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        alias_generator=AliasGenerator(alias=_kebab),
        validate_by_name=True,
        validate_by_alias=True,
        serialize_by_alias=True,
    )
