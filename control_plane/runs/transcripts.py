"""What a run's harness said, as stored when it ended: canonical events, or the program's own lines."""

import json
from collections.abc import Iterator
from typing import Any, Final

from domain.errors import NotFound
from domain.execution import Artifact, Run
from domain.lifecycle import LIVE_RUN_STATES
from resources.wiring import Factory

TRANSCRIPT: Final = "transcript"  #: one HarnessEvent a line
RAW: Final = "raw"  #: one line of output a line: `stream`, `text`
Line = dict[str, Any]


def stored(factory: Factory, run: Run, kind: str) -> list[Artifact]:
    """Return the run's artifacts of a kind, the newest last; several when it was paused in between.

    Raises:
        NotFound: there is none; the message says why.
    """
    found = [one for one in factory.lookup.evidence(run.id)[0] if one.ref.kind == kind]
    if not found:
        live = run.state in LIVE_RUN_STATES
        why = (
            f"it is {run.state}; `factory run {run.id} --follow` shows it at work" if live else "its harness never ran"
        )
        raise NotFound(f"{run.id} has no {kind} stored: {why}", run=run.id)
    return found


def lines_of(factory: Factory, artifacts: list[Artifact]) -> Iterator[Line]:
    """Yield each line; one that is no JSON object is told as a `text`.

    Raises:
        NotFound: an artifact is missing, or is no longer what was stored.
    """
    for artifact in artifacts:
        for line in factory.artifacts.get(artifact.ref).split(b"\n"):
            if line:
                yield _parsed(line.decode(errors="replace"))


def _parsed(text: str) -> Line:
    try:
        told = json.loads(text)
    except (ValueError, RecursionError):
        told = None
    return told if isinstance(told, dict) else {"text": text}
