"""Which files are GitHub workflows."""

from fnmatch import fnmatchcase
from typing import Final

_FOLDER: Final = ".github/workflows/"


def is_workflow(path: str) -> bool:
    """Tell whether GitHub reads this file as a workflow; it does not look into folders below."""
    name = path.removeprefix(_FOLDER)
    return path.startswith(_FOLDER) and "/" not in name and fnmatchcase(name, "*.y*ml")
