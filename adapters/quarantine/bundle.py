"""Reading a git bundle before git does: who it says it is, and what it would grow to.

git allocates whatever a delta says it gives, so each object's size is read here first.
"""

import re
import zlib
from dataclasses import dataclass
from typing import Final

from domain.errors import PatchTooLarge, PatchUnreadable, ResultRefused
from policy.results import ResultPolicy

RESULT: Final = "refs/factory/result"
_MAGIC: Final = b"# v2 git bundle\n"
_HEADER_LIMIT: Final = 10_000  #: bytes
_NEEDS: Final = re.compile(rb"-([0-9a-f]{40})(?: [^\n]*)?")
_TIP: Final = re.compile(rb"([0-9a-f]{40}) ([^\n]+)")
_OFFSET_DELTA, _REFERENCE_DELTA = 6, 7
_KINDS: Final = frozenset({1, 2, 3, 4, _OFFSET_DELTA, _REFERENCE_DELTA})
_TRAILER: Final = 20  #: bytes of SHA-1 that end a pack
_STEP: Final = 65_536


@dataclass(frozen=True, slots=True)
class Bundle:
    tip: str
    pack: memoryview


def open_bundle(content: bytes, base_sha: str, policy: ResultPolicy) -> Bundle:
    """Return tip and pack of a bundle with one tip that needs nothing but the base, within the policy's bounds.

    Raises:
        PatchUnreadable, PatchTooLarge, ResultRefused.
    """
    if not content.startswith(_MAGIC):
        raise PatchUnreadable("the sandbox handed over no git bundle")
    end = content.find(b"\n\n", 0, _HEADER_LIMIT)
    if end < 0:
        raise PatchUnreadable("the bundle's header has no end")
    tip = _read_header(content[len(_MAGIC) : end].split(b"\n"), base_sha)
    pack = memoryview(content)[end + 2 :]
    _measure(pack, policy)
    return Bundle(tip=tip, pack=pack)


def _read_header(lines: list[bytes], base_sha: str) -> str:
    needed = [found[1].decode() for line in lines if (found := _NEEDS.fullmatch(line))]
    tips = [found for line in lines if (found := _TIP.fullmatch(line))]
    if len(needed) + len(tips) != len(lines):
        raise PatchUnreadable("the bundle's header has lines that mean nothing")
    if needed != [base_sha]:
        raise ResultRefused("the bundle does not stand on the base commit alone", needed=needed[:5], base=base_sha)
    if len(tips) != 1 or tips[0][2] != RESULT.encode():
        names = [tip[2].decode("utf-8", "replace") for tip in tips[:5]]
        raise ResultRefused(f"the bundle must hold one tip, {RESULT}", tips=names)
    return tips[0][1].decode()


def _measure(pack: memoryview, policy: ResultPolicy) -> None:
    """Read every object's size, and that its data has it; refuse what is beyond the policy."""
    if len(pack) < 12 + _TRAILER or bytes(pack[:4]) != b"PACK" or int.from_bytes(pack[4:8], "big") != 2:
        raise PatchUnreadable("the bundle holds no pack")
    count = int.from_bytes(pack[8:12], "big")
    if count > policy.max_objects:
        raise PatchTooLarge(f"{count} objects, more than {policy.max_objects}")
    at, total, end = 12, 0, len(pack) - _TRAILER
    try:
        for _ in range(count):
            at, size = _measure_object(pack[:end], at, policy.max_entry_bytes)
            total += size
            if total > policy.max_total_bytes:
                raise PatchTooLarge(f"it unpacks to more than {policy.max_total_bytes} bytes")
    except (IndexError, zlib.error) as error:
        raise PatchUnreadable("the bundle's pack is damaged") from error
    if at != end:
        raise PatchUnreadable("the bundle's pack has more in it than it says")


def _measure_object(pack: memoryview, at: int, limit: int) -> tuple[int, int]:
    """Return (where the next object begins, bytes this one may take in memory)."""
    first = pack[at]
    kind, size, at = (first >> 4) & 7, first & 15, at + 1
    if first & 128:
        more, at = _number(pack, at)
        size |= more << 4
    if kind not in _KINDS:
        raise PatchUnreadable(f"the bundle's pack has an object of unknown kind {kind}")
    if kind == _OFFSET_DELTA:
        _, at = _number(pack, at)
    elif kind == _REFERENCE_DELTA:
        at += 20
    _refuse_size(size, limit)
    head, at = _inflate(pack, at, size)
    if kind in {_OFFSET_DELTA, _REFERENCE_DELTA}:
        _base, begun = _number(head, 0)
        result, _ = _number(head, begun)
        _refuse_size(result, limit)
        return at, size + result
    return at, size


def _refuse_size(size: int, limit: int) -> None:
    if size > limit:
        raise PatchTooLarge(f"an object of {size} bytes, more than {limit}")


def _number(data: memoryview, at: int) -> tuple[int, int]:
    """Return (a number of seven bits a byte, lowest first; where it ends)."""
    value = shift = 0
    while True:
        byte = data[at]
        value |= (byte & 127) << shift
        at, shift = at + 1, shift + 7
        if not byte & 128:
            return value, at
        if shift > 63:
            raise IndexError(at)


def _inflate(pack: memoryview, at: int, size: int) -> tuple[memoryview, int]:
    """Return (the first bytes of an object's data, where it ends); keeps no more than a step of it in memory."""
    stream = zlib.decompressobj()
    head, given = b"", 0
    step = min(size + 64, _STEP)
    while not stream.eof:
        tail = stream.unconsumed_tail
        fed = tail or bytes(pack[at : at + step])
        out = stream.decompress(fed, _STEP)
        at += 0 if tail else len(fed)
        head = head or out[:32]
        given += len(out)
        if given > size or not (fed or out):
            raise IndexError(at)
    if given != size:
        raise IndexError(at)
    return memoryview(head), at - len(stream.unused_data)
