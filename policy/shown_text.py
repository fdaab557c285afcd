"""What a reader of a Markdown text sees as its author's own plain words: no quotation, code, HTML or hidden remark."""

from collections.abc import Iterator
from typing import Final

from markdown_it import MarkdownIt
from markdown_it.token import Token

LONGEST: Final = 70_000  #: characters; of a longer text nothing is read
_MARKDOWN: Final = MarkdownIt("commonmark")
_BOXES: Final = ("[ ] ", "[x] ", "[X] ")


def shown_lines(text: str) -> Iterator[str]:
    """Yield the lines, as written, of the paragraphs that stand for themselves and begin with plain text."""
    source = text.split("\n")
    for token in _tokens(text):
        if token.type == "inline" and token.level == 1 and token.map is not None:
            lines = source[token.map[0] : token.map[1]]
            breaks = [child for child in token.children or () if child.type in ("softbreak", "hardbreak")]
            if len(breaks) == len(lines) - 1:  # else code or HTML runs over lines: nothing in there is told apart
                yield from (line for line, first in zip(lines, _firsts(token), strict=False) if first == "text")


def checklist(text: str) -> Iterator[str]:
    """Yield the text behind each box of a checklist outside of quotations, as Markdown, perhaps of several lines."""
    quotes = 0
    for token in _tokens(text):
        if token.type in ("blockquote_open", "blockquote_close"):
            quotes += token.nesting
        elif token.type == "inline" and not quotes and token.content.startswith(_BOXES):
            yield token.content[4:].strip()


def _tokens(text: str) -> list[Token]:
    return _MARKDOWN.parse(text) if len(text) <= LONGEST else []


def _firsts(token: Token) -> Iterator[str]:
    """Yield the kind of what each line of a paragraph begins with."""
    at_start = True
    for child in token.children or ():
        if child.type in ("softbreak", "hardbreak"):
            at_start = True
        elif at_start:
            at_start = False
            yield child.type
