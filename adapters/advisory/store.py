"""A folder or a zip file of OSV records, one JSON file each, matched here."""

import json
import zipfile
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any, Final, NamedTuple

from adapters.advisory.contract import Subject, Told
from adapters.advisory.record import NAMES, RecordUnreadable, advisory, affects, identity, packages
from adapters.advisory.times import newest_time
from domain.changes import Advisory, Ecosystem

MAX_RECORDS: Final = 1_000_000
MAX_RECORD_BYTES: Final = 8_000_000


class _Index(NamedTuple):
    records: dict[tuple[Ecosystem, str], list[dict[str, Any]]]
    known: Counter[Ecosystem]
    as_of: datetime | None


class StoredAdvisories:
    """Reads its records once, when first asked; a new store of records is a new instance."""

    def __init__(self, place: Path) -> None:
        self._place = place

    def advisories(self, subjects: Sequence[Subject]) -> Told:
        try:
            index = self._index
        except (OSError, ValueError, zipfile.BadZipFile, RecursionError, NotImplementedError) as error:
            return Told((None,) * len(subjects), self._place.name, reason=f"the records cannot be read: {error}"[:300])
        reasons: list[str] = []
        found = tuple(self._of(one, index, reasons) for one in subjects)
        return Told(found, self._place.name, index.as_of, "; ".join(dict.fromkeys(reasons))[:500], is_whole=True)

    def _of(self, subject: Subject, index: _Index, reasons: list[str]) -> tuple[Advisory, ...] | None:
        ecosystem, name, version = subject
        if not index.known[ecosystem]:
            reasons.append(f"it holds no advisory for {NAMES[ecosystem]}")
            return None
        try:
            hits = [one for one in index.records.get((ecosystem, name), ()) if affects(one, ecosystem, name, version)]
            return tuple(sorted((advisory(one, ecosystem, name) for one in hits), key=lambda one: one.id))
        except RecordUnreadable as error:
            reasons.append(str(error))
            return None

    @cached_property
    def _index(self) -> _Index:
        records: dict[tuple[Ecosystem, str], dict[str, dict[str, Any]]] = defaultdict(dict)
        times: list[Any] = []
        for name, content in _contents(self._place):
            record = _record(name, content)
            times.append(record.get("modified"))
            for about in packages(record):
                records[about][identity(record)] = record
        known = Counter(ecosystem for ecosystem, _ in records)
        return _Index({about: list(found.values()) for about, found in records.items()}, known, newest_time(times))


def _record(name: str, content: bytes) -> dict[str, Any]:
    try:
        told = json.loads(content)
        identity(told)
    except (ValueError, RecursionError) as error:
        raise RecordUnreadable(f"{name[-80:]!r} is no record") from error
    return dict(told)


def _contents(place: Path) -> Iterator[tuple[str, bytes]]:
    found = _zipped(place) if place.is_file() else _lying(place)
    for number, (name, content) in enumerate(found):
        if number >= MAX_RECORDS or len(content) > MAX_RECORD_BYTES:
            raise RecordUnreadable(f"{name[-80:]!r}: more than {MAX_RECORDS} records, or one of many bytes")
        yield name, content


def _lying(folder: Path) -> Iterator[tuple[str, bytes]]:
    if not folder.is_dir():
        raise FileNotFoundError("no such folder or file")
    for path in sorted(folder.rglob("*.json")):
        with path.open("rb") as file:
            yield path.name, file.read(MAX_RECORD_BYTES + 1)


def _zipped(place: Path) -> Iterator[tuple[str, bytes]]:
    with zipfile.ZipFile(place) as archive:
        for info in archive.infolist():
            if info.filename.endswith(".json"):
                with archive.open(info) as file:
                    yield info.filename, file.read(MAX_RECORD_BYTES + 1)
