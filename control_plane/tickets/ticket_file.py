"""A ticket file (Markdown with YAML front matter) → a manifest, or every error with its path and line."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from frontmatter.default_handlers import YAMLHandler
from pydantic import BaseModel, ValidationError

from control_plane.tickets.wording import explain, keys_of, unknown_key
from domain.budgets import Budget
from domain.errors import InvalidInput
from domain.tickets import Criterion, Manifest, RetrySettings
from resources.yaml_documents import Located, Problem, load_with_lines, spell

MAX_BYTES = 1_000_000
BODY = "body"
PARTS: Final[Mapping[str, type[BaseModel]]] = {"retry": RetrySettings, "budget": Budget}  #: keys with keys of their own


@dataclass(frozen=True)
class TicketFile:
    """A manifest as written, and where each of its keys stands."""

    manifest: Manifest
    name: str = "--title"
    located: Located = field(default_factory=Located)

    def problem(self, key: str, message: str) -> Problem:
        """Return what is wrong at a key; one inside of another is written `retry.max`."""
        return Problem(self.located.line_of(tuple(key.split("."))), key, message)


def read_ticket_file(path: Path) -> TicketFile:
    """Read a ticket file.

    Raises:
        InvalidInput: it cannot be read, is larger than MAX_BYTES, or has errors; all of them are in `details`.
    """
    name = str(path)
    try:
        if path.is_dir() or (path.exists() and path.stat().st_size > MAX_BYTES):
            raise refuse(name, [Problem(1, "", f"must be a file of at most {MAX_BYTES} bytes")])
        content = path.read_bytes()
    except OSError as error:
        raise InvalidInput(f"{name} cannot be read: {error.strerror}") from error
    return parse_ticket(content, name)


def parse_ticket(content: bytes, name: str) -> TicketFile:
    """Parse the bytes of a ticket file; raises as read_ticket_file does."""
    if len(content) > MAX_BYTES:
        raise refuse(name, [Problem(1, "", f"must be a file of at most {MAX_BYTES} bytes")])
    text = _decode(content, name)
    matter, first_line, body = _split(text, name)
    found = load_with_lines(matter, first_line)
    if isinstance(found.value, dict):
        return TicketFile(manifest=_validate(found, body, name), name=name, located=found)
    if not found.problems:
        found.problems.append(Problem(first_line, "", "the front matter must be keys with values: `title: ...`"))
    raise refuse(name, found.problems)


def refuse(name: str, problems: list[Problem]) -> InvalidInput:
    """Return the error that shows all problems of a file at once."""
    lines = [f"{name}:{one.line}: {one.path + ': ' if one.path else ''}{one.message}" for one in problems]
    errors = [{"file": name, "line": one.line, "path": one.path, "message": one.message} for one in problems]
    return InvalidInput("\n".join([f"{name}: {len(problems)} error(s)", *lines]), errors=errors)


def _decode(content: bytes, name: str) -> str:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise refuse(name, [Problem(line, "", f"not UTF-8: byte 0x{content[error.start]:02x}")]) from error
    if "\0" in text:
        raise refuse(name, [Problem(text[: text.index("\0")].count("\n") + 1, "", "contains a NUL character")])
    return text.replace("\r\n", "\n")


def _split(text: str, name: str) -> tuple[str, int, str]:
    """Return the front matter, the number of its first line, and the body."""
    handler = YAMLHandler()
    opening = handler.FM_BOUNDARY.match(text.lstrip("\n"))
    if opening is None:
        raise refuse(name, [Problem(1, "", "must begin with a line `---`, then the keys, then another line `---`")])
    skipped = len(text) - len(text.lstrip("\n"))
    first_line = text[: skipped + opening.end()].count("\n") + 1
    try:
        matter, body = handler.split(text)
    except ValueError:
        message = "the front matter that begins here is never closed: end it with a line `---`"
        raise refuse(name, [Problem(skipped + 1, "", message)]) from None
    start = skipped + opening.end()
    blank = len(text[start:]) - len(text[start:].lstrip("\n"))
    return matter.lstrip("\n"), first_line + blank, body.strip("\n")


def _validate(found: Located, body: str, name: str) -> Manifest:
    content: dict[str, Any] = {str(key): value for key, value in found.value.items()}
    unknown = _unknown(found)
    for problem in unknown:
        content.pop(problem.path, None)
    problems = [*found.problems, *unknown]
    try:
        manifest = Manifest.model_validate({**content, BODY: body})
    except ValidationError as error:
        seen = {problem.path for problem in unknown}
        problems += [one for one in explain(error, found) if one.path not in seen]
    except OverflowError as error:
        problems.append(Problem(found.line_of(()), "", f"a number is out of range: {error}"))
    if problems:
        raise refuse(name, sorted(problems, key=lambda problem: problem.line))
    return manifest


def _unknown(found: Located) -> list[Problem]:
    """Return unknown keys at all levels; snake_case spellings are unknown too."""
    known = [key for key in keys_of(Manifest) if key != BODY]
    problems = _strangers(found.value, known, (), found)
    for part, model in PARTS.items():
        told = found.value.get(part)
        if isinstance(told, dict):
            problems += _strangers(told, keys_of(model), (part,), found)
    acceptance = found.value.get("acceptance")
    items = acceptance if isinstance(acceptance, list) else []
    for index, item in enumerate(items):
        if isinstance(item, dict):
            problems += _strangers(item, keys_of(Criterion), ("acceptance", index), found)
    return problems


def _strangers(
    value: Mapping[Any, Any], known: list[str], path: tuple[str | int, ...], found: Located
) -> list[Problem]:
    return [
        Problem(
            found.line_of((*path, str(key))),
            spell((*path, str(key))),
            "unknown key; what is wanted goes below the front matter" if key == BODY else unknown_key(str(key), known),
        )
        for key in value
        if key not in known
    ]
