"""Ticket files of the first kind: `engine`, `cwd`, `yolo`, perhaps `lock`, `timeout` and `verify`, then the task."""

import re
from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import AfterValidator, Field

LONGEST_TITLE = 200
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


def _folder(text: str) -> str:
    if any(not character.isprintable() for character in text) or "\\" in text:
        raise ValueError("give a folder with plain characters and forward slashes")
    if ".." in text.split("/"):
        raise ValueError("give a folder without `..`: work never leaves its repository")
    return text


#: A folder of the repository; an absolute path (or `~/…`) names the repository itself, as old short files do.
WorkFolder = Annotated[str, Field(min_length=1, max_length=1000), AfterValidator(_folder)]


def is_place(folder: str) -> bool:
    """Tell whether a work folder is a place on somebody's machine rather than one in the repository."""
    return folder.startswith(("/", "~"))


def completed(told: Mapping[str, Any]) -> dict[str, Any]:
    """Give a short file the title and repository it never had to name.

    The title is the first line of the body with words in it; the repository is called as the last folder of `cwd`.
    What cannot be read from them stays missing, and is told as such. A file whose `cwd` is no place stays as it is.
    """
    place = told.get("cwd")
    if not isinstance(place, str) or not is_place(place):
        return dict(told)
    name = place.rstrip("/").rpartition("/")[2]
    found = {"title": _title(told.get("body")), "repository": name if _NAME.fullmatch(name) else ""}
    return {**{key: value for key, value in found.items() if value}, **told}


def _title(body: object) -> str:
    lines = body.splitlines() if isinstance(body, str) else []
    words = (re.sub(r"^[#\s]+", "", line).strip() for line in lines)
    return next((text for text in words if text), "")[:LONGEST_TITLE].rstrip()
