"""What decides who gets work is run by its own tests: nearly every line, and every way a branch may go."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LEAST = 95.0  #: percent of lines and branches together
JUDGED = [
    *(f"policy/{name}.py" for name in ("breakers", "eligibility", "failover", "routing", "scoring", "work_order")),
    *(f"domain/{name}.py" for name in ("capabilities", "versions")),
]
TESTS = [
    *(f"tests/policy/test_{name}.py" for name in ("breakers", "failover", "profiles", "routing", "scoring")),
    "tests/policy/test_routing_scenarios.py",
    *(f"tests/domain/test_{name}.py" for name in ("capabilities", "versions")),
]


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> dict[str, float]:
    """Run the tests of routing by themselves, those without chance, under coverage; return percent by file."""
    folder = tmp_path_factory.mktemp("coverage")
    told = {**os.environ, "COVERAGE_FILE": str(folder / "data")}
    coverage = [sys.executable, "-m", "coverage"]
    options = ["--branch", "--rcfile=/dev/null", f"--include={','.join(JUDGED)}"]
    tests = [
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "-p",
        "no:xdist",
        "-m",
        "not hypothesis",
        "-k",
        "not hostile",
    ]
    tests += [f"--basetemp={folder / 'tests'}", *TESTS]
    for command in (
        [*coverage, "run", *options, *tests],
        [*coverage, "json", "--quiet", "-o", str(folder / "report.json")],
    ):
        ended = subprocess.run(command, cwd=ROOT, env=told, capture_output=True, text=True, check=False)
        assert ended.returncode == 0, ended.stdout + ended.stderr
    report = json.loads((folder / "report.json").read_text())
    return {name: one["summary"]["percent_covered"] for name, one in report["files"].items()}


@pytest.mark.parametrize("name", JUDGED)
def test_lines_and_branches_are_run_by_their_tests(measured: dict[str, float], name: str) -> None:
    assert measured[name] >= LEAST
