"""Write the pages and schemas that are generated from the code; with --check, only say which are stale.

Usage: python docs/generate.py [--check] [--only schemas]
"""

import argparse
import importlib
import inspect
import json
import pkgutil
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from policy_page import policies_page
from pydantic import BaseModel
from tables import comments, docstring, enum_comments, fields_table
from typer.main import get_command

import domain
from adapters.scanner.catalogue import SCANNERS
from domain.budgets import Budget
from domain.engines import ALIASES, ENGINE_CLASSES, FLAGGED, GATED
from domain.errors import FactoryError, taxonomy
from domain.events import CATALOGUE
from domain.handwriting import Handwritten
from domain.lifecycle import RUN_OWNERS, RUNS, STAGE_OWNERS, STAGES, Stage
from domain.model import Record, Value
from domain.repositories import RepositoryFile, RepositorySettings
from domain.tickets import Manifest, RetrySettings
from resources.network import NetworkSettings
from resources.settings import (
    GitHubSettings,
    HarnessSettings,
    ScannerSettings,
    Settings,
    UpstreamSettings,
    WorkerSettings,
)

DOCS = Path(__file__).resolve().parent
NOTE = "<!-- Written by `make docs-gen` from the code; edit the code instead. -->\n\n"
TICKET_KEYS = {
    "title": "One line; the subject of the commit and of the pull request.",
    "body": "What is wanted, in Markdown: the text after the front matter, not a key in it.",
    "repository": "Name of an enrolled repository (`factory repo list`).",
    "base": "Branch to start from; default: the repository's own.",
    "profile": "Role the work is done in; fills what the ticket leaves out. A file of `policy/profiles/`.",
    "engine": "Harness that does the work, or `auto`: the router chooses. `command` runs the commands below. Default: "
    "`auto` with an `engine-class`, or with a `profile` and no `commands`; else `command`.",
    "engine-class": "The router chooses among harnesses of this class, when `engine` is not named.",
    "capabilities": "What whoever does the work must offer: `gpu`, `has:xcode`, `os:mac`, `node>=20`.",
    "prefers": "Wishes, the first most: `engine:codex`, `factory:mac-2`. They sway the choice, and rule out nobody.",
    "commands": "Shell commands the `command` harness runs in the workspace, in order.",
    "verify": "Checks added to the repository's own.",
    "verify-only": "Checks that replace the repository's own; only in a file an operator adds by the CLI.",
    "acceptance": "What must hold: a text, or `text` with a `check` command. Only a passed check ticks its box.",
    "owner": "Who answers for the ticket; a repository may require it.",
    "milestone": "What it belongs to; a repository may require it.",
    "priority": "What is served first.",
    "risk": "Default: low for `command`, medium for agents. Policy may raise it by what the patch touches.",
    "autonomy": "A tier below the repository's own; a higher one has no effect.",
    "deps": "Ids of tickets that must have a verified pull request first.",
    "idempotency-key": "The same key and content give the same ticket. Default: repository and content.",
    "retry": "`max` further attempts, first `backoff`, and the causes (`on`) that are tried again.",
    "timeout": "Wall clock of one attempt's work: `90s`, `45m`, `4h`, `1d`.",
    "review-policy": "`auto`, `manual` (a person approves before the pull request opens) or `reviewers: [names]`.",
    "lock": "Tickets with one lock never run at once. Default: the repository.",
    "artifacts": "Files to keep with the run: paths, folders or patterns in the workspace. Missing ones are told.",
    "allowed-scope": "Path patterns the change may touch, `*` crosses folders; none: the profile's, else all.",
    "budget": "Hard ceilings over all attempts, below.",
    "yolo": "Whether the harness may use its tools without asking; the sandbox is what holds it.",
    "cwd": "Folder of the repository to work in. In old short files a place, `~/code/calc`, that names the repository.",
    "tracker-item": "Id or address of the item this ticket stands for.",
}


def errors_page() -> str:
    parts = [
        "# Errors\n\nEvery failure has a code, a class, a cause (the word a ticket's `retry.on` uses) and a remedy. "
        "A failure is tried again when its class is `transient` or `unknown` and the ticket has attempts left; "
        "causes `conflict`, `canceled` and `rejected` never are.\n"
    ]
    for code, error in sorted(taxonomy().items()):
        own = "Anything nobody expected." if error is FactoryError else docstring(error)
        own = f"{own}\n\n" if own else ""
        parts.append(
            f"## `{code}`\n\n{own}`{error.__name__}`: class `{error.failure_class}`, cause `{error.cause}`.\n\n"
            f"**What to do:** {error.remedy}\n"
        )
    return "\n".join(parts)


