"""Parts the generated pages share: how a type, a default and a model are told in a table."""

import inspect
import re
import types
from collections.abc import Mapping
from datetime import timedelta
from enum import Enum
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

PLAIN = {str: "text", int: "whole number", float: "number", bool: "true or false", timedelta: "duration", Path: "path"}


def comments(model: type[BaseModel]) -> dict[str, str]:
    """Return the `#:` comment of each field, which the code keeps beside it."""
    return dict(re.findall(r"^    (\w+):.*?#: (.*)$", inspect.getsource(model), re.MULTILINE))


def enum_comments(kind: type[Enum]) -> dict[str, str]:
    return dict(re.findall(r'^    \w+ = "(\w+)"  #: (.*)$', inspect.getsource(kind), re.MULTILINE))


def type_text(kind: Any) -> str:
    origin, inner = get_origin(kind), get_args(kind)
    if kind in PLAIN:
        return PLAIN[kind]
    if isinstance(kind, type) and issubclass(kind, Enum):
        return " ".join(f"`{one.value}`" for one in kind)
    if origin in (Union, types.UnionType):
        return " or ".join(type_text(one) for one in inner if one is not types.NoneType)
    if origin is Literal:
        return " ".join(f"`{one}`" for one in inner)
    if origin is tuple:
        return f"list of {type_text(inner[0])}"
    if origin is dict:
        return "mapping"
    return type_text(inner[0]) if hasattr(kind, "__metadata__") else str(getattr(kind, "__name__", kind))


def default_text(field: FieldInfo) -> str:
    value = field.default
    if field.is_required():
        return "required"
    if value is None or value in ((), "", {}):
        return "none"
    if isinstance(value, timedelta):
        return f"`{value.total_seconds():g}s`"
    if isinstance(value, BaseModel):
        return "see below"
    if isinstance(value, Mapping):
        return " ".join(f"`{key}`" for key in value)
    return f"`{value.value if isinstance(value, Enum) else value}`"


def fields_table(model: type[BaseModel], meanings: Mapping[str, str] | None = None, head: str = "key") -> str:
    """Return a table of a model's fields; meanings come from their comments unless told."""
    told = {**comments(model), **(meanings or {})}
    rows = [f"| {head} | value | default | meaning |", "|---|---|---|---|"]
    for name, field in model.model_fields.items():
        key = field.alias or name
        meaning = told.get(key, told.get(name, "")).replace("|", "\\|")
        rows.append(f"| `{key}` | {type_text(field.annotation)} | {default_text(field)} | {meaning} |")
    return "\n".join(rows) + "\n"


def docstring(thing: Any) -> str:
    """Return a thing's own docstring, not its parent's."""
    return inspect.cleandoc(vars(thing).get("__doc__") or "")
