"""A harness that goes on reading while it works: replies reach it, and it is asked to stop in its own protocol."""

import json
import sys
from pathlib import Path

import pytest

from adapters.harness.contract import Session
from domain.errors import MoneyExceeded, Stalled, TokensExceeded
from domain.execution import Usage
from domain.harness import Brief, Command, Ending, EventKind, HarnessEvent, HarnessOutcome, Traits
from domain.sandbox import Exit, OutputLine
from tests.support.factory import World, make_world

PROGRAM = """
import json, sys, pathlib
def tell(**told): print(json.dumps(told), flush=True)
tell(type="asks", question="go on?")
assert json.loads(sys.stdin.readline())["answer"] == "yes"
pathlib.Path("answer.txt").write_text("yes")
for tokens in {tokens}: tell(type="used", tokens=tokens)
if {waits}:
    assert json.loads(sys.stdin.readline()) == {{"stop": True}}
    tell(type="used", tokens=7777)
tell(type="over")
sys.stdin.read()
"""


class Talker:
    """A stand-in for a program that converses."""

    name = "command"
    trusted = True
    traits = Traits(program="python3", converses=True)

    def __init__(self, tokens: list[int], *, waits: bool) -> None:
        self._program = PROGRAM.format(tokens=tokens, waits=waits)

    def command(self, brief: Brief) -> Command:
        return Command(argv=(sys.executable, "-c", self._program), stdin="", converses=True)

    def open(self, brief: Brief) -> "Talk":
        return Talk()


class Talk(Session):
    def __init__(self) -> None:
        self._over, self._waiting, self._usage = False, "", Usage()

    def read(self, line: OutputLine) -> list[HarnessEvent]:
        if line.stream != "stdout":
            return []
        told = json.loads(line.text)
        if told["type"] == "asks":
            self._waiting = '{"answer": "yes"}\n'
            return []
        if told["type"] == "used":
            self._usage = Usage(output_tokens=told["tokens"], cost_usd=told["tokens"] / 1000)
            return [HarnessEvent(kind=EventKind.USAGE, usage=self._usage)]
        self._over = True
        return [HarnessEvent(kind=EventKind.FINISHED, status="succeeded")]

    def replies(self) -> str:
        said, self._waiting = self._waiting, ""
        return said

    def is_over(self) -> bool:
        return self._over

    def interrupt(self) -> str:
        return '{"stop": true}\n'

    def finish(self, exit: Exit) -> HarnessOutcome:  # noqa: A002
        ending = Ending.SUCCEEDED if self._over else Ending.INTERRUPTED
        return HarnessOutcome(ending=ending, failure_code=None if self._over else "harness.crashed", usage=self._usage)


def world_of(folder: Path, talker: Talker) -> World:
    world = make_world(folder)
    world.factory.harnesses["command"] = talker
    return world


def test_replies_reach_it_and_its_input_ends_when_it_is_over(tmp_path: Path) -> None:
    world = world_of(tmp_path, Talker([10, 20], waits=False))
    ticket = world.file(commands=["unused"])
    assert world.run(ticket) is None
    (run,) = world.factory.lookup.runs(ticket_id=ticket.id)
    assert run.usage.output_tokens == 20


@pytest.mark.parametrize(
    ("limit", "value", "error"),
    [
        ("TOKEN_LIMIT", "1000", TokensExceeded),
        ("USD_LIMIT", "1", MoneyExceeded),
        ("INACTIVITY_LIMIT", "1", Stalled),
    ],
)
def test_a_breach_asks_it_to_stop_and_counts_its_last_words(tmp_path, monkeypatch, limit, value, error) -> None:
    monkeypatch.setenv(f"FACTORY_{limit}", value)
    world = world_of(tmp_path, Talker([10, 1001 if error is not Stalled else 20], waits=True))
    ticket = world.file(commands=["unused"], retry={"max": 0})
    assert isinstance(world.run(ticket), error)
    (run,) = world.factory.lookup.runs(ticket_id=ticket.id)
    assert (run.reason_code, run.usage.output_tokens) == (error.code, 7777)
    assert world.factory.sandboxes["process"].leftovers() == []
