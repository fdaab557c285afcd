"""factory doctor."""

import typer

from control_plane.cli.opening import open_home
from control_plane.cli.options import AsJson
from control_plane.cli.output import answer, leave
from control_plane.health.doctor import doctor as examine
from resources.settings import load_settings

app = typer.Typer(rich_markup_mode=None)


@app.command("doctor")
def doctor(as_json: AsJson = False) -> None:
    """Check this machine, the ledger, the services, and look for stalled tickets; exit 1 when something is wrong.

    Example: factory doctor --json
    """
    document = examine(load_settings(), open_home)
    lines = []
    for check in document["checks"]:
        lines.append(f"{'ok ' if check['ok'] else 'BAD'} {check['name']}: {check['detail']}")
        if check["remedy"]:
            lines.append(f"      -> {check['remedy']}")
    answer(document, lines, as_json=as_json)
    if not document["ok"]:
        leave(1)
