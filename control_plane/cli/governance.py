"""factory governance …"""

import gc
from typing import Annotated

import typer

from control_plane.cli.options import AsJson
from control_plane.cli.output import answer, columns, leave, note
from domain.changes import Author

app = typer.Typer(rich_markup_mode=None)
governance = typer.Typer(
    help="Judge changes by the policy of their base, and see what was judged.\n\nExample: factory governance list",
    no_args_is_help=True,
)
app.add_typer(governance, name="governance")


@governance.command("run")
def run(  # noqa: PLR0913 - one parameter for each option
    what: Annotated[str, typer.Argument(metavar="PATH|NAME#NUMBER")],
    *,
    base: Annotated[str | None, typer.Option(help="Of a path: what the change is for.", show_default=False)] = None,
    head: Annotated[str, typer.Option(help="Of a path: the commit that is judged.")] = "HEAD",
    author: Annotated[Author, typer.Option(help="Of a path: unknown is judged as the factory's.")] = Author.UNKNOWN,
    rule: Annotated[list[str] | None, typer.Option(help="Judge this rule only; repeatable.")] = None,
    markdown: Annotated[bool, typer.Option("--markdown", help="Print the report as a forge shows it.")] = False,
    as_json: AsJson = False,
) -> None:
    """Judge a change: commits of any git checkout, or a pull request of an enrolled repository.

    Exit 0: it passes, with warnings perhaps; 1: it fails; 3: something is not known, which blocks too.
    Only commits are judged, by the policy of the merge base.

    Example: factory governance run . --base main
    """
    from control_plane.cli.opening import open_home  # noqa: PLC0415 - `--help` does not pay for the wiring
    from control_plane.governance.documents import exit_code, verdict_document, verdict_lines  # noqa: PLC0415
    from control_plane.governance.running import run as judge  # noqa: PLC0415
    from control_plane.governance.targets import PathChange  # noqa: PLC0415
    from policy.governance.report import render  # noqa: PLC0415

    factory = open_home()
    gc.freeze()  # what was imported is no garbage: looking for some in it costs up to a tenth of the verdict's time
    report = judge(factory, what, PathChange(base=base, head=head, author=author), tuple(rule or ()), note)
    lines = [render(report, factory.artifacts.path)] if markdown else verdict_lines(report)
    answer(verdict_document(report), lines, as_json=as_json)
    if not rule:
        note(f"stored as {report.id}")
    if code := exit_code(report):
        leave(code)


@governance.command("show")
def show(
    what: Annotated[str, typer.Argument(metavar="REPORT|NAME#NUMBER")],
    *,
    markdown: Annotated[bool, typer.Option("--markdown", help="Print it as a forge shows it.")] = False,
    as_json: AsJson = False,
) -> None:
    """Show a stored report, or the newest of a pull request.

    Example: factory governance show shop#7
    """
    from control_plane.cli.opening import open_home  # noqa: PLC0415
    from control_plane.governance.documents import report_document, verdict_lines  # noqa: PLC0415
    from control_plane.governance.stored import find_report  # noqa: PLC0415
    from policy.governance.report import render  # noqa: PLC0415

    factory = open_home()
    report = find_report(factory.governance, what)
    lines = [render(report, factory.artifacts.path)] if markdown else verdict_lines(report)
    answer(report_document(report), lines, as_json=as_json)


@governance.command("replay")
def replay(what: Annotated[str, typer.Argument(metavar="REPORT|NAME#NUMBER")], as_json: AsJson = False) -> None:
    """Judge the stored facts of a report again by the stored policy; exit 1 when the verdicts differ.

    Example: factory governance replay shop#7 --json
    """
    from control_plane.cli.opening import open_home  # noqa: PLC0415
    from control_plane.governance.stored import replay as judge_again  # noqa: PLC0415

    done = judge_again(open_home(), what)
    same = f"{done.stored.id}: the same verdicts again ({done.again.verdict})"
    answer(done.document(), [same] if done.equal else done.differences, as_json=as_json)
    if not done.equal:
        leave(1)


@governance.command("rescan")
def rescan(
    what: Annotated[str | None, typer.Argument(metavar="NAME#NUMBER", help="None: all that were not yet.")] = None,
    as_json: AsJson = False,
) -> None:
    """Judge merged changes again, and count the violations that governance let through before; 0 is the target.

    Exit 1: a critical one escaped.

    Example: factory governance rescan --json
    """
    from control_plane.cli.opening import open_home  # noqa: PLC0415
    from control_plane.governance.escaping import escapes  # noqa: PLC0415
    from control_plane.governance.rescans import document, rescan_merged  # noqa: PLC0415

    factory = open_home()
    reports = rescan_merged(factory, what, note)
    counted = escapes(factory.lookup, factory.governance)
    told = document(reports, counted)
    rows = [(f"{one['repository']}#{one['number']}", one["verdict"]) for one in told["judged"]]
    sums = [f"{name.replace('_', ' ')}: {number}" for name, number in counted.model_dump().items()]
    answer(told, [*columns(rows, ("pull request", "verdict")), *sums], as_json=as_json)
    if counted.escaped_critical:
        leave(1)


@governance.command("list")
def list_(
    *,
    repository: Annotated[str | None, typer.Option(help="Of this repository only.", show_default=False)] = None,
    number: Annotated[int | None, typer.Option(min=1, help="Of this pull request only.", show_default=False)] = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="At most so many, the newest.")] = 50,
    as_json: AsJson = False,
) -> None:
    """List stored reports, the newest first.

    Example: factory governance list --repository shop --json
    """
    from control_plane.cli.opening import open_home  # noqa: PLC0415
    from control_plane.governance.documents import report_line  # noqa: PLC0415

    found = open_home().governance.reports(repository=repository, number=number, limit=limit)
    documents = [report_line(one) for one in found]
    names = ("id", "repository", "number", "verdict", "judged_at")
    rows = [tuple(one[name] for name in names) for one in documents]
    answer({"reports": documents}, columns(rows, names), as_json=as_json)