def events_page() -> str:
    rows = [
        "# Events\n\nThe log is append-only. Each line has a name of this catalogue, a version and a payload with "
        "at least the fields named here; readers tolerate more. Schema: [payloads](../schemas/event-payloads.json).\n",
        "| event | version | fields | written by | read by |",
        "|---|---|---|---|---|",
    ]
    for name, spec in sorted(CATALOGUE.items()):
        fields = ", ".join(f"`{field}`" for field in spec.fields)
        rows.append(f"| `{name}` | {spec.version} | {fields} | {spec.producer} | {', '.join(spec.consumers)} |")
    return "\n".join(rows) + "\n"


def settings_page() -> str:
    return (
        "# Settings\n\nEnvironment variables `FACTORY_<NAME>` win over `settings.yaml` in `FACTORY_HOME`, which wins "
        "over the default. A wrong value stops the process with the field named. `AGENT_QUEUE_MAX` is read for "
        "`max_running` too. `FACTORY_HOME` defaults to the nearest `.factory/` upwards, else a new one here.\n\n"
        + fields_table(Settings, SETTINGS, head="setting")
        + "\n## `github`\n\nHow the factory signs in; [GitHub](../github.md) says which rights it needs.\n\n"
        + fields_table(GitHubSettings, head="setting")
        + "\n## `harnesses`\n\nOne entry a harness, by its name.\n\n"
        + fields_table(HarnessSettings, head="setting")
        + f"\n## `scanners`\n\nOne entry a scanner, by its name: {', '.join(f'`{name}`' for name in SCANNERS)}.\n\n"
        + fields_table(ScannerSettings, head="setting")
        + "\n## `network`\n\nDeclared where the network is [restricted](../restricted-network.md).\n\n"
        + fields_table(NetworkSettings, head="setting")
        + "\n## `upstreams`\n\nServers with a key of ours, by name. The key stays with the egress broker.\n\n"
        + fields_table(UpstreamSettings, head="setting")
        + "\n## `worker`\n\nThe container of a run worker; `deploy/` sets it.\n\n"
        + fields_table(WorkerSettings, WORKER, head="setting")
    )


def lifecycle(title: str, table: Mapping[tuple[Any, Any], Any], owners: Mapping[Any, frozenset[Any]]) -> str:
    first = next(iter(table))[0]
    drawn = [f"    {state} --> {target}: {event}" for (state, event), target in table.items()]
    final = set(table.values()) - {state for state, _ in table}
    ends = [f"    {state} --> [*]" for state in sorted(final)]
    rows = [f"| `{state}` | `{event}` | `{target}` |" for (state, event), target in table.items()]
    owned = [f"| `{event}` | {', '.join(sorted(names))} |" for event, names in owners.items()]
    diagram = "\n".join(["```mermaid", "stateDiagram-v2", f"    [*] --> {first}", *drawn, *ends, "```"])
    table_text = "\n".join(["| from | move | to |", "|---|---|---|", *rows])
    owner_text = "\n".join(["| move | made by |", "|---|---|", *owned])
    return f"## {title}\n\n{diagram}\n\n{table_text}\n\n{owner_text}\n"


def lifecycles_page() -> str:
    meanings = "\n".join(f"| `{stage}` | {text} |" for stage, text in enum_comments(Stage).items())
    return (
        "# Lifecycles\n\nTwo tables; one function reads both. A move that is not in the table raises "
        "`lifecycle.illegal_transition`, one by the wrong component `lifecycle.not_permitted`.\n\n"
        + lifecycle("A ticket's stage", STAGES, STAGE_OWNERS)
        + f"\n| stage | meaning |\n|---|---|\n{meanings}\n\n"
        + lifecycle("A run's state", RUNS, RUN_OWNERS)
    )


