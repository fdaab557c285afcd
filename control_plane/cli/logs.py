"""factory logs."""

import json
import sys
from collections import deque
from collections.abc import Iterable, Sequence
from typing import Annotated, Any, Final

import typer

from control_plane.cli.opening import open_home
from control_plane.cli.options import AsJson
from control_plane.cli.output import answer, note
from control_plane.runs.steps import step_words
from control_plane.runs.transcripts import RAW, TRANSCRIPT, Line, lines_of, stored
from control_plane.runs.wording import harmless
from control_plane.tickets.identity import find_newest_run
from domain.execution import Artifact
from resources.wiring import Factory

app = typer.Typer(rich_markup_mode=None)

MOST_LINES: Final = 1_000_000


@app.command("logs")
def logs(
    run: Annotated[str, typer.Argument(metavar="RUN", help="A run's id; a ticket's means its newest run.")],
    *,
    raw: Annotated[bool, typer.Option("--raw", help="The program's own lines instead of the factory's words.")] = False,
    stderr: Annotated[bool, typer.Option("--stderr", help="Only those it wrote to stderr; implies --raw.")] = False,
    limit: Annotated[int, typer.Option(min=1, max=MOST_LINES, help="At most so many lines, the newest.")] = 1000,
    as_json: AsJson = False,
) -> None:
    """Show what a run's harness said and did, the newest last. While it is at work, `factory run RUN --follow` does.

    On a terminal nothing of it can steer the terminal; raw lines written to a file or a pipe are untouched.

    Example: factory logs T-1-r1 --raw > T-1-r1.log
    """
    factory = open_home()
    found = find_newest_run(factory, run)
    kind = RAW if raw or stderr else TRANSCRIPT
    artifacts = stored(factory, found, kind)
    wanted = (line for line in lines_of(factory, artifacts) if not stderr or line.get("stream") == "stderr")
    newest, left_out = _newest(wanted, limit)
    document = {"run": found.id, "kind": kind, "artifacts": _documents(factory, artifacts), "lines": newest}
    told = ["nothing here"] if not newest and not raw and not stderr else [_words(line, kind) for line in newest]
    answer({**document, "left_out": left_out}, told, as_json=as_json)
    if left_out:
        note(f"{left_out} earlier line(s) are left out; --limit {min(limit + left_out, MOST_LINES)} shows them")


def _newest(lines: Iterable[Line], limit: int) -> tuple[list[Line], int]:
    kept: deque[Line] = deque(maxlen=limit)
    count = 0
    for count, line in enumerate(lines, 1):  # noqa: B007 - it is used after the loop
        kept.append(line)
    return list(kept), count - len(kept)


def _documents(factory: Factory, artifacts: Sequence[Artifact]) -> list[dict[str, Any]]:
    return [
        {"sha256": one.ref.sha256, "size": one.ref.size, "path": factory.artifacts.path(one.ref)} for one in artifacts
    ]


def _words(line: Line, kind: str) -> str:
    if kind == TRANSCRIPT:
        return step_words(line)
    text = str(line.get("text", json.dumps(line)))
    return harmless(text) if sys.stdout.isatty() else text.encode(errors="replace").decode()
