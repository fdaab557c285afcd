"""pydantic's errors in the words of someone who writes a YAML file by hand."""

from collections.abc import Sequence
from difflib import get_close_matches
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from resources.yaml_documents import Located, Path, Problem, spell


def keys_of(model: type[BaseModel]) -> list[str]:
    """Return the keys of a model as they are written in YAML."""
    return [field.alias or name for name, field in model.model_fields.items()]


def unknown_key(key: str, known: Sequence[str]) -> str:
    """Say that a key is unknown, and which one was probably meant."""
    close = get_close_matches(key.replace("_", "-"), known, n=1, cutoff=0.6)
    return "unknown key; " + (f"did you mean {close[0]!r}?" if close else f"known are {', '.join(sorted(known))}")


def explain(error: ValidationError, found: Located) -> list[Problem]:
    """Return one problem a key, in the order of the file; alternatives of one key are joined."""
    by_path: dict[Path, list[str]] = {}
    for one in error.errors():
        path = _real_path(one, found.value)
        messages = by_path.setdefault(path, [])
        if (text := _say(one)) not in messages:
            messages.append(text)
    problems = [Problem(found.line_of(path), spell(path), " or ".join(texts)) for path, texts in by_path.items()]
    return sorted(problems, key=lambda problem: problem.line)


def _real_path(one: ErrorDetails, value: Any) -> Path:
    """Drop what is no key of the file (the names pydantic gives to the branches of a union)."""
    path: Path = ()
    for part in one["loc"]:
        try:
            value = value[part]
        except (KeyError, IndexError, TypeError):
            return (*path, part) if one["type"] == "missing" else path
        path = (*path, part)
    return path


def _say(one: ErrorDetails) -> str:
    kind, given = one["type"], one["input"]
    if kind == "missing":
        return "required key is missing"
    if given is None:
        return "needs a value"
    if kind == "string_type" and not isinstance(given, (list, dict)):
        return f"must be text: put it in quotes, {str(given)!r}"
    if kind == "string_pattern_mismatch":
        words = "letters, digits, `.`, `_` and `-` only" if "A-Za-z" in str(one.get("ctx")) else "one line"
        return f"must be {words}, not {_short(given)}"
    if kind == "value_error":
        return str(one["msg"]).removeprefix("Value error, ")
    return f"{one['msg']}, not {_short(given)}"


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
