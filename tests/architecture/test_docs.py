"""Docs that cannot lie: what the code has is described, what the docs name exists."""

import importlib
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from domain.errors import taxonomy
from domain.events import CATALOGUE
from policy.constitution import CONSTITUTION
from resources.settings import Settings
from tests.architecture.places import ROOT

DOCS = ROOT / "docs"
PROSE = [*sorted(DOCS.rglob("*.md")), *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "AGENTS.md"))]
ADRS = sorted(path for path in (DOCS / "decisions").glob("*.md") if path.name != "index.md")


def reference(name: str) -> str:
    return (DOCS / "reference" / f"{name}.md").read_text()


def test_generated_pages_and_schemas_are_fresh():
    found = subprocess.run(
        [sys.executable, DOCS / "generate.py", "--check"], capture_output=True, text=True, check=False
    )
    assert found.returncode == 0, found.stdout + found.stderr


def test_every_error_code_has_a_heading():
    headings = set(re.findall(r"^## `(.+)`$", reference("errors"), re.MULTILINE))
    assert headings == set(taxonomy())


def test_every_event_and_setting_is_described():
    assert set(re.findall(r"^\| `(\w+)` \| \d", reference("events"), re.MULTILINE)) == set(CATALOGUE)
    rows = re.findall(r"^\| `(\w+)` \|(.*)\|(.*)\|(.*)\|$", reference("settings"), re.MULTILINE)
    assert set(Settings.model_fields) <= {name for name, *_ in rows}
    assert [name for name, *_, meaning in rows if not meaning.strip()] == []


def test_every_error_raised_by_code_is_named_once_in_the_docs_by_its_code():
    """A code in prose, such as `lease.conflict`, is one of the taxonomy."""
    first_words = {code.split(".")[0] for code in taxonomy()}
    for path in PROSE:
        for word in re.findall(r"`([a-z]+\.[a-z_]+)`", path.read_text()):
            if word.split(".")[0] in first_words and not word.endswith((".md", ".yaml", ".toml", ".py")):
                assert word in taxonomy(), f"{path.name}: {word}"


@pytest.fixture(scope="module")
def collected() -> set[str]:
    """Return every test id of the suite, without parameters."""
    words = [
        sys.executable,
        "-m",
        "pytest",
        "--collect-only",
        "-q",
        "-p",
        "no:cacheprovider",
        "-p",
        "no:xdist",
        "tests",
    ]
    plain = {name: value for name, value in os.environ.items() if name != "PYTEST_ADDOPTS"}
    found = subprocess.run(words, cwd=ROOT, env=plain, capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stdout[-3000:]
    return {line.split("[")[0] for line in found.stdout.splitlines() if "::" in line}


def test_every_invariant_names_a_test_that_exists(collected: set[str]):
    rows = re.findall(r"^\| (INV-\d+) \|.*\| (.+) \|$", (DOCS / "invariants.md").read_text(), re.MULTILINE)
    assert len(rows) >= 10
    assert len({name for name, _ in rows}) == len(rows)
    for name, told in rows:
        ids = re.findall(r"`(tests/\S+::\S+)`", told)
        assert ids, f"{name} names no test"
        assert set(ids) <= collected, f"{name}: {sorted(set(ids) - collected)}"


@pytest.mark.parametrize("path", ADRS, ids=lambda path: path.stem)
def test_every_decision_says_why_what_and_what_would_change_it(path: Path):
    headings = re.findall(r"^## (.+)$", path.read_text(), re.MULTILINE)
    assert headings == ["Why", "Decision", "What follows", "What would change our mind"]
    assert len(path.read_text().splitlines()) <= 60


@pytest.mark.parametrize("topic", ["transport", "sandbox", "people-merge", "queue", "storage", "dagster", "retries"])
def test_decision_on_each_required_topic(topic: str):
    assert [path for path in ADRS if topic in path.stem]


def test_relative_links_lead_somewhere():
    """MkDocs checks links inside of docs/; these are the pages outside."""
    for path in (ROOT / name for name in ("README.md", "CONTRIBUTING.md", "AGENTS.md", "CLAUDE.md")):
        for target in re.findall(r"\]\(([^)#:]+)[^)]*\)", path.read_text()):
            assert (ROOT / target).exists(), f"{path.name}: {target}"


def test_homes_of_other_layouts_can_be_imported():
    text = (DOCS / "architecture.md").read_text()
    rows = re.findall(r"^\| `(?:core|services)/\w+` \| (.+) \|$", text, re.MULTILINE)
    assert rows
    for module in re.findall(r"`([\w.]+)`", " ".join(rows)):
        assert importlib.import_module(module)


def test_commands_and_targets_in_prose_exist():
    app = importlib.import_module("control_plane.cli.app")
    commands = {*app.COMMANDS, *app.ALIASES}
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    for path in PROSE:
        text = path.read_text()
        for command in re.findall(r"(?:`|^)factory ([a-z][a-z-]*)", text, re.MULTILINE):
            assert command in commands, f"{path.name}: factory {command}"
        for words in re.findall(r"(?:`|^)make ([a-z][a-z -]*?)(?:`| {2,}|$)", text, re.MULTILINE):
            assert set(words.split()) <= targets, f"{path.name}: make {words}"


def test_agent_guide_has_the_constitution_and_its_pointer():
    guide = (ROOT / "AGENTS.md").read_text()
    positions = [guide.find(rule) for rule in CONSTITUTION]
    assert -1 not in positions
    assert positions == sorted(positions)
    assert (ROOT / "CLAUDE.md").read_text().strip() == "See [AGENTS.md](AGENTS.md)."


def test_ci_has_its_named_checks_with_least_rights():
    flow = yaml.safe_load((ROOT / ".github" / "workflows" / "ci.yml").read_text())
    assert {"test", "lint", "typecheck", "docs-check"} <= set(flow["jobs"])
    assert "pull_request" in flow[True]  # YAML reads the key `on` as true
    assert "pull_request_target" not in flow[True]
    for job in flow["jobs"].values():
        assert job["permissions"] == {"contents": "read"}
