"""Text from outside, made harmless: what is not seen is dropped, what Markdown would obey is shown."""

import re
from typing import Final

#: control characters, marks that reorder text, zero-width characters, halves of surrogate pairs
_UNSEEN: Final = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\ud800-\udfff\U000e0000-\U000e007f]"
)
_OBEYED: Final = re.compile(r"([\\`*_\[\]|!~<>&])")


def seen(text: str) -> str:
    """Return the text without what cannot be seen; line breaks and tabs stay."""
    return _UNSEEN.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))


def line_of(text: str, longest: int) -> str:
    """Return text as one line of at most so many characters."""
    line = " ".join(seen(text).split())
    return line if len(line) <= longest else line[: longest - 1] + "…"


def plain(text: str, longest: int = 500) -> str:
    """Return text as one line of Markdown that commands nothing: no link, image, HTML, mention or reference."""
    escaped = _OBEYED.sub(r"\\\1", line_of(text, longest))
    return re.sub(r"([@#]|GH-|://|www\.)", lambda found: f"{found[1][:1]}&#8203;{found[1][1:]}", escaped)


def code(text: str, longest: int = 200) -> str:
    """Return text as code in a line of Markdown."""
    return "`` " + line_of(text, longest).replace("`", "'") + " ``"


def quoted(text: str, longest: int) -> str:
    """Return text as a Markdown quotation of at most so many characters in all; what is too much is told."""
    lines = [f"> {line}".rstrip() for line in seen(text).strip("\n").split("\n")]
    kept: list[str] = []
    room = longest
    for line in lines:
        if len(line) >= room:
            kept += [line[:room], "> … cut here"]
            break
        kept.append(line)
        room -= len(line) + 1
    return "\n".join(kept)