SETTINGS = {
    "home": "Where all state lies; found as told above.",
    "database_url": "A Postgres URL moves the ledger and Dagster's storage there; none: SQLite files in `home`.",
    "environment": "What this factory is for.",
    "sandbox": "`auto`: docker, else bubblewrap, else the process sandbox for trusted commands and none for agents.",
    "github": "How it signs in to GitHub, below.",
    "harnesses": "Each harness's own settings, below.",
    "scanners": "Each scanner's own settings, below; governance has them look at changes.",
}
WORKER = {
    "image": "What it is made of.",
    "user": "`uid:gid`, not root.",
    "networks": "What it joins; the first at its creation.",
    "labels": "Beside Dagster's and ours.",
    "groups": "More group ids, to reach the broker's socket.",
    "tmpfs": "Place and options.",
    "working_dir": "Where it starts.",
    "memory_bytes": "Of memory.",
    "nano_cpus": "Billionths of a processor.",
    "processes": "At once.",
}
EXAMPLE = """---
title: Modernise string formatting
repository: click
commands:
  - ruff check --select UP032 --fix src
acceptance:
  - text: no percent formatting is left in the package
    check: "! grep -rnE \\"'[^']*%[sd]\\" src/"
  - the changelog needs no entry
priority: low
timeout: 20m
retry: {max: 1, on: [timeout, crash]}
---
Use f-strings where it can be proved that nothing changes.
"""


def ticket_file_page() -> str:
    keys = {field.alias or name for name, field in Manifest.model_fields.items()}
    if keys != set(TICKET_KEYS):
        raise SystemExit(f"TICKET_KEYS in docs/generate.py lacks or has too much: {sorted(keys ^ set(TICKET_KEYS))}")
    retry = {
        "max": "Further attempts after the first.",
        "backoff": "Ceiling of the first pause; it doubles.",
        "on": "Causes from the [errors](errors.md); none: every transient one.",
    }
    budget = {
        "usd": "Dollars: `5`, `2.50`, `5 USD`.",
        "tokens": "In and out together: `500000`, `500k`, `2M`.",
        "wall": "Wall clock: `45m`, `4h`.",
    }
    committed = {
        **comments(RepositorySettings),
        "setup-files": "The files whose digest decides the cached environment.",
    }
    return f"""# Ticket and repository files

A ticket file is Markdown with YAML front matter; unknown keys are errors, and all errors are told at once, each with
its line. Schema: [manifest.json](../schemas/manifest.json).

```markdown
{EXAMPLE}```

## Keys of a ticket

{fields_table(Manifest, TICKET_KEYS)}
### `retry`

{fields_table(RetrySettings, retry)}
### `budget`

{fields_table(Budget, budget)}
### Engines

{engines_text()}
### Short files

A file with only `engine`, `cwd` and `yolo` (`lock`, `timeout`, `verify` too) and a task needs no `title` and no
`repository` when `cwd` is a place: the title is the task's first line, the repository is called as the last folder.

## `.factory.yaml`

Committed on the repository's base branch; read from there, never from a patch. It lays over what `factory repo add`
chose; it can lower autonomy, not raise it. Schema: [repository-file.json](../schemas/repository-file.json).

{fields_table(RepositoryFile, committed)}"""


def engines_text() -> str:
    """Return the engines a ticket may name, as a table."""
    rows = ["| engine | class | also written | |", "|---|---|---|---|"]
    for name, kind in ENGINE_CLASSES.items():
        short = ", ".join(f"`{alias}`" for alias, engine in ALIASES.items() if engine == name)
        told = "declared, but gated: refused until a harness for it is enabled" if name in GATED else ""
        told = f"behind a flag: `harnesses.{name}.enabled`" if name in FLAGGED else told
        rows.append(f"| `{name}` | `{kind}` | {short} | {told} |")
    return "\n".join(rows) + "\n"


def cli_page() -> str:
    head = (
        "# Command line\n\nEvery command has `--help`; those that answer have `--json`, which prints exactly one JSON "
        "document on stdout. Failures print `[code] what broke -> what to do` on stderr and exit non-zero.\n"
    )
    try:
        app = importlib.import_module("control_plane.cli.app").build([])
    except ModuleNotFoundError as error:
        print(f"docs/reference/cli.md has no commands: {error}", file=sys.stderr)
        return head
    return head + "".join(command_text(get_command(app), "factory"))


def command_text(command: Any, path: str) -> Iterator[str]:
    if not getattr(command, "hidden", False):
        parameters = [one for one in command.params if not getattr(one, "hidden", False) and one.name != "help"]
        names = [argument_text(one) for one in parameters if one.param_type_name == "argument"]
        usage = " ".join([path, *names, *(["COMMAND"] if hasattr(command, "commands") else [])])
        yield f"\n## `{path}`\n\n{inspect.cleandoc(command.help or '').replace(chr(8), '')}\n\n```text\n{usage}\n```\n"
        rows = [option_row(one) for one in parameters if argument_text(one) or one.param_type_name == "option"]
        if rows:
            yield "\n".join(["", "| parameter | default | meaning |", "|---|---|---|", *rows]) + "\n"
        for name, child in getattr(command, "commands", {}).items():
            yield from command_text(child, f"{path} {name}")


