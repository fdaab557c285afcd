"""What the tools are told: strict types, no blanket ignores, a lock that can be trusted."""

import ast
import re
from importlib.metadata import packages_distributions

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.architecture.norms import modules
from tests.architecture.places import ROOT, project

#: dependencies that are started or named by URL instead of imported, and the text that does it
NOT_IMPORTED = {"uv": "uv", "psycopg": "psycopg", "dagster-docker": "dagster_docker"}


def lock_blocks() -> dict[str, str]:
    """Return the lock's entries by name; an entry goes on while its lines end in a backslash."""
    text = (ROOT / "requirements.lock").read_text().replace("\\\n", " ")
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    return {canonicalize_name(Requirement(re.split(r"\s--hash", line)[0]).name): line for line in lines}


def test_types_are_checked_strictly_for_every_product_package():
    mypy = project()["tool"]["mypy"]
    assert mypy["strict"] is True
    assert "ignore-without-code" in mypy["enable_error_code"]
    for override in mypy["overrides"]:
        assert set(override) <= {"module", "ignore_missing_imports"}


def test_lint_rules_for_print_and_blind_except_hold_in_product_code():
    lint = project()["tool"]["ruff"]["lint"]
    assert {"T20", "BLE", "D1", "C90"} <= set(lint["select"])
    assert not {"T20", "T201", "BLE", "BLE001"} & set(lint["ignore"])
    assert {pattern.split("/")[0] for pattern in lint["per-file-ignores"]} <= {"tests", "benchmarks", "docs"}


def test_lock_pins_everything_with_hashes_and_names_no_address():
    text = (ROOT / "requirements.lock").read_text()
    assert "://" not in text
    assert not re.search(r"^\s*-[-a-z]", text.replace("    --hash=", ""), re.MULTILINE)
    for name, line in lock_blocks().items():
        assert re.match(r"\S+==\S+", line), name
        assert "--hash=sha256:" in line, name


def test_lock_covers_what_the_project_declares():
    settings = project()
    declared = settings["project"]["dependencies"] + settings["dependency-groups"]["dev"]
    for requirement in map(Requirement, declared):
        block = lock_blocks()[canonicalize_name(requirement.name)]
        version = re.match(r"\S+==([^\s;]+)", block)
        assert version
        assert requirement.specifier.contains(version[1], prereleases=True), requirement


def test_every_declared_dependency_is_used_by_product_code():
    trees = [ast.parse(path.read_text()) for _, path in modules(ROOT)]
    imported = {name.split(".")[0] for tree in trees for name in imports_of(tree)}
    texts = [
        node.value
        for tree in trees
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    ]
    texts += [path.read_text() for path in (ROOT / "deploy").glob("*.yaml")]
    provided: dict[str, set[str]] = {}
    for module, distributions in packages_distributions().items():
        for distribution in distributions:
            provided.setdefault(canonicalize_name(distribution), set()).add(module)
    idle = []
    for requirement in map(Requirement, project()["project"]["dependencies"]):
        name = canonicalize_name(requirement.name)
        word = NOT_IMPORTED.get(name)
        told = word is not None and any(word in re.split(r"[^a-z0-9_]+", text) for text in texts)
        if not told and not provided.get(name, set()) & imported:
            idle.append(name)
    assert idle == []


def imports_of(tree: ast.Module) -> list[str]:
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            found.append(node.module or "")
    return found
