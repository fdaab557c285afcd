"""What a sandbox is made of: fixed with its disk, so that a name that moves, or policy that changes, spares it."""

import re
from pathlib import Path
from typing import Final

from adapters.sandbox.broker.binds import NAME

FILE: Final = "image"  #: beside the disk, where only the broker writes
ID: Final = r"sha256:[0-9a-f]{64}"


def keep_image(top: Path, image: str) -> None:
    (top / FILE).write_text(image)


def kept_image(sandboxes: Path, sandbox: str) -> str | None:
    """Return the id of the image that a sandbox was made of; None for one that was made of none."""
    if not re.fullmatch(NAME, sandbox):
        return None
    try:
        return (sandboxes / sandbox / FILE).read_text()
    except OSError:
        return None
