"""A page of Python's simple index, as JSON (PEP 691) or HTML (PEP 503), with what 592, 700 and 792 add."""

import json
from collections.abc import Iterator
from datetime import datetime
from html.parser import HTMLParser
from typing import Any, Final, NamedTuple
from urllib.parse import unquote, urlsplit

from packaging.utils import (
    InvalidSdistFilename,
    InvalidWheelFilename,
    parse_sdist_filename,
    parse_wheel_filename,
)
from packaging.version import Version

from adapters._vendor.fetching import Answer, Offline
from adapters.registry.asking import instant, sentence

ACCEPT: Final = "application/vnd.pypi.simple.v1+json, application/vnd.pypi.simple.v1+html;q=0.2, text/html;q=0.1"
MAX_FILES: Final = 100_000
ENDED: Final = frozenset({"archived", "deprecated", "quarantined"})


class File(NamedTuple):
    version: Version
    yanked: str | None = None  #: the reason, or `yanked`
    uploaded: datetime | None = None
    url: str = ""  #: perhaps relative to the page


class Page(NamedTuple):
    files: tuple[File, ...]
    status: str | None = None  #: of the project, where it has ended


def read_page(answer: Answer) -> Page:
    """Read a page; Offline when it is none."""
    if answer.kind.endswith("json"):
        return _of_json(answer.body)
    return _of_html(answer.body)


def _of_json(body: bytes) -> Page:
    try:
        told = json.loads(body)
        rows = told["files"]
        files = tuple(file for row in rows[:MAX_FILES] if (file := _file(row["filename"], _told_of(row))))
        status = told.get("project-status") or told.get("meta", {}).get("project-status") or {}
        word = status.get("status") if isinstance(status, dict) else status
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise Offline("the index answered with something else than a page") from error
    return Page(files, _ended(word))


def _told_of(row: dict[str, Any]) -> dict[str, str | None]:
    yanked = row.get("yanked", False)
    told = {"data-upload-time": row.get("upload-time"), "href": str(row.get("url", ""))}
    return told | ({"data-yanked": yanked if isinstance(yanked, str) else ""} if yanked is not False else {})


def _ended(word: object) -> str | None:
    return str(word) if word in ENDED else None


class _Links(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[dict[str, str | None], list[str]]] = []
        self.status: str | None = None
        self._inside = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        told = dict(attrs)
        if tag == "meta" and told.get("name") == "pypi:project-status":
            self.status = told.get("content")
        if tag == "a" and len(self.found) < MAX_FILES:
            self.found.append((told, []))
            self._inside = True

    def handle_endtag(self, tag: str) -> None:
        self._inside = self._inside and tag != "a"

    def handle_data(self, data: str) -> None:
        if self._inside and self.found:
            self.found[-1][1].append(data)


def _of_html(body: bytes) -> Page:
    """A page without a single link is no index's, unless it says that it is one."""
    reader = _Links()
    try:
        text = body.decode()
        reader.feed(text)
        reader.close()
    except (UnicodeDecodeError, AssertionError, ValueError) as error:
        raise Offline("the index answered with something else than a page") from error
    if not reader.found and "pypi:" not in text and "links for" not in text.casefold():
        raise Offline("the index answered with a page of something else")
    return Page(tuple(_of_links(reader)), _ended(reader.status))


def _of_links(reader: _Links) -> Iterator[File]:
    for told, words in reader.found:
        address = unquote(urlsplit(told.get("href") or "").path).rpartition("/")[2]
        if file := _file(address, told) or _file("".join(words).strip(), told):
            yield file


def _file(name: object, told: dict[str, str | None]) -> File | None:
    version = _version_of(str(name))
    if version is None:
        return None
    yanked = sentence(told["data-yanked"], "yanked") if "data-yanked" in told else None
    return File(version, yanked, instant(told.get("data-upload-time")), told.get("href") or "")


def _version_of(name: str) -> Version | None:
    """Old eggs and installers are no files that pip takes today."""
    try:
        return parse_wheel_filename(name)[1] if name.endswith(".whl") else parse_sdist_filename(name)[1]
    except (InvalidWheelFilename, InvalidSdistFilename, ValueError):
        return None
