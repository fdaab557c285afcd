"""Copies of artifacts beside a pull request's page, under names that are safe and cannot run in a browser."""

import hashlib
import re
from pathlib import Path
from typing import Final

from adapters._vendor.files import sha256, write_atomically
from adapters.forge.records import Evidence
from domain.errors import ForgeRefused
from domain.forge import Link

#: Anything else gets `.txt` behind it: HTML, SVG and XML can carry scripts, and a page from disk may read the disk.
_SHOWABLE: Final = frozenset({".txt", ".log", ".md", ".json", ".jsonl", ".patch", ".diff", ".gz", ".png", ".jpg"})


def copy_evidence(links: tuple[Link, ...], folder: Path) -> tuple[Evidence, ...]:
    """Copy each link's artifact, verified by its digest; one that is there already is left alone.

    Raises:
        ForgeRefused: a link's file is missing or is not the artifact it names.
    """
    return tuple(_copied(link, folder) for link in links)


def _copied(link: Link, folder: Path) -> Evidence:
    item = Evidence(label=link.label, artifact=link.artifact, file=safe_name(link))
    target = folder / item.file
    if target.is_file() and sha256(target) == link.artifact.sha256:
        return item
    try:
        content = Path(link.path).read_bytes()
    except (FileNotFoundError, IsADirectoryError) as error:
        raise ForgeRefused(f"evidence {link.label!r} is missing at {link.path}") from error
    if hashlib.sha256(content).hexdigest() != link.artifact.sha256:
        raise ForgeRefused(f"evidence {link.label!r} at {link.path} is not artifact {link.artifact.sha256[:12]}")
    write_atomically(target, content)
    return item


def safe_name(link: Link) -> str:
    name = re.sub(r"[^A-Za-z0-9._-]+", "-", link.artifact.name or link.label).strip("-.")[-80:].strip("-.")
    name = name or link.artifact.kind
    ending = "" if Path(name).suffix.lower() in _SHOWABLE else ".txt"
    return f"{link.artifact.sha256[:12]}-{name}{ending}"
