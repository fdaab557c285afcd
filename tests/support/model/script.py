"""What a stand-in model says: a sequence of turns in words of no provider, as values and as JSON."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, model_validator

NAME = r"^[A-Za-z0-9_-]{1,64}$"  #: of a script, so that it can stand in a path and in a prompt


class Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Sh(Part):
    sh: str  #: a shell command


class Edit(Part):
    """`old` becomes `new` in the file named; both are whole lines, because a patch is made of lines."""

    edit: str
    old: str = Field(min_length=1)
    new: str


class Write(Part):
    write: str  #: a path; the file is made or replaced
    content: str


class Read(Part):
    read: str  #: a path
    lines: int | None = Field(None, gt=0)  #: so many of the first lines only: programs refuse to read a big file whole


class Flood(Part):
    flood: int = Field(gt=0)  #: bytes that a shell command prints, in lines of 80


class Raw(Part):
    """A tool by the name the program knows it by; `arguments` is a text for a freeform tool."""

    raw: str
    arguments: dict[str, Any] | str = {}


Call = Sh | Edit | Write | Read | Flood | Raw


class Tokens(Part):
    """Of one answer. `input` leaves out what came from a cache; `output` counts the reasoning."""

    input: int = Field(1_000, ge=0)
    cached: int = Field(0, ge=0)
    cache_write: int = Field(0, ge=0)  #: a part of `input`
    output: int = Field(40, ge=0)
    reasoning: int = Field(0, ge=0)  #: a part of `output`

    @model_validator(mode="after")
    def _parts_fit(self) -> "Tokens":
        if self.reasoning > self.output or self.cache_write > self.input:
            raise ValueError("reasoning is a part of output, cache_write a part of input")
        return self


class FaultKind(StrEnum):
    UNAUTHORIZED = "unauthorized"  #: 401
    FORBIDDEN = "forbidden"  #: 403
    CONTEXT_OVERFLOW = "context_overflow"  #: 400
    BAD_REQUEST = "bad_request"  #: 400
    MODEL_UNKNOWN = "model_unknown"  #: 404
    QUOTA = "quota"  #: the account is spent: 429, Anthropic 400
    RATE_LIMITED = "rate_limited"  #: 429, with `retry_after` if that is set
    SERVER_ERROR = "server_error"  #: 500
    BAD_GATEWAY = "bad_gateway"  #: 502 with an HTML page
    OVERLOADED = "overloaded"  #: 503, Anthropic 529
    CUT = "cut"  #: the connection ends in the middle of the stream, of a line even
    ENDED = "ended"  #: the stream ends in its middle as if that were all
    STREAM_ERROR = "stream_error"  #: the provider reports an error in the middle of the stream
    MALFORMED = "malformed"  #: the stream holds broken JSON and bytes that are no text
    STALL = "stall"  #: nothing, not even headers, for `seconds`, then the connection ends
    STALL_MIDWAY = "stall_midway"  #: as above, in the middle of the stream
    DRIP = "drip"  #: the right answer, a few bytes each `seconds`
    REFUSED = "refused"  #: the server stops listening, for everybody, until `Model.listen`
    HUGE_LINE = "huge_line"  #: the text becomes one line of `size` bytes


STREAM_FAULTS = frozenset(
    {
        FaultKind.CUT,
        FaultKind.ENDED,
        FaultKind.STREAM_ERROR,
        FaultKind.MALFORMED,
        FaultKind.STALL_MIDWAY,
        FaultKind.DRIP,
    }
)


class Fault(Part):
    """What goes wrong with a turn. It happens `times` times in each conversation, then the turn is given; None: always."""

    kind: FaultKind
    times: int | None = Field(None, ge=1)
    retry_after: int | None = Field(None, ge=0)  #: seconds
    #: how long a stall lasts (None: until the client or the server leaves), or a drip waits
    seconds: float | None = Field(None, ge=0)
    size: int = Field(20_000_000, gt=0)  #: bytes of a huge line


class Turn(Part):
    """One answer of the model. With calls the program will ask again; without, its turn is over."""

    say: str = ""
    reason: str = ""
    calls: tuple[Call, ...] = ()
    usage: Tokens = Tokens()
    fault: Fault | None = None
    latency: float = Field(0, ge=0)  #: seconds before the headers


class Script(Part):
    """What the model says in every conversation that names this script, or whose prompt holds the words `heard`; `key` is
    the only API key that it accepts."""

    name: Annotated[str, Field(pattern=NAME)]
    turns: tuple[Turn, ...] = Field(min_length=1)
    key: str | None = Field(None, min_length=1)
    heard: str | None = Field(None, min_length=1)
    #: said, for nothing, to a request that offers no tools, such as one for a summary of what was done; none: it is a turn
    aside: str | None = Field(None, min_length=1)


def load(path: Path) -> list[Script]:
    """Read one script or a list of them, at least one; raises OSError, or ValueError telling every mistake."""
    return TypeAdapter(Annotated[list[Script], Field(min_length=1)]).validate_json(_listed(path.read_bytes()))


def _listed(text: bytes) -> bytes:
    return text if text.lstrip().startswith(b"[") else b"[" + text + b"]"
