"""Hostile text in GitHub's Markdown: nobody is mentioned, nothing is linked, loaded, hidden or run."""

import re
from collections.abc import Sequence
from typing import Final
from urllib.parse import quote

from policy.governance.visible import one_line, visible

#: a zero-width space as an entity: mentions, references and addresses are looked for after the Markdown is rendered,
#: so a backslash does not stop them
_BREAK: Final = "&#8203;"
_ENTITIES: Final = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
NOTHING: Final = "-"  #: in place of a link
_OPENING: Final = re.compile(r"^(\d*)([-+=.)])")  #: of a list or a heading
_LIVE: Final = re.compile(r"://|(?i:www\.)|(?i:\bgh-(?=\d))|[&<>@#\\`*_\[\]|~$]")


def plain(text: str) -> str:
    """Return it as one harmless line for a paragraph, a list or a cell of a table."""
    return _OPENING.sub(r"\1\\\2", _LIVE.sub(_defuse, one_line(text)))


def _defuse(found: re.Match[str]) -> str:
    word = found[0]
    if word in _ENTITIES:
        return _ENTITIES[word]
    if word == "@":
        return f"@{_BREAK}"
    if word == "#":
        return f"\\#{_BREAK}"
    if len(word) > 1:
        return word[:-1] + _BREAK + word[-1]
    return f"\\{word}"


def fenced(lines: Sequence[str], language: str = "text") -> str:
    """Return lines as a block of code; they are shown as they are, and can be copied."""
    told = [_without_comments(visible(line)) for line in lines]
    fence = "`" * max(3, _longest_run("\n".join(told)) + 1)
    return "\n".join([f"{fence}{language}", *told, fence])


def linked(label: str, address: str | None) -> str:
    """Return a link to an address of ours; a dash where there is none."""
    if not address or not re.match(r"(?:https?://|/|\.)", address):
        return NOTHING
    return f"[{plain(label)}](<{quote(address, safe=':/?#[]@!$&()*+,;=%~')}>)"


def _without_comments(text: str) -> str:
    """A hidden marker of ours is looked for in the raw text: nobody else's may be there."""
    return text.replace("<!--", "<! --")


def _longest_run(text: str) -> int:
    return max((len(run) for run in re.findall("`+", text)), default=0)
