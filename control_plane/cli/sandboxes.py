"""factory sandbox …"""

from typing import Annotated

import typer

from control_plane.cli.opening import open_home
from control_plane.cli.options import AsJson
from control_plane.cli.output import answer, leave, note
from control_plane.sandboxes.proving import findings_document, prove, prove_lines
from control_plane.sandboxes.shell import open_shell
from resources.brokers import brokers

app = typer.Typer(rich_markup_mode=None)
sandbox = typer.Typer(
    help="Look into the sandbox, and let hostile programs try to leave it.\n\nExample: factory sandbox test",
    no_args_is_help=True,
)
app.add_typer(sandbox, name="sandbox")

Many = list[str] | None
SIGNALLED = 128


@sandbox.command("shell")
def shell(
    repository: Annotated[str, typer.Argument(metavar="REPO", help="An enrolled repository.")],
    command: Annotated[Many, typer.Argument(help="What to run instead of a shell.", show_default=False)] = None,
    *,
    harness: Annotated[str | None, typer.Option(help="Whose allow-list the door follows.")] = None,
) -> None:
    """Open the sandbox an agent gets for a repository, with its workspace, environment and door.

    It is thrown away when you leave it.

    Example: factory sandbox shell shop -- python3 -m pytest -q
    """
    factory = open_home()
    with brokers(factory):
        code = open_shell(factory, repository, tuple(command or ("bash", "-i")), harness=harness)
    leave(code if code >= 0 else SIGNALLED - code)


@sandbox.command("test")
def test(
    *,
    backend: Annotated[Many, typer.Option(help="docker or bubblewrap (default: each that works); repeatable.")] = None,
    only: Annotated[Many, typer.Option(help="Only this behaviour; repeatable.")] = None,
    as_json: AsJson = False,
) -> None:
    """Run hostile programs in the sandboxes of this machine, and tell from outside which were contained.

    Exit 1 when one was not and stands on no list of accepted reasons, or when no sandbox works here.

    Example: factory sandbox test --backend bubblewrap --only fork_bomb
    """
    factory = open_home()
    with brokers(factory):
        findings = prove(factory, backends=tuple(backend or ()), only=tuple(only or ()), tell=note)
    document = findings_document(findings)
    answer(document, prove_lines(findings), as_json=as_json)
    leave(0 if document["ok"] else 1)
