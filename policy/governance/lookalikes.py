"""Names that can be taken for a popular package's: one slip of a finger, one letter that looks like another."""

import re
import unicodedata
from collections.abc import Collection, Mapping, Sequence
from functools import lru_cache
from typing import Final

from rapidfuzz import process
from rapidfuzz.distance import OSA

from domain.changes import Ecosystem

SHORTEST: Final = 4  #: letters of a name that one slip is looked for in: shorter ones are all alike
SHORT_WORD: Final = 5  #: letters from which one word of several can be mistyped
LONG: Final = 12  #: letters of a name that two slips are looked for in
_AFFIXES: Final[Mapping[Ecosystem, tuple[tuple[str, ...], tuple[str, ...]]]] = {
    Ecosystem.PYPI: (("python-", "python3-", "py-", "py3-", "lib-"), ("-python", "-python3", "-py", "-py3", "-lib")),
    Ecosystem.NPM: (("node-", "js-", "npm-"), ("-node", "-js", ".js", "-npm")),
}
_LIKE: Final = str.maketrans({"0": "o", "1": "l", "i": "l", "|": "l", "5": "s", "3": "e", "4": "a", "@": "a"})
_PAIRS: Final = (("rn", "m"), ("vv", "w"), ("cl", "d"))
_SEPARATORS: Final = re.compile(r"[-_./@]+")


def lookalike(ecosystem: Ecosystem, name: str, popular: Sequence[str], known: Collection[str] = ()) -> str | None:
    """Return the popular name that this one can be taken for; None for a popular or known name, and for all others.

    Args:
        ecosystem: Whose habits of naming apply.
        name: As its registry normalises it.
        popular: Names, most popular first.
        known: Names of which a person said that they are what they say.
    """
    index = _indexed(tuple(popular), ecosystem)
    if name in index.names or name in known:
        return None
    return _of_tricks(name, index) or _of_slips(name, index)


class _Index:
    def __init__(self, names: tuple[str, ...], ecosystem: Ecosystem) -> None:
        self.names = dict.fromkeys(names)
        self.affixes = _AFFIXES[ecosystem]
        self.bare: dict[str, str] = {}
        self.seen: dict[str, str] = {}
        self.words: dict[tuple[str, ...], str] = {}
        for one in names:
            self.bare.setdefault(_bare(one), one)
            self.seen.setdefault(_seen(one), one)
            self.words.setdefault(_words(one), one)
        self.long = tuple(one for one in names if len(one) >= SHORTEST)


@lru_cache(maxsize=8)
def _indexed(names: tuple[str, ...], ecosystem: Ecosystem) -> _Index:
    return _Index(names, ecosystem)


def _of_tricks(name: str, index: _Index) -> str | None:
    """The same letters otherwise joined, ordered, dressed or drawn."""
    found = index.bare.get(_bare(name)) or index.seen.get(_seen(name))
    if found is None and len(_words(name)) > 1:
        found = index.words.get(_words(name))
    return found or next((one for one in _undressed(name, index.affixes) if one in index.names), None)


def _undressed(name: str, affixes: tuple[tuple[str, ...], tuple[str, ...]]) -> list[str]:
    starts, ends = affixes
    found = [name.removeprefix(one) for one in starts] + [name.removesuffix(one) for one in ends]
    return [one for one in found if one != name and len(one) >= SHORTEST]


def _of_slips(name: str, index: _Index) -> str | None:
    if len(name) < SHORTEST:
        return None
    most = 2 if len(name) >= LONG else 1
    near = process.extract(name, index.long, scorer=OSA.distance, score_cutoff=most, limit=None)
    fits = [(distance, place, one) for one, distance, place in near if distance == 1 or len(one) >= LONG]
    return next((one for _, _, one in sorted(fits) if _is_slip(name, one)), None)


def _is_slip(name: str, popular: str) -> bool:
    """`tree-sitter-go` is no slip of `tree-sitter-c`: whole short words differ, and a family has many of those."""
    words = [_SEPARATORS.split(one) for one in (name, popular)]
    if len(words[0]) == 1 or len(words[0]) != len(words[1]):
        return True
    return all(len(ours) >= SHORT_WORD for ours, theirs in zip(*words, strict=True) if ours != theirs)


def _bare(name: str) -> str:
    return _SEPARATORS.sub("", name)


def _seen(name: str) -> str:
    """Return what the eye sees: letters and digits that look alike are one."""
    plain = unicodedata.normalize("NFKD", name.casefold())
    text = "".join(one for one in plain if not unicodedata.combining(one))
    for pair, one in _PAIRS:
        text = text.replace(pair, one)
    return _bare(text.translate(_LIKE))


def _words(name: str) -> tuple[str, ...]:
    return tuple(sorted(_SEPARATORS.split(name)))
