"""Bad and good twins of each semgrep rule, kept as text so that no scanner of this repository stumbles over them."""

import re
from pathlib import Path
from typing import NamedTuple

TWINS = Path(__file__).parent / "twins"
SUFFIXES = {"python": "py", "javascript": "js"}
WORD = "hunter2" + "-Tr0ub4dor"


class Twin(NamedTuple):
    rule: str
    bad: bool
    file: str
    text: str


def twins() -> list[Twin]:
    return [twin for path in sorted(TWINS.glob("*.txt")) for twin in _of(path.read_text(), SUFFIXES[path.stem])]


def _of(text: str, suffix: str) -> list[Twin]:
    found = []
    for block in re.split(r"(?m)^== ", text)[1:]:
        rule, _, rest = block.partition("\n")
        for number, twin in enumerate(re.split(r"(?m)^-- ", rest)[1:]):
            head, _, content = twin.partition("\n")
            kind, _, own = head.partition(" ")
            name = f"{rule}_{number}_{kind}.{own or suffix}"
            found.append(Twin(rule, {"bad": True, "good": False}[kind], name, content.replace("@WORD@", WORD)))
    return found
