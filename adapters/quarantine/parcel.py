"""A hostile tar archive, read in memory: nothing is ever extracted, so no link, device or name in it can act."""

import io
import tarfile
from collections.abc import Iterator
from typing import IO

from adapters.quarantine.contract import Output, Unpacked
from policy.results import ResultPolicy, name_refusal, shown

_DAMAGED = (tarfile.TarError, ValueError, ArithmeticError, LookupError, RecursionError, EOFError)
_REFUSALS = 100  #: told; the rest are counted


def unpack(parcel: bytes, policy: ResultPolicy) -> Unpacked:
    """Return the regular files within bounds, and why others were refused; a damaged rest is refused as a whole."""
    outputs: list[Output] = []
    refused: list[str] = []
    seen: set[str] = set()
    room = policy.artifacts.max_total_bytes
    try:
        for number, (member, stream) in enumerate(_members(parcel)):
            if number >= policy.artifacts.max_files * 2:
                refused.append(f"more than {policy.artifacts.max_files} files")
                break
            reason = _refusal(member, policy, seen, room)
            if reason is None and len(outputs) == policy.artifacts.max_files:
                reason = f"more than {policy.artifacts.max_files} files"
            if reason is not None:
                refused.append(f"{shown(member.name)}: {reason}")
                continue
            content = stream.read(member.size)
            room -= len(content)
            seen.add(_plain(member.name))
            outputs.append(Output(name=_plain(member.name), content=content))
    except _DAMAGED as error:
        refused.append(f"the archive is damaged: {shown(str(error)[:200])}")
    return Unpacked(outputs=tuple(outputs), refused=tuple(refused[:_REFUSALS]))


def _members(parcel: bytes) -> Iterator[tuple[tarfile.TarInfo, IO[bytes]]]:
    """Yield members in order from a stream, which cannot be made to go back and loop."""
    with tarfile.open(fileobj=io.BytesIO(parcel), mode="r|") as archive:
        for member in archive:
            if member.size < 0 or archive.offset > len(parcel):  # the reader would skip that far, a block at a time
                raise tarfile.ReadError("a file goes on behind the archive's end")
            content = archive.extractfile(member) if member.isreg() else None
            yield member, content or io.BytesIO()


def _refusal(member: tarfile.TarInfo, policy: ResultPolicy, seen: set[str], room: int) -> str | None:
    name = _plain(member.name)
    if not member.isreg() or member.issparse():
        return "not a regular file"
    if name in seen:
        return "there twice"
    if member.size > policy.artifacts.max_file_bytes:
        return f"{member.size} bytes, more than {policy.artifacts.max_file_bytes}"
    if member.size > room:
        return f"more than {policy.artifacts.max_total_bytes} bytes in all"
    return name_refusal(name, policy)


def _plain(name: str) -> str:
    return name.removeprefix("./")
