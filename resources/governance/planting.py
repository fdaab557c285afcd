"""What a scanner is given of a change, and the defect that is planted beside it."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from adapters.scanner.contract import ScannerTraits
from domain.governance import FileChange
from policy.results import FILE_MODES

EACH_BYTES: Final = 5_000_000  #: of one file that scanners read; a larger one counts as not given
TOTAL_BYTES: Final = 50_000_000  #: of all


def to_scan(files: Iterable[FileChange]) -> list[FileChange]:
    """Return the changed regular files that a sandbox can hold under their own name."""
    return [one for one in files if one.status != "D" and one.mode in FILE_MODES and can_lie(one.path)]


def can_lie(path: str) -> bool:
    """Tell whether a name stays below its folder and is nothing that git would take for its own."""
    parts = path.split("/")
    return not {"", ".", ".."} & set(parts) and ".git" not in {part.lower() for part in parts} and "\0" not in path


def given_to(traits: ScannerTraits, files: Sequence[FileChange], there: Mapping[str, bytes]) -> tuple[str, ...]:
    """Return what a scanner reads of the files that are there: by suffix, or every text."""
    return tuple(
        one.path
        for one in files
        if one.path in there and (one.path.endswith(traits.suffixes) if traits.suffixes else not one.binary)
    )


def free_folder(like: str, names: Iterable[str]) -> str:
    """Return a folder that no name lies in."""
    taken = {name.partition("/")[0].lower() for name in names}
    return next(name for name in (f"{like}-{number}" for number in range(len(taken) + 1)) if name not in taken)
