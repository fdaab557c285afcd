"""An answer as what is written to the connection, faults included."""

import json
from collections.abc import Iterator
from dataclasses import dataclass

from domain.execution import Usage
from tests.support.model.script import STREAM_FAULTS, Fault, FaultKind, Turn
from tests.support.model.wire import Answer, Frame, Provider, Refusal

PIECE = 64  #: bytes at a time of an answer that drips
DRIP = 0.005  #: seconds between them
NOT_TEXT = b'data: {"type": "respon\xff\xfe\x00\n\n'
BAD_GATEWAY = Refusal(502, "<html><body><h1>502 Bad Gateway</h1></body></html>")


@dataclass(frozen=True)
class Piece:
    """Bytes to write; `tells` is the usage that whoever has read them knows of."""

    data: bytes
    tells: Usage | None = None


@dataclass(frozen=True)
class Hold:
    """Write nothing for so many seconds; None: until the client or the server leaves."""

    seconds: float | None


class Cut:
    """End the connection without ending the answer."""


Step = Piece | Hold | Cut


def changed(turn: Turn, fault: Fault | None) -> Turn:
    """Return the turn that a fault makes of it, where it makes another one."""
    if fault is None or fault.kind is not FaultKind.HUGE_LINE:
        return turn
    return turn.model_copy(update={"say": _varied(fault.size)})


def _varied(size: int) -> str:
    """A text that does not repeat itself: programs stop a model that does."""
    return " ".join(map(str, range(1_000_000, 1_000_000 + size // 8 + 1)))[:size]


def refusal(provider: Provider, fault: Fault | None, model: str, *, stream: bool) -> Refusal | None:
    """Return the answer to a fault that is a status; None when it is not one."""
    if fault is None or fault.kind in (FaultKind.HUGE_LINE, FaultKind.STALL, FaultKind.REFUSED):
        return None
    if fault.kind is FaultKind.BAD_GATEWAY:
        return BAD_GATEWAY
    if fault.kind is FaultKind.STREAM_ERROR and not stream:
        return provider.refusal(Fault(kind=FaultKind.SERVER_ERROR), model)
    return None if fault.kind in STREAM_FAULTS else provider.refusal(fault, model)


def steps(provider: Provider, answer: Answer, fault: Fault | None) -> Iterator[Step]:
    """Yield what to write after the headers."""
    stream = answer.asked.stream
    frames = provider.frames(answer) if stream else []
    pieces = [Piece(bytes(frame), frame.tells) for frame in frames] or _halved(provider.whole(answer))
    middle = min(_first_delta(frames), len(pieces) - 1)
    match fault:
        case Fault(kind=FaultKind.DRIP, seconds=seconds):
            yield from _dripping(pieces, DRIP if seconds is None else seconds)
        case Fault(kind=FaultKind.CUT):
            rest = pieces[middle].data
            yield from (*pieces[:middle], Piece(rest[: len(rest) // 2]))
            yield Cut()
        case Fault(kind=FaultKind.ENDED):
            yield from pieces[:middle]
        case Fault(kind=FaultKind.STALL_MIDWAY, seconds=seconds):
            yield from pieces[:middle]
            yield Hold(seconds)
            yield Cut()
        case Fault(kind=FaultKind.STREAM_ERROR):
            yield from (*pieces[:middle], Piece(bytes(provider.broken())))
        case Fault(kind=FaultKind.MALFORMED):
            yield from (*pieces[:middle], Piece(NOT_TEXT))
        case _:
            yield from pieces


def _halved(whole: Frame) -> list[Piece]:
    text = json.dumps(whole.data).encode()
    return [Piece(text[: len(text) // 2]), Piece(text[len(text) // 2 :], whole.tells)]


def _first_delta(frames: list[Frame]) -> int:
    """How many frames come up to the first that brings a part of the answer; programs keep what was whole."""
    places = (place for place, frame in enumerate(frames) if "delta" in str(frame.data.get("type", "")))
    return next(places, 0) + 1


def _dripping(pieces: list[Piece], seconds: float) -> Iterator[Step]:
    for piece in pieces:
        for start in range(0, len(piece.data), PIECE):
            rest = start + PIECE >= len(piece.data)
            yield Piece(piece.data[start : start + PIECE], piece.tells if rest else None)
            yield Hold(seconds)
