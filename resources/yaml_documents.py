"""YAML that people wrote, read with the line of every key; whatever could surprise a reader is refused."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

import yaml

MAX_BYTES: Final = 256 * 1024  #: of a document of a repository
MAX_DEPTH: Final = 12
Path = tuple[str | int, ...]
_BOOL: Final = "tag:yaml.org,2002:bool"
_SURPRISING: Final = frozenset({_BOOL, "tag:yaml.org,2002:timestamp", "tag:yaml.org,2002:merge"})


class DocumentUnreadable(ValueError):
    """The text is not one YAML document within the limits; the message begins with its line."""


class PlainLoader(yaml.SafeLoader):
    """Only `true` and `false` are booleans (so `on` may be a key), and a date stays the text it is."""

    yaml_implicit_resolvers = {
        first: [(tag, pattern) for tag, pattern in resolvers if tag not in _SURPRISING]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }

    def flatten_mapping(self, node: yaml.MappingNode) -> None:
        """Merge nothing: merges of merges grow without bound, and forges do not take them."""


PlainLoader.add_implicit_resolver(_BOOL, re.compile("^(?:true|True|TRUE|false|False|FALSE)$"), list("tTfF"))


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong: where in the file, at which key, and what."""

    line: int
    path: str
    message: str

    def __str__(self) -> str:
        return f"line {self.line}: " + (f"{self.path}: " if self.path else "") + self.message


@dataclass
class Located:
    """A loaded value, and for each path inside it the line of its key."""

    value: Any = None
    lines: dict[Path, int] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    def line_of(self, path: Path) -> int:
        """Return the line of the nearest enclosing key that is there."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path, 1)


def spell(path: Path) -> str:
    """Write a path as people do: `acceptance[0].check`."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}"
    return text.removeprefix(".")


def load_with_lines(text: str, first_line: int, *, aliases: bool = False) -> Located:
    """Load one YAML document whose first line is number `first_line` of its file.

    Tags, merge and duplicate keys, nesting deeper than MAX_DEPTH and, unless allowed, anchors and aliases are problems.
    """
    found = Located(lines={(): first_line})
    try:
        found.problems += _surprises(text, first_line, aliases)
        if found.problems:
            return found
        node = yaml.compose(text, Loader=PlainLoader)
        if node is None:
            return found
        _walk(node, (), first_line, found, set())
        found.value = yaml.load(text, Loader=PlainLoader)  # noqa: S506 - it is a SafeLoader
    except yaml.YAMLError as error:
        found.problems.append(_syntax(error, text, first_line))
    except (ValueError, RecursionError) as error:
        found.problems.append(Problem(first_line, "", f"a value cannot be read: {error}"))
    return found


def read_document(text: str) -> Located:
    """Read one document of a repository; aliases are allowed, as forges allow them.

    Raises:
        DocumentUnreadable: it is none, larger than the limits, or names a key twice.
    """
    if len(text.encode("utf-8", "replace")) > MAX_BYTES:
        raise DocumentUnreadable(f"line 1: more than {MAX_BYTES} bytes")
    found = load_with_lines(text, 1, aliases=True)
    if found.problems:
        raise DocumentUnreadable(str(min(found.problems, key=lambda one: one.line))[:500])
    return found


def _surprises(text: str, first_line: int, aliases: bool) -> Iterator[Problem]:
    depth = 0
    for event in yaml.parse(text, Loader=PlainLoader):
        line = first_line + (event.start_mark.line if event.start_mark else 0)
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > MAX_DEPTH:
            yield Problem(line, "", f"nested deeper than {MAX_DEPTH} levels")
            return
        if not aliases and (isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None)):
            yield Problem(line, "", "YAML anchors and aliases are not allowed here: write the value out")
        elif tag := getattr(event, "tag", None):
            yield Problem(line, "", f"YAML tags such as {tag!r} are not allowed here")


def _walk(node: yaml.Node, path: Path, first_line: int, found: Located, seen: set[int]) -> None:
    """Note the line of every key and item; what an alias repeats is walked once."""
    if id(node) in seen:
        return
    seen.add(id(node))
    if isinstance(node, yaml.SequenceNode):
        for index, item in enumerate(node.value):
            found.lines[*path, index] = item.start_mark.line + first_line
            _walk(item, (*path, index), first_line, found, seen)
    elif isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            _walk_key(key, path, first_line, found)
            _walk(value, (*path, str(key.value)), first_line, found, seen)


def _walk_key(key: yaml.Node, path: Path, first_line: int, found: Located) -> None:
    line = key.start_mark.line + first_line
    if not isinstance(key, yaml.ScalarNode):
        found.problems.append(Problem(line, spell(path), "a key must be plain text"))
        return
    here = (*path, str(key.value))
    if key.value == "<<":
        found.problems.append(Problem(line, spell(path), "merge keys are not allowed: write the keys out"))
    elif here in found.lines:
        message = f"key is given twice, first on line {found.lines[here]}"
        found.problems.append(Problem(line, spell(here), message))
    found.lines[here] = line


def _syntax(error: yaml.YAMLError, text: str, first_line: int) -> Problem:
    mark = getattr(error, "problem_mark", None)
    if mark is not None:
        message = str(getattr(error, "problem", None) or error)
        if "\\t" in message:
            message = "a tab cannot indent YAML: use spaces"
        return Problem(mark.line + first_line, "", f"not valid YAML: {message}")
    position = getattr(error, "position", 0)
    message = getattr(error, "reason", None) or str(error)
    return Problem(text[:position].count("\n") + first_line, "", f"not valid YAML: {message}")
