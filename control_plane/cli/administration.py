"""factory db, factory config, factory policy."""

from pathlib import Path
from typing import Annotated

import typer

from control_plane.cli.options import AsJson
from control_plane.cli.output import answer
from resources import ledger
from resources.egress_broker import checked_upstreams
from resources.model_apis import upstreams_in_force
from resources.policy_files import load_policy
from resources.secrets import secret
from resources.settings import load_settings, prepare_home

app = typer.Typer(rich_markup_mode=None)
database = typer.Typer(help="The ledger's tables.\n\nExample: factory db migrate", no_args_is_help=True)
config = typer.Typer(help="The settings in force.\n\nExample: factory config show", no_args_is_help=True)
policy = typer.Typer(help="The policy in force.\n\nExample: factory policy check", no_args_is_help=True)
app.add_typer(database, name="db")
app.add_typer(config, name="config")
app.add_typer(policy, name="policy")


@database.command("migrate")
def migrate(as_json: AsJson = False) -> None:
    """Create the ledger's tables or bring them up to this release.

    Example: factory db migrate
    """
    settings = load_settings()
    prepare_home(settings)
    ledger.open_ledger(settings.ledger_url, migrate=True)
    answer({"migrated": True}, ["the ledger is up to date"], as_json=as_json)


@database.command("rollback")
def rollback(
    to: Annotated[str, typer.Option(help="A revision; -1 is the one before, base removes everything.")] = "-1",
    *,
    as_json: AsJson = False,
) -> None:
    """Take migrations of the ledger back.

    Example: factory db rollback --to -1
    """
    ledger.rollback_ledger(load_settings().ledger_url, to)
    answer({"rolled_back": to}, [f"rolled back to {to}"], as_json=as_json)


@config.command("show")
def show(as_json: AsJson = False) -> None:
    """Show every setting in force, and which secrets they name are here; never their values.

    Example: factory config show --json
    """
    settings = load_settings()
    document = settings.model_dump(mode="json")
    document["database_url"] = _without_password(document["database_url"] or "")
    named = {one.credential for one in upstreams_in_force(settings).values()}
    named.add(settings.network.credential if settings.network else None)
    document["secrets"] = {name: secret(name) is not None for name in sorted(filter(None, named))}
    answer(document, [f"{key}: {value}" for key, value in document.items()], as_json=as_json)


@config.command("check")
def check_config(as_json: AsJson = False) -> None:
    """Check all settings; a wrong one is named.

    Example: factory config check
    """
    settings = load_settings()
    checked_upstreams(settings)
    answer({"ok": True, "home": str(settings.home)}, [f"all settings of {settings.home} are right"], as_json=as_json)


@policy.command("check")
def check_policy(
    folder: Annotated[Path | None, typer.Argument(help="Policy files to check (default: those in force).")] = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Check the policy files; a wrong field is named.

    Example: factory policy check ./policy
    """
    found = load_policy(folder or load_settings().policy_dir)
    rules = [rule.rule for rule in found.approvals.rules]
    answer({"ok": True, "rules": rules}, [f"policy is right: {', '.join(rules)}"], as_json=as_json)


def _without_password(url: str) -> str:
    head, mark, tail = url.rpartition("@")
    if not mark or "://" not in head:
        return url
    scheme, _, user = head.partition("://")
    return f"{scheme}://{user.partition(':')[0]}:***@{tail}"