def argument_text(parameter: Any) -> str:
    name = (parameter.metavar or parameter.name or "").upper()
    return name if parameter.required else f"[{name}]"


def option_row(parameter: Any) -> str:
    shown = " ".join(f"`{one}`" for one in [*parameter.opts, *parameter.secondary_opts])
    if parameter.param_type_name == "argument":
        shown = f"`{parameter.metavar or parameter.name.upper()}`"
    default = parameter.default if isinstance(parameter.default, str | int | float) else None
    told = "required" if parameter.required else "" if default in (None, False, "") else f"`{default}`"
    meaning = " ".join((getattr(parameter, "help", None) or "").split()).replace("|", "\\|")
    return f"| {shown} | {told} | {meaning} |"


def domain_models() -> list[type[BaseModel]]:
    found: dict[str, type[BaseModel]] = {}
    for info in pkgutil.iter_modules(domain.__path__):
        module = importlib.import_module(f"domain.{info.name}")
        for name, one in vars(module).items():
            if isinstance(one, type) and issubclass(one, BaseModel) and one.__module__ == module.__name__:
                found[name] = one
    return [one for name, one in sorted(found.items()) if one not in (Value, Record, Handwritten)]


def schemas() -> dict[str, str]:
    """Return a JSON Schema for every domain model, and one for the payloads of all events."""
    files = {}
    for model in domain_models():
        name = re.sub(r"(?<=[a-z])(?=[A-Z])", "-", model.__name__).lower()
        schema = {"$schema": "https://json-schema.org/draft/2020-12/schema", **model.model_json_schema()}
        files[f"schemas/{name}.json"] = json.dumps(schema, indent=2, sort_keys=True) + "\n"
    payloads = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "EventPayloads",
        "description": "One entry an event; readers tolerate more fields.",
        "$defs": {
            name: {
                "type": "object",
                "required": sorted(spec.fields),
                "properties": {field: {} for field in sorted(spec.fields)},
                "x-version": spec.version,
                "x-producer": spec.producer,
                "x-consumers": list(spec.consumers),
            }
            for name, spec in CATALOGUE.items()
        },
        "oneOf": [
            {
                "type": "object",
                "required": ["name", "payload"],
                "properties": {"name": {"const": name}, "payload": {"$ref": f"#/$defs/{name}"}},
            }
            for name in sorted(CATALOGUE)
        ],
    }
    files["schemas/event-payloads.json"] = json.dumps(payloads, indent=2, sort_keys=True) + "\n"
    return files


PAGES: Mapping[str, Callable[[], str]] = {
    "reference/cli.md": cli_page,
    "reference/errors.md": errors_page,
    "reference/events.md": events_page,
    "reference/lifecycles.md": lifecycles_page,
    "reference/policies.md": policies_page,
    "reference/settings.md": settings_page,
    "reference/ticket-file.md": ticket_file_page,
}


def generated(only: str | None) -> dict[str, str]:
    pages = {} if only == "schemas" else {name: NOTE + make() for name, make in PAGES.items()}
    return {**pages, **schemas()}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 when a file is stale")
    parser.add_argument("--only", choices=["schemas"])
    told = parser.parse_args()
    files = generated(told.only)
    stale = [name for name, text in files.items() if not (DOCS / name).is_file() or (DOCS / name).read_text() != text]
    stale += [
        f"schemas/{path.name}" for path in (DOCS / "schemas").glob("*.json") if f"schemas/{path.name}" not in files
    ]
    for name in sorted(stale):
        print(("stale: " if told.check else "wrote: ") + f"docs/{name}")
        if not told.check and name in files:
            (DOCS / name).parent.mkdir(parents=True, exist_ok=True)
            (DOCS / name).write_text(files[name])
        elif not told.check:
            (DOCS / name).unlink()
    if stale and told.check:
        print("run `make docs-gen` and commit what it writes", file=sys.stderr)
    return 1 if stale and told.check else 0


if __name__ == "__main__":
    sys.exit(main())
