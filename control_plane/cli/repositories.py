"""factory repo …"""

from typing import Annotated, Any

import typer

from control_plane.cli.options import AsJson
from control_plane.cli.output import answer, columns
from control_plane.cli.reading import open_reading
from control_plane.repositories.documents import repository_document

app = typer.Typer(rich_markup_mode=None)
repo = typer.Typer(
    help="Enrol repositories and see their settings.\n\nExample: factory repo list", no_args_is_help=True
)
app.add_typer(repo, name="repo")

Many = list[str] | None


@repo.command("add")
def add(  # noqa: PLR0913 - one parameter for each option
    name: Annotated[str, typer.Argument(help="The name tickets use.")],
    source: Annotated[str, typer.Argument(metavar="PATH_OR_URL", help="A git repository.")],
    *,
    base: Annotated[str | None, typer.Option(help="Base branch (default: the source's).")] = None,
    setup: Annotated[Many, typer.Option(help="Command that prepares $FACTORY_ENVIRONMENT; repeatable.")] = None,
    verify: Annotated[Many, typer.Option(help="Command that checks a change; repeatable.")] = None,
    lock: Annotated[str | None, typer.Option(help="Tickets with one lock run one at a time.")] = None,
    scope: Annotated[Many, typer.Option(help="Path pattern a change may touch; repeatable.")] = None,
    autonomy: Annotated[str | None, typer.Option(help="constrained, supervised or autonomous.")] = None,
    require: Annotated[Many, typer.Option(help="Ticket key that must be filled in; repeatable.")] = None,
    sandbox: Annotated[str | None, typer.Option(help="auto, docker, bubblewrap or process.")] = None,
    forge: Annotated[str | None, typer.Option(help="local or github (default: by the address).")] = None,
    webhook_secret: Annotated[str | None, typer.Option(help="Name of the secret that signs its webhooks.")] = None,
    required_check: Annotated[Many, typer.Option(help="Check its base demands (test, lint, docs-check).")] = None,
    no_check: Annotated[bool, typer.Option("--no-check", help="Do not run verify on the base now.")] = False,
    as_json: AsJson = False,
) -> None:
    """Enrol a repository, or change its settings when it is already enrolled.

    What is not told is detected and shown. `verify` runs once on the base, so that a patch to a
    repository that is red by itself is judged by newly failing tests.

    Example: factory repo add shop ~/src/shop --verify "python -m pytest -q"
    """
    told: dict[str, Any] = {"base": base, "setup": setup, "verify": verify, "lock": lock, "scope": scope}
    told |= {"autonomy": autonomy, "require": require, "sandbox": sandbox, "webhook_secret": webhook_secret}
    told |= {"required_checks": required_check}
    from control_plane.cli import enrolling  # noqa: PLC0415 - reading commands do not pay for the wiring

    document, lines = enrolling.enrol_repository(name, source, told, with_check=not no_check, forge=forge)
    answer(document, lines, as_json=as_json)


@repo.command("check")
def check(
    name: str,
    *,
    fix: Annotated[bool, typer.Option("--fix", help="Make the labels that lack.")] = False,
    as_json: AsJson = False,
) -> int:
    """Ask the forge what the repository still lacks: permissions, protection, webhook, labels.

    Exit 0: nothing is missing; 1: something is; 3: something could not be looked at.

    Example: factory repo check shop --json
    """
    from control_plane.cli import inspecting  # noqa: PLC0415 - reading commands do not pay for the wiring

    document, lines, code = inspecting.inspect_repository(name, fix=fix)
    answer(document, lines, as_json=as_json)
    return code


@repo.command("protect")
def protect(
    name: str,
    *,
    only_check: Annotated[bool, typer.Option("--check", help="Only tell what is lacking.")] = False,
    as_json: AsJson = False,
) -> int:
    """Protect the base branch on its forge; what people have set beyond it stays.

    Example: factory repo protect shop --check
    """
    from control_plane.cli import inspecting  # noqa: PLC0415

    document, lines, code = inspecting.protect_repository(name, apply=not only_check)
    answer(document, lines, as_json=as_json)
    return code


@repo.command("list")
def list_(as_json: AsJson = False) -> None:
    """List the enrolled repositories.

    Example: factory repo list --json
    """
    found = open_reading().oversight.repositories()
    rows = [(one.name, one.settings.base, one.settings.autonomy, one.source) for one in found]
    document = {"repositories": [repository_document(one) for one in found]}
    answer(document, columns(rows, ("name", "base", "autonomy", "source")), as_json=as_json)


@repo.command("show")
def show(name: str, as_json: AsJson = False) -> None:
    """Show a repository's settings and the forge's own git repository, which anyone may clone.

    Example: git clone "$(factory repo show shop --json | jq -r .remote)"
    """
    found = open_reading().lookup.repository(name)
    settings = found.settings.model_dump(mode="json")
    lines = [f"{found.name} from {found.source}", f"  remote: {found.remote}"]
    answer(repository_document(found), [*lines, *(f"  {k}: {v}" for k, v in settings.items() if v)], as_json=as_json)
