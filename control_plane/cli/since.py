"""--since: how far back a command that counts runs looks."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Annotated, Final

import typer

from control_plane.cli.output import note
from domain.handwriting import parse_duration
from domain.outcomes import RunOutcome

MOST_RUNS: Final = 100_000
Since = Annotated[str, typer.Option(help="Only runs that began since then: 12h, 30d, 90d.")]


def since_when(text: str, now: datetime) -> datetime | None:
    """Return the moment that `--since` means; None for everything.

    Raises:
        BadParameter: it is no duration.
    """
    try:
        span: timedelta = parse_duration(text)
        return now - span
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--since") from error
    except OverflowError:
        return None  # before the calendar begins


def tell_when_cut(outcomes: Sequence[RunOutcome]) -> None:
    if len(outcomes) == MOST_RUNS:
        note(f"only the newest {MOST_RUNS} runs are counted: ask for a shorter time with --since")
