"""The hidden line by which the factory finds again what it wrote on GitHub."""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

BODY_LIMIT: Final = 65_536  #: characters of a body or comment, by GitHub
_MARKER: Final = re.compile(r"<!-- factory:((?: [a-z_]+=[A-Za-z0-9._:/@+-]{1,200}){1,12}) -->")
_KEY: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/@+-]{0,199}")


@dataclass(frozen=True, slots=True)
class Marker:
    ticket: str
    run: str
    fence: int
    more: Mapping[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        told = {"ticket": self.ticket, "run": self.run, "fence": str(self.fence), **self.more}
        return "<!-- factory:" + "".join(f" {key}={value}" for key, value in told.items()) + " -->"


def read_marker(text: str | None) -> Marker | None:
    """Return the first well-formed marker of a ticket in a text."""
    for found in _MARKER.finditer(text or ""):
        told = dict(word.split("=", 1) for word in found[1].split())
        if {"ticket", "run", "fence"} <= told.keys() and told["fence"].isdecimal() and len(told["fence"]) < 19:
            return Marker(told.pop("ticket"), told.pop("run"), int(told.pop("fence")), told)
    return None


def sign(key: str) -> str:
    """Return the hidden line that marks a comment or review as ours, under a key of the caller's, whatever is in it."""
    plain = key if _KEY.fullmatch(key) else "sha256:" + hashlib.sha256(key.encode("utf-8", "replace")).hexdigest()
    return f"<!-- factory: key={plain} -->"


def signed(text: str, key: str, notice: str = "… cut here: GitHub shows no more") -> str:
    """Return a text with its hidden line first, within GitHub's limit."""
    line = sign(key)
    return f"{line}\n{bounded(text.replace(line, ''), BODY_LIMIT - len(line) - 1, notice)}"


def is_signed(text: str | None, key: str | None = None) -> bool:
    """Tell whether a text begins with our hidden line; with a key, with that one."""
    first = (text or "").lstrip().partition("\n")[0].rstrip()
    return first == sign(key) if key is not None else _MARKER.fullmatch(first) is not None


def bounded(text: str, limit: int, notice: str) -> str:
    """Return a text of at most so many characters; what was cut ends with the notice, outside of any open fence."""
    if len(text) <= limit:
        return text
    ending = f"\n```\n\n{notice}\n"
    cut = text[: limit - len(ending)].rpartition("\n")[0] or text[: limit - len(ending)]
    return cut + (ending if cut.count("\n```") % 2 else ending.removeprefix("\n```"))
