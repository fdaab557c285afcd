"""Options that many commands share."""

from typing import Annotated

import typer

AsJson = Annotated[bool, typer.Option("--json", help="Print exactly one JSON document on stdout.")]
Reason = Annotated[str, typer.Option("--reason", help="Why, in your words; it is kept.", show_default=False)]
