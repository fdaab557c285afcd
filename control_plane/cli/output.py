"""The only place that writes to stdout and stderr."""

import json
import re
import sys
from collections.abc import Iterable, Sequence
from typing import Any, Final, NoReturn

import typer

from domain.errors import FactoryError

UNSEEN: Final = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def answer(document: Any, lines: Iterable[str], *, as_json: bool) -> None:
    """Print one JSON document, or the lines that say the same to a person."""
    sys.stdout.write(json.dumps(document) + "\n" if as_json else "".join(f"{line}\n" for line in lines))
    sys.stdout.flush()


def note(text: str) -> None:
    """Tell something beside the answer; with --json, too, stdout stays as it is, and no text steers a terminal."""
    sys.stderr.write(UNSEEN.sub("\ufffd", text) + "\n")
    sys.stderr.flush()


def columns(rows: Sequence[Sequence[object]], titles: Sequence[str]) -> list[str]:
    """Return aligned lines under titles; without rows one line that says so."""
    if not rows:
        return ["nothing here"]
    cells = [
        [str(title).upper() for title in titles],
        *[["" if cell is None else str(cell) for cell in r] for r in rows],
    ]
    widths = [max(len(row[number]) for row in cells) for number in range(len(titles))]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in cells]


def leave(code: int) -> NoReturn:
    raise typer.Exit(code)


def failure(error: FactoryError, *, as_json: bool) -> None:
    """Tell an expected failure: `[code] what broke -> what to do`."""
    _fail(error.code, error.message, error.remedy, error.details, as_json=as_json)


def usage(message: str, *, as_json: bool) -> None:
    _fail("usage", message, "See `factory COMMAND --help`.", {}, as_json=as_json)


def bug(error: BaseException, *, as_json: bool) -> None:
    """Tell of a failure nobody expected, with the file that holds its traceback."""
    message = f"{type(error).__name__}: {error}"
    remedy = f"This is a bug of the factory; report it with {_write_traceback(error)}"
    _fail(FactoryError.code, message, remedy, {}, as_json=as_json)


def _fail(code: str, message: str, remedy: str, details: dict[str, Any], *, as_json: bool) -> None:
    note(f"[{code}] {message} -> {remedy}")
    if as_json:
        document = {"code": code, "message": message, "remedy": remedy, "details": details}
        sys.stdout.write(json.dumps({"error": document}, default=str) + "\n")


def product() -> str:
    """Return the name and the version of what runs."""
    from importlib import metadata  # noqa: PLC0415 - it imports a parser of mails

    return f"factory {metadata.version('software-factory')}"


def _write_traceback(error: BaseException) -> str:
    import tempfile  # noqa: PLC0415 - only a bug pays for it
    import traceback  # noqa: PLC0415

    from resources.settings import find_home  # noqa: PLC0415

    folder = find_home() / "logs"
    place = str(folder) if folder.is_dir() else None
    with tempfile.NamedTemporaryFile("w", prefix="bug-", suffix=".log", dir=place, delete=False) as file:
        file.write(f"{product()}\n" + "".join(traceback.format_exception(error)))
    return file.name
