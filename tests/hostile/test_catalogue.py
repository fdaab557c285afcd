"""The table, its programs and the documented list hold together."""

import ast
import re
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

from control_plane.sandboxes.hostile import programs
from control_plane.sandboxes.hostile.accepted import ACCEPTED
from control_plane.sandboxes.hostile.catalogue import CATALOGUE
from control_plane.sandboxes.hostile.loading import SHARED, command_for
from control_plane.sandboxes.hostile.shapes import How
from control_plane.sandboxes.hostile.suite import run_suite, select

PROGRAMS = sorted(Path(programs.__file__).parent.glob("*.py"))
SECURITY = Path(__file__).parents[2] / "docs" / "security.md"
NOT_BEHAVIOURS = {*SHARED, "loader", "__init__"}


def test_there_are_enough_and_each_has_its_own_name() -> None:
    assert len(CATALOGUE) >= 45
    assert len({one.name for one in CATALOGUE}) == len(CATALOGUE)
    assert all(len(one.tries) <= 80 for one in CATALOGUE)


def test_every_program_is_in_the_table_and_the_other_way() -> None:
    written = set()
    for path in PROGRAMS:
        if path.stem not in NOT_BEHAVIOURS:
            tree = ast.parse(path.read_text())
            written |= {
                (path.stem, node.name)
                for node in tree.body
                if isinstance(node, ast.FunctionDef) and ast.unparse(node.args) == "canaries: Canaries"
            }
    assert written == {(one.theme, one.name) for one in CATALOGUE}


@pytest.mark.parametrize("path", PROGRAMS, ids=lambda path: path.stem)
def test_what_runs_inside_needs_nothing_but_an_old_python(path: Path) -> None:
    tree = ast.parse(path.read_text(), feature_version=(3, 9))
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            names.add(node.module or "")
        elif isinstance(node, ast.Import):
            names |= {one.name for one in node.names}
        for annotation in (getattr(node, "annotation", None), getattr(node, "returns", None)):
            assert not any(isinstance(one, ast.BitOr) for one in ast.walk(annotation or ast.Pass()))
    ours = {name for name in names if name.split(".")[0] not in sys.stdlib_module_names}
    assert ours <= {f"{programs.__name__}.{name}" for name in SHARED}


def test_a_program_is_started_from_its_source_alone(tmp_path: Path) -> None:
    command = command_for(select(["foreign_calls"])[0], "token-of-a-test", {"namespaces": {}})
    done = subprocess.run(
        [sys.executable, "-I", *command.argv[1:]],
        input=command.stdin,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip().startswith('HOSTILE {"tried"')
    assert command.argv[-1] == "token-of-a-test"


def test_a_command_carries_its_wall_clock() -> None:
    clocks = {one.name: command_for(one, "t", {}).timeout.total_seconds() for one in CATALOGUE}
    assert all(clocks[one.name] == 2 for one in CATALOGUE if one.how is How.TIMED)
    assert all(command_for(one, "t", {}).network is one.door for one in CATALOGUE)


def test_an_unknown_name_is_refused_before_anything_is_planted() -> None:
    with pytest.raises(KeyError, match="no_such"):
        run_suite(None, "process", only=["no_such"])  # type: ignore[arg-type]


def test_what_is_accepted_is_in_the_table_with_a_reason() -> None:
    names = {one.name for one in CATALOGUE}
    assert len({(one.name, one.backend) for one in ACCEPTED}) == len(ACCEPTED)
    for one in ACCEPTED:
        assert one.name in names
        assert one.backend in {"bubblewrap", "docker"}
        assert len(one.reason) > 40


def test_what_is_accepted_is_documented() -> None:
    text = re.sub(r"\s+", " ", SECURITY.read_text())
    for one in ACCEPTED:
        assert f"`{one.name}`" in text
        assert one.reason in text


def test_programs_that_would_harm_the_machine_have_a_fuse() -> None:
    """Whatever kills, mounts or sets clocks asks first whether it is on the host."""
    for one in CATALOGUE:
        if one.dangerous and one.name not in {"fork_storm", "hidden_memory", "kernel_modules"}:
            module = import_module(f"{programs.__name__}.{one.theme}")
            function = next(
                node
                for node in ast.parse(Path(str(module.__file__)).read_text()).body
                if isinstance(node, ast.FunctionDef) and node.name == one.name
            )
            assert "on_host" in ast.unparse(function) or "/proc/self/ns/" in ast.unparse(function), one.name
