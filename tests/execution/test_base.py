"""The base decides: its own red tests are not held against a patch, and its `.factory.yaml` counts, never a patch's."""

import sys
from pathlib import Path

import pytest

from domain.errors import GatesFailed, RepositoryInvalid
from domain.governance import Verdict
from domain.lifecycle import RunState, Stage
from resources.workspaces import check_base
from tests.support.factory import BREAK, World, make_world
from tests.support.repositories import MODULE, git

PYTEST = f"{sys.executable} -m pytest -q -p no:cacheprovider"
RED = {
    "calc.py": MODULE,
    "test_calc.py": "from calc import double\n\ndef test_double():\n    assert double(2) == 4\n\ndef test_old():\n    assert False\n",
}


def head(world: World) -> str:
    return git(world.source, "rev-parse", "main")


def verdict(world: World, run_id: str) -> Verdict:
    _artifacts, report = world.factory.lookup.evidence(run_id)
    assert report is not None
    return report.verdict


def test_a_red_base_is_told_with_its_failing_tests(tmp_path: Path) -> None:
    world = make_world(tmp_path, files=RED, verify=[PYTEST])
    told = check_base(world.factory, world.factory.lookup.repository("calc"), head(world))
    assert (told.base_red, told.failing_tests, told.failing_commands) == (True, ("test_calc::test_old",), (PYTEST,))


def test_what_fails_on_the_base_too_is_not_held_against_the_patch(tmp_path: Path) -> None:
    world = make_world(tmp_path, files=RED, verify=[PYTEST])
    ticket = world.file()
    assert world.run(ticket) is None
    assert (world.ticket(ticket).stage, verdict(world, "T-1-r1")) == (Stage.TESTING, Verdict.WARN)


def test_a_newly_failing_test_is(tmp_path: Path) -> None:
    world = make_world(tmp_path, files=RED, verify=[PYTEST])
    error = world.run(world.file(commands=[BREAK]))
    assert isinstance(error, GatesFailed)
    assert "test_double" in error.message
    assert "test_old" not in error.message


def test_a_red_base_without_test_names_is_undetermined_and_waits(tmp_path: Path) -> None:
    world = make_world(tmp_path, files=RED, verify=["false"])
    ticket = world.file()
    assert world.run(ticket) is None
    assert verdict(world, "T-1-r1") is Verdict.UNDETERMINED
    assert world.factory.lookup.runs(ticket_id=ticket.id)[0].state is RunState.AWAITING_APPROVAL


def test_the_committed_settings_refine_what_was_enrolled(tmp_path: Path) -> None:
    files = {"calc.py": MODULE, ".factory.yaml": "verify: [test -f calc.py]\nautonomy: autonomous\nscope: [calc.py]\n"}
    world = make_world(tmp_path, files=files, verify=["false"])
    assert world.run(world.file()) is None
    assert world.factory.lookup.pull_request("T-1") is not None
    outside = world.run(world.file(commands=["echo x > other.py"]))
    assert isinstance(outside, GatesFailed)
    waits = world.file(risk="medium", commands=["echo '# x' >> calc.py"])
    world.run(waits)
    assert world.ticket(waits).stage is Stage.REVIEW, "a file in the repository raised its autonomy"


def test_a_patch_cannot_change_how_it_is_judged(tmp_path: Path) -> None:
    world = make_world(tmp_path)
    error = world.run(world.file(commands=[BREAK, "echo 'verify: [\"true\"]' > .factory.yaml"]))
    assert isinstance(error, GatesFailed)


def test_a_wrong_settings_file_names_its_field(tmp_path: Path) -> None:
    world = make_world(tmp_path, files={"a": "a", ".factory.yaml": "verifi: [x]\n"})
    error = world.run(world.file())
    assert isinstance(error, RepositoryInvalid)
    assert "verifi" in error.message


@pytest.mark.parametrize("only", [["true"], "true"])
def test_verify_only_replaces_the_repositorys_checks(tmp_path: Path, only: object) -> None:
    world = make_world(tmp_path, verify=["false"])
    assert world.run(world.file(**{"verify-only": only})) is None
    assert world.factory.lookup.pull_request("T-1") is not None
