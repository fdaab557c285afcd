"""Plays streams recorded from the real programs to a session, line by line."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from adapters.harness.contract import Harness
from domain.harness import Brief, HarnessEvent, HarnessOutcome
from domain.sandbox import Exit, OutputLine

TRANSCRIPTS = Path(__file__).with_name("transcripts")


@dataclass(frozen=True)
class Played:
    events: list[HarnessEvent]
    outcome: HarnessOutcome
    replies: list[dict[str, object]]  #: JSON lines the session wrote, in order


def recorded(name: str) -> Iterator[OutputLine]:
    """Yield what a program printed; of a conversation only its own side (`{"dir": "in", "msg": ...}`)."""
    for stream, path in (
        ("stderr", TRANSCRIPTS / f"{name}.stderr"),
        ("stdout", TRANSCRIPTS / f"{name}.jsonl"),
    ):
        for line in path.read_text().splitlines() if path.exists() else ():
            text = _own_side(line) if stream == "stdout" else line
            if text is not None:
                yield OutputLine(stream=stream, text=text)


def _own_side(line: str) -> str | None:
    try:
        told = json.loads(line)
    except ValueError:
        return line
    if not isinstance(told, dict) or set(told) < {"dir", "msg"} or "dir" not in told:
        return line
    return json.dumps(told["msg"]) if told["dir"] == "in" else None


def play(harness: Harness, brief: Brief, name: str, end: Exit) -> Played:
    """Play a whole transcript to a new session, and end it."""
    session = harness.open(brief)
    events: list[HarnessEvent] = []
    said = ""
    for line in recorded(name):
        events += session.read(line)
        said += session.replies()
    return Played(events, session.finish(end), [json.loads(one) for one in said.splitlines()])
