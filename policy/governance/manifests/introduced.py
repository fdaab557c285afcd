"""Two sides of all changed manifests → what the change introduces."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from posixpath import normpath
from typing import Final, NamedTuple

from domain.changes import Dependency
from policy.governance.manifests.kinds import REQUIREMENTS, Kind, kind_of
from policy.governance.manifests.shape import (
    MAX_BYTES,
    MAX_ENTRIES,
    MAX_TEXT,
    PATH,
    REGISTRY,
    URL,
    Asked,
    Manifest,
    ManifestUnreadable,
    leaves,
)

KEPT: Final = 32  #: manifests that were read last
KEPT_BYTES: Final = 1_000_000  #: a larger one is read anew
MAX_LINES: Final = 2000  #: dependencies of one file that get their line


class Introduced(NamedTuple):
    dependencies: tuple[Dependency, ...]
    unreadable: tuple[str, ...]  #: `path: reason`


class _Read(NamedTuple):
    kind: Kind
    manifest: Manifest
    is_lock: bool


def introduced(base: Mapping[str, bytes], head: Mapping[str, bytes]) -> Introduced:
    """Compare the manifests a change touched: path → content on either side.

    A file that others include may be called anything; given here, it is read as a requirements file. What one file
    includes and neither side holds is named as unreadable, if it was not included before.
    """
    changed = [path for path in sorted(head) if base.get(path) != head[path]]
    before = {path: read for path, content in base.items() if changed and (read := _try(path, content))}
    found: list[Dependency] = []
    unreadable: list[str] = []
    for path in changed:
        try:
            now = read_manifest(path, head[path])
        except ManifestUnreadable as error:
            unreadable.append(f"{path}: {error}")
            continue
        found += _new(path, now, before, head[path])
        unreadable += [f"{path}: {one}" for one in _new_elsewhere(path, now, before, head)]
    if len(found) > MAX_ENTRIES:
        return Introduced((), (*unreadable, f"more than {MAX_ENTRIES} dependencies are introduced"))
    return Introduced(tuple(found), tuple(unreadable))


def everything(files: Mapping[str, bytes]) -> Introduced:
    """Return all that these manifests ask for, as if every line were new: what an inventory lists."""
    return introduced({}, files)


def included(path: str, content: bytes) -> tuple[str, ...]:
    """Return the files one manifest has pip read too, as paths of the repository; none of one that cannot be read."""
    read = _try(path, content)
    return tuple(_beside(path, one) for one in read.manifest.includes if not leaves(_beside(path, one))) if read else ()


def read_manifest(path: str, content: bytes) -> _Read:
    """Read one manifest.

    Raises:
        ManifestUnreadable: with the reason.
    """
    if len(content) > MAX_BYTES:
        raise ManifestUnreadable(f"more than {MAX_BYTES} bytes")
    return _parsed(path, content) if len(content) > KEPT_BYTES else _kept(path, content)


def _parsed(path: str, content: bytes) -> _Read:
    kind = kind_of(path) or REQUIREMENTS
    try:
        manifest = kind.read(content.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise ManifestUnreadable("not UTF-8") from error
    for one in manifest.asked:
        _check_text(one)
    named_lock = kind.is_lock or path.endswith(".lock")
    return _Read(kind, manifest, named_lock if manifest.is_lock is None else manifest.is_lock)


#: the same manifest is looked at for what it includes, on either side, and for the inventory
_kept = lru_cache(KEPT)(_parsed)


def _check_text(one: Asked) -> None:
    for text in (one.specifier, one.version or ""):
        if len(text) > MAX_TEXT or not text.isprintable():
            raise ManifestUnreadable(f"{one.name}: a version no registry has")


def _try(path: str, content: bytes) -> _Read | None:
    """The base may have been broken: then all of the head is new."""
    try:
        return read_manifest(path, content)
    except ManifestUnreadable:
        return None


def _key(one: Asked) -> tuple[object, ...]:
    return one.name, one.specifier, one.version, one.hashed, one.origin, one.place


def _new(path: str, now: _Read, before: Mapping[str, _Read], content: bytes) -> Iterator[Dependency]:
    then = before.get(path)
    seen = {_key(one) for one in then.manifest.asked} if then else set()
    places = _places(then) or _usual_place(now.manifest.asked)
    earlier = _earlier(now.kind, then, before)
    lines = _Lines(content.decode("utf-8-sig"))
    for one in {_key(one): one for one in now.manifest.asked if _key(one) not in seen}.values():
        if one.origin == PATH and not leaves(_beside(path, one.specifier)):
            continue
        yield Dependency(
            ecosystem=now.kind.ecosystem,
            name=one.name,
            specifier=one.specifier,
            version=one.version,
            previous=earlier.get(one.name),
            path=path,
            line=one.line or lines.of(one.needle),
            is_lock=now.is_lock,
            hashed=one.hashed,
            origin=_origin(one, places),
        )


def _places(side: _Read | None) -> set[str]:
    return {one.place for one in side.manifest.asked if one.place} if side else set()


def _usual_place(asked: Iterable[Asked]) -> set[str]:
    """A lock that is new here is measured by the registry most of it comes from."""
    return {place for place, _ in Counter(one.place for one in asked if one.place).most_common(1)}


def _origin(one: Asked, places: set[str]) -> str:
    return URL if one.origin == REGISTRY and one.place and one.place not in places else one.origin


def _earlier(kind: Kind, then: _Read | None, before: Mapping[str, _Read]) -> dict[str, str]:
    """Return what each package was on the base: in this file, else in another of its ecosystem."""
    others = (one for one in before.values() if one is not then and one.kind.ecosystem is kind.ecosystem)
    found: dict[str, str] = {}
    for side in (*([then] if then else []), *others):
        for one in side.manifest.asked:
            found.setdefault(one.name, one.version or one.specifier or "any")
    return found


def _new_elsewhere(path: str, now: _Read, before: Mapping[str, _Read], head: Mapping[str, bytes]) -> Iterator[str]:
    then = before.get(path)
    known = set(then.manifest.elsewhere) | set(then.manifest.includes) if then else set()
    yield from (one for one in now.manifest.elsewhere if one not in known)
    for one in now.manifest.includes:
        if one not in known and _beside(path, one) not in head:
            yield f"includes {one[:200]!r}, which is not among the files that were read"


def _beside(path: str, target: str) -> str:
    if leaves(target) and not target.startswith(".."):
        return target
    return normpath(f"{path.rpartition('/')[0]}/{target}".lstrip("/"))


class _Lines:
    """Finds lines by what is in them, mostly from top to bottom; it looks for a bounded number of them."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._place, self._line = 0, 1
        self._left = MAX_LINES

    def of(self, needle: str) -> int | None:
        if not needle or self._left == 0:
            return None
        self._left -= 1
        place = self._text.find(needle, self._place)
        if place < 0:
            place = self._text.find(needle)
            return self._text.count("\n", 0, place) + 1 if place >= 0 else None
        self._line += self._text.count("\n", self._place, place)
        self._place = place
        return self._line
