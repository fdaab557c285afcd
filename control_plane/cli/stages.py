"""factory stage …"""

from typing import Annotated

import typer

from control_plane.cli.options import AsJson, Reason
from control_plane.cli.output import answer
from domain.tickets import Tier

app = typer.Typer(rich_markup_mode=None)
stage = typer.Typer(
    help="What the ledger shows of recent work, and how far the factory may go on it.\n\nExample: factory stage report",
    no_args_is_help=True,
)
app.add_typer(stage, name="stage")

Scope = Annotated[str | None, typer.Option("--repository", help="Only this repository (default: the whole factory).")]


@stage.command("report")
def report(repository: Scope = None, as_json: AsJson = False) -> None:
    """Show duplicates, whether reruns come to the same, and whether the pass rate holds.

    Example: factory stage report --repository shop --json
    """
    from control_plane.cli.opening import open_home  # noqa: PLC0415 - `--help` does not pay for the wiring
    from resources.stages import report_of  # noqa: PLC0415

    factory = open_home()
    found = report_of(factory, factory.lookup.repository(repository).name if repository else None)
    document = {**found.model_dump(mode="json"), "duplicates": len(found.duplicates), "green": found.is_green}
    document["duplicate_tickets"] = list(found.duplicates)
    lines = [
        f"{found.runs} runs since {found.since:%Y-%m-%d %H:%M}",
        f"duplicates: {len(found.duplicates)}",
        f"reruns that came to the same: {found.equal_reruns} of {found.reruns}",
        f"verified runs: {_share(found.pass_rate_before)}, then {_share(found.pass_rate_now)}",
        *([f"not enough to go further: {'; '.join(found.lacking)}"] if found.lacking else ["green"]),
    ]
    answer(document, lines, as_json=as_json)


@stage.command("promote")
def promote(
    name: Annotated[str, typer.Argument(metavar="REPOSITORY")],
    *,
    to: Annotated[Tier, typer.Option(help="The next tier.")],
    reason: Reason,
    as_json: AsJson = False,
) -> None:
    """Let the factory go one tier further in a repository; refused without a green report of it.

    Example: factory stage promote shop --to supervised --reason "a month without a surprise"
    """
    from control_plane.cli.opening import open_home  # noqa: PLC0415
    from control_plane.runs.person import current_person  # noqa: PLC0415
    from resources.stages import promote as move  # noqa: PLC0415

    factory = open_home()
    moved = move(factory, factory.lookup.repository(name), to, actor=current_person(), reason=reason)
    document = {"repository": moved.name, "autonomy": moved.settings.autonomy.value}
    answer(document, [f"{moved.name} is {moved.settings.autonomy} now"], as_json=as_json)


def _share(rate: float | None) -> str:
    return "not known" if rate is None else f"{rate:.0%}"
