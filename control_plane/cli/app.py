"""The `factory` command: finds the module of the command that was typed, and imports no other."""

import gc
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from typing import Annotated, Final

import typer

from control_plane.cli import output
from domain.errors import FactoryError

#: command → the module whose `app` holds it
COMMANDS: Final = {
    "repo": "repositories",
    "ticket": "tickets",
    "run": "running",
    "runs": "runs",
    "timeline": "runs",
    "logs": "logs",
    "cost": "costs",
    "kpi": "kpi",
    "approve": "decisions",
    "reject": "decisions",
    "interrupt": "pausing",
    "continue": "pausing",
    "cancel": "decisions",
    "ship": "decisions",
    "pause": "decisions",
    "resume": "decisions",
    "status": "status",
    "doctor": "doctor",
    "dead-letter": "dead_letters",
    "up": "services",
    "try": "services",
    "harness": "harnesses",
    "route": "routes",
    "breaker": "breakers",
    "sandbox": "sandboxes",
    "egress": "egress",
    "governance": "governance",
    "stage": "stages",
    "webhook": "webhooks",
    "tracker": "trackers",
    "db": "administration",
    "config": "administration",
    "policy": "administration",
}
ALIASES: Final = {"dlq": "dead-letter"}  #: what operators of queues type
HELP = """Take tickets to proven pull requests with outside coding-agent programs.

Start with `factory try`, or on your own repository: `factory repo add NAME PATH`,
`factory ticket add FILE.md`, `factory run TICKET --wait`. Every command has --json and --help.

Example: factory status --json
"""


def main() -> None:
    sys.exit(run(sys.argv[1:]))


def run(words: Sequence[str]) -> int:
    """Run one command and return its exit code: 0 well, 1 failed, 2 misused, 70 a bug, 130 interrupted."""
    as_json = "--json" in words
    words = _spelled_out(words)
    try:
        code = build(words)(args=list(words), prog_name="factory", standalone_mode=False)
    except typer.TyperException as error:
        output.usage(error.format_message(), as_json=as_json)
        return 2
    except FactoryError as error:
        output.failure(error, as_json=as_json)
        return 1
    except (KeyboardInterrupt, typer.Abort):
        return 130
    except Exception as error:  # noqa: BLE001 - the surface: a bug is told, with a file, not thrown at people
        output.bug(error, as_json=as_json)
        return 70
    return code if isinstance(code, int) else 0


def _spelled_out(words: Sequence[str]) -> list[str]:
    return [ALIASES.get(word, word) for word in words[:1]] + list(words[1:])


def build(words: Sequence[str]) -> typer.Typer:
    """Return an app with the command that was typed; with all of them when none was."""
    typed = next((word for word in words if not word.startswith("-")), "")
    names = [COMMANDS[typed]] if typed in COMMANDS else dict.fromkeys(COMMANDS.values())
    app = typer.Typer(help=HELP, no_args_is_help=True, add_completion=False, rich_markup_mode=None)
    app.callback()(_factory)
    with _without_collector():
        for name in names:
            app.add_typer(import_module(f"control_plane.cli.{name}").app)
    return app


@contextmanager
def _without_collector() -> Iterator[None]:
    """Imports make many objects and no garbage: looking for some takes a fifth of a reading command's time."""
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()


def _tell_version(wanted: bool) -> None:
    if wanted:
        output.answer(None, [output.product()], as_json=False)
        output.leave(0)


def _factory(
    *,
    version: Annotated[
        bool, typer.Option("--version", callback=_tell_version, is_eager=True, help="Tell the version.")
    ] = False,
) -> None: ...


if __name__ == "__main__":
    main()
