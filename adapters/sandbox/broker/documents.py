"""Strict JSON, and sifting a document by a table of known fields. Pure."""

import json
import re
from collections.abc import Callable, Mapping
from typing import Any, Final, NoReturn

LARGEST: Final = 1024 * 1024  #: bytes of a document
DEEPEST: Final = 24

Document = dict[str, Any]
Known = Mapping[str, Callable[[Any], bool]]


class Malformed(Exception):
    """Not a JSON object that has one meaning only."""


def parse(content: bytes) -> Document:
    """Return a JSON object; an empty body is an empty object.

    Raises:
        Malformed: not UTF-8 or JSON, too large or deep, a key twice, NaN or infinity, a lone surrogate, no object.
    """
    if not content.strip():
        return {}
    if len(content) > LARGEST:
        raise Malformed("the document is too large")
    try:
        text = content.decode()
        _refuse_depth(text)
        document = json.loads(text, object_pairs_hook=_unique, parse_constant=_no_constant)
        json.dumps(document, ensure_ascii=False).encode()
    except (ValueError, RecursionError) as error:
        raise Malformed(f"not JSON: {type(error).__name__}") from error
    if not isinstance(document, dict):
        raise Malformed("not an object")
    return document


def _refuse_depth(text: str) -> None:
    """Brackets in strings count too: what is refused wrongly is nothing we send."""
    depth = 0
    for bracket in re.findall(r"[\[\]{}]", text):
        depth += 1 if bracket in "{[" else -1
        if depth > DEEPEST:
            raise Malformed("the document is too deep")


def _unique(pairs: list[tuple[str, Any]]) -> Document:
    document = dict(pairs)
    if len(document) != len(pairs):
        raise Malformed("a key stands twice")
    return document


def _no_constant(_: str) -> NoReturn:
    raise Malformed("NaN and infinity are not JSON")


def blank(value: object) -> bool:
    """Return whether a value says nothing: what an engine would assume anyway. Below a name, even {} says something."""
    if isinstance(value, Mapping):
        return all(_empty(inner) for inner in value.values())
    if isinstance(value, list):
        return all(_empty(inner) for inner in value)
    return _empty(value)


def _empty(value: object) -> bool:
    return value is None or value is False or value == "" or (type(value) in (int, float) and value == 0)


def sift(document: Document, known: Known, place: str = "") -> tuple[Document, list[str]]:
    """Return the known fields that are set, and the names of all that may not be there.

    A known field is asked about even when it is missing. An unknown one is dropped when blank and an offence
    otherwise; one that an engine could take for a known one, because it ignores case, is always an offence.
    """
    folded = {name.casefold() for name in known}
    offences = [place + name for name, fits in known.items() if not fits(document.get(name))]
    for name, value in document.items():
        if name not in known and (name.casefold() in folded or not blank(value)):
            offences.append(place + name)
    kept = {name: document[name] for name in known if document.get(name) is not None}
    return kept, offences
