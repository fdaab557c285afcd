"""What the stand-in's parts say to each other: a request as read, and an answer as frames of a stream."""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from domain.execution import Usage
from tests.support.model.script import Fault, Turn

Body = dict[str, Any]
HUGE = 1_000_000
CALL_ID = re.compile(r"call_t(\d{1,6})_\d+")  #: our calls name their turn; every program gives the id back


class Refused(Exception):
    """The request is wrong: the provider answers with `status` in its own words."""

    def __init__(self, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True)
class Tool:
    """A tool that the request offers. `freeform`: its input is a text, not JSON."""

    name: str
    arguments: frozenset[str] = frozenset()
    freeform: bool = False


@dataclass(frozen=True)
class Said:
    """One thing of the request's history, said by the model (`own`) or to it; `call` is the id of a call or its result, whose text is left out."""

    own: bool
    call: str | None = None
    text: str = ""


@dataclass(frozen=True)
class Asked:
    """A request for an answer. `history` is in order."""

    model: str
    stream: bool
    history: tuple[Said, ...]
    tools: Mapping[str, Tool]
    folder: str | None = None  #: the program's working directory, as it told the model

    @property
    def turn(self) -> int:
        """How many answers the model has given: by the calls' own ids where there are any, else by counting."""
        turn, speaking = 0, False
        for said in self.history:
            numbered = CALL_ID.search(said.call or "") if said.own else None
            if numbered:
                turn, speaking = int(numbered[1]) + 1, True
            elif said.own and not speaking:
                turn, speaking = turn + 1, True
            elif not said.own:
                speaking = False
        return turn

    @property
    def prompts(self) -> str:
        """What people said."""
        return "\n".join(said.text for said in self.history if not said.own)


@dataclass(frozen=True)
class Used:
    """A call as the program wants it. `arguments` is a text for a freeform tool."""

    id: str
    tool: str
    arguments: Body | str


@dataclass(frozen=True)
class Answer:
    """A turn made fit for one request."""

    asked: Asked
    turn: Turn
    calls: tuple[Used, ...] = ()

    @property
    def model(self) -> str:
        return self.asked.model


@dataclass(frozen=True)
class Frame:
    """One server-sent event; `tells` is the usage that whoever read it knows of."""

    data: Body
    event: str | None = None
    tells: Usage | None = None

    def __bytes__(self) -> bytes:
        name = f"event: {self.event}\n" if self.event else ""
        return f"{name}data: {json.dumps(self.data)}\n\n".encode()


@dataclass(frozen=True)
class Refusal:
    """An HTTP answer that is no success."""

    status: int
    body: Body | str  #: JSON, or a page of HTML
    headers: Mapping[str, str] = field(default_factory=dict)


class Provider(Protocol):
    """One provider's wire format. None of these touches the network."""

    name: str

    def key(self, headers: Mapping[str, str], query: Mapping[str, str]) -> str | None:
        """Return the API key of a request; header names are in lower case."""

    def read(self, path: str, body: Body, headers: Mapping[str, str]) -> Asked:
        """Raises: Refused: the provider would not accept it."""

    def frames(self, answer: Answer) -> list[Frame]:
        """Return the answer as a stream, in which each text comes in two pieces."""

    def whole(self, answer: Answer) -> Frame:
        """Return the answer to a request that wants no stream."""

    def broken(self) -> Frame:
        """Return what the provider says in a stream that fails."""

    def refusal(self, fault: Fault, model: str) -> Refusal:
        """Return the answer to a fault that is a status."""

    def wrong(self, message: str, status: int) -> Refusal:
        """Return the answer to a request that is wrong."""


def halves(text: str) -> list[str]:
    """Split a text as a stream brings it; never into nothing, and a huge one is one line."""
    middle = len(text) if len(text) > HUGE else len(text) // 2 or len(text)
    return [piece for piece in (text[:middle], text[middle:]) if piece]


def told(turn: Turn) -> Usage:
    """Return what a whole answer tells of its usage."""
    usage = turn.usage
    return Usage(input_tokens=usage.input, cached_input_tokens=usage.cached, output_tokens=usage.output)


def need(body: Body, name: str, kind: type) -> Any:
    """Return a field that must be there. Raises: Refused."""
    value = body.get(name)
    if not isinstance(value, kind) or value in ("", []):
        raise Refused(f"Missing or invalid required parameter: '{name}'.")
    return value


def items(value: object, name: str) -> list[Body]:
    """Return a list of objects. Raises: Refused."""
    if not isinstance(value, list) or not all(isinstance(one, dict) for one in value):
        raise Refused(f"Invalid type for '{name}': expected an array of objects.")
    return value


def paired(calls: Iterable[str], results: Iterable[str]) -> None:
    """Raises: Refused: a call has no result, or a result no call."""
    made, got = set(calls), set(results)
    for missing in sorted(made - got):
        raise Refused(f"No tool output found for function call {missing}.")
    for unknown in sorted(got - made):
        raise Refused(f"No tool call found for function call output with call_id {unknown}.")
