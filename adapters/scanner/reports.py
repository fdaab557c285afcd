"""What reading any report has in common: the program ended well, nothing is cut off, the shape is the expected one."""

import re
from collections.abc import Collection, Iterable, Sequence
from typing import TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from adapters.scanner.contract import ReportUnreadable, Written

OUTPUT_LIMIT = 64_000_000  #: bytes of a report; a longer one is cut off, and so unreadable
NO_FILE = "./no-file-was-given"
ADDRESS = re.compile(r"https://[\w.-]+/[\w./#%+-]*")
#: what could make two lines of one name, and bytes that are no UTF-8
UNTELLABLE = frozenset(map(chr, [*range(32), *range(127, 160), 0x2028, 0x2029, *range(0xD800, 0xE000)]))


class Told(BaseModel):
    """A part of a report; what we do not know of is left alone."""

    model_config = ConfigDict(frozen=True, extra="ignore", strict=True)


Report = TypeVar("Report", bound=BaseModel)


def check_end(written: Written, allowed: Collection[int]) -> None:
    """Raise ReportUnreadable unless the program ended by itself, as one does that finished."""
    end = written.end
    ended = {"it ran out of time": end.timed_out, "it ran out of memory": end.out_of_memory}
    ended |= {"its output was cut off": end.truncated, f"signal {end.signal} ended it": end.code is None}
    for reason, is_so in ended.items():
        if is_so:
            raise ReportUnreadable(reason)
    if end.code not in allowed:
        raise ReportUnreadable(f"it ended with {end.code}: {last_words(written.stderr)}")


def last_words(stderr: str) -> str:
    """Return the end of what it complained of, without values it may have quoted."""
    lines = [line for line in stderr.splitlines() if line.strip()]
    return unquoted(" ".join(" ".join(lines[-3:]).split()))[-300:] or "it said nothing"


def parsed(shape: type[Report], text: str) -> Report:
    """Return a JSON report in its shape.

    Raises:
        ReportUnreadable: it is not JSON, or of another shape; the reason quotes nothing of it.
    """
    try:
        return shape.model_validate_json(text)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        where = ".".join(map(str, first["loc"]))
        raise ReportUnreadable(f"its report is not readable{where and ' at '}{where}: {first['type']}") from None


def named(files: Sequence[str]) -> list[str]:
    """Return the names that can be told, as they are told: never an option, never a file of arguments, never none.

    Told of no file, a program would take the whole folder.
    """
    return [f"./{name}" for name in files if not set(name) & UNTELLABLE] or [NO_FILE]


def plain(path: str) -> str:
    """Return a name as it was given, from how a program repeats it."""
    while path.startswith("./"):
        path = path[2:]
    return path


def unquoted(text: str) -> str:
    """Return a message without the string values it quotes."""
    return re.sub(r"""(["'])(?:(?!\1).)*\1""", "***", text)


def address(text: str | None) -> str | None:
    """Return the address of a rule's page, if it is one."""
    return text if text and ADDRESS.fullmatch(text) else None


def unique(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(set(names)))
