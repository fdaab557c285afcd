"""What every command promises: help with an example, exit codes, one JSON document, no heavy imports."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from control_plane.cli import app, output
from domain.errors import SettingsInvalid

LEAVES = [
    "repo add", "repo check", "repo protect", "repo list", "repo show", "ticket add", "ticket list", "ticket show", "ticket readiness",
    "ticket done-check", "run", "runs", "timeline", "logs", "cost", "kpi", "approve", "reject",
    "interrupt", "continue", "cancel", "ship", "pause", "resume",
    "status", "dead-letter list", "dead-letter requeue", "dead-letter replay", "dead-letter close", "doctor", "up", "try",
    "harness list", "harness probe", "route explain", "route outcomes", "breaker list",
    "breaker reset", "governance run", "governance show", "governance replay", "governance rescan", "governance list",
    "stage report", "stage promote", "webhook list", "webhook show", "webhook replay", "sandbox shell", "sandbox test", "egress log", "db migrate", "db rollback",
    "tracker from", "tracker to", "tracker sync", "config show", "config check", "policy check",
]  # fmt: skip
INTERACTIVE = ["sandbox shell"]  # its output is the program's own
READING = [
    "webhook list",
    "repo list",
    "ticket list",
    "runs",
    "status",
    "dead-letter list",
    "cost",
    "kpi",
    "route outcomes",
]
HEAVY = ("alembic", "dagster", "uvicorn", "jinja2", "starlette", "detect_secrets", "frontmatter", "psutil")


@pytest.mark.parametrize("command", LEAVES)
def test_every_command_teaches_and_has_json(cli, command):
    said = cli(*command.split(), "--help")
    assert said.code == 0
    assert f"Example: factory {command.split()[0]}" in said.out or "factory " in said.out.partition("Example:")[2]
    assert ("--json" in said.out) is (command not in INTERACTIVE)


def test_the_list_above_is_the_whole_command_line(cli):
    assert {leaf.split()[0] for leaf in LEAVES} == set(app.COMMANDS)
    listed = re.findall(r"^  ([a-z-]+) {2,}", cli("--help").out, re.MULTILINE)
    assert set(app.COMMANDS) <= set(listed)


def test_it_tells_its_version(cli):
    said = cli("--version")
    declared = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())["project"]["version"]
    assert (said.code, said.out) == (0, f"factory {declared}\n")


def test_an_alias_is_the_whole_command(cli, tmp_path, monkeypatch):
    monkeypatch.setenv("FACTORY_HOME", str(tmp_path / "home"))
    assert set(app.ALIASES.values()) <= set(app.COMMANDS)
    assert cli("dlq", "list", "--json").document == cli("dead-letter", "list", "--json").document == {"tickets": []}


@pytest.mark.parametrize("group", sorted({leaf.split()[0] for leaf in LEAVES if " " in leaf}))
def test_a_group_teaches_too(cli, group):
    assert "Example: factory" in cli(group, "--help").out


@pytest.mark.parametrize("words", [["nope"], ["run"], ["ticket", "list", "--stage", "nope"], ["repo", "add", "x"]])
def test_misuse_is_2_and_says_so(cli, words):
    said = cli(*words)
    assert said.code == 2
    assert said.err.startswith("[usage] ")
    assert said.out == ""


def test_misuse_with_json_is_one_document(cli):
    said = cli("runs", "--state", "nope", "--json")
    assert said.code == 2
    assert said.error["code"] == "usage"


def test_a_failure_is_1_in_one_line_and_one_document(cli, world):
    said = cli("ticket", "show", "T-99", "--json")
    assert said.code == 1
    assert re.match(r"\[input\.not_found\] no ticket 'T-99' -> List what exists", said.err)
    assert set(said.error) == {"code", "message", "remedy", "details"}


def test_a_bug_is_3_with_a_file_and_no_traceback(cli, world, monkeypatch):
    def explode() -> None:
        raise RuntimeError("boom")

    monkeypatch.setattr("control_plane.cli.status.open_reading", explode, raising=False)
    cli("status", "--help")  # imports the module that is patched
    monkeypatch.setattr("control_plane.cli.status.open_reading", explode)
    said = cli("status", "--json")
    assert said.code == 70
    assert "Traceback" not in said.err
    path = re.search(r"report it with (\S+)", said.err)
    assert path is not None
    assert "RuntimeError: boom" in Path(path[1]).read_text()
    assert Path(path[1]).read_text().startswith("factory ")
    assert said.error["code"] == "factory.unexpected"


@pytest.mark.parametrize(("error", "code"), [(KeyboardInterrupt, 130), (SettingsInvalid("x: wrong"), 1)])
def test_an_interrupt_is_130_and_wrong_settings_are_a_failure(cli, world, monkeypatch, error, code):
    def stop() -> None:
        raise error

    cli("status", "--help")
    monkeypatch.setattr("control_plane.cli.status.open_reading", stop)
    assert cli("status").code == code


def test_reading_commands_import_nothing_heavy(world):
    script = (
        "import sys\nfrom control_plane.cli import app\n"
        f"codes = [app.run(words.split()) for words in {READING!r}]\n"
        f"sys.exit(repr([codes, [name for name in {HEAVY!r} if name in sys.modules]]))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=False)
    assert done.stderr.splitlines()[-1] == repr([[0] * len(READING), []])


def test_columns_align_and_say_when_there_is_nothing():
    assert output.columns([("a", None), ("bcd", 2)], ("x", "y")) == ["X    Y", "a", "bcd  2"]
    assert output.columns([], ("x",)) == ["nothing here"]
