"""The top level is fixed, the layer list is the folder list, and our names are ours alone."""

import ast
from importlib.metadata import packages_distributions

from tests.architecture.norms import PRODUCT, modules
from tests.architecture.places import ROOT, project, tracked

ASKED_FOR = {
    "factory_pipelines", "adapters", "sensors", "resources", "policy", "workspace.yaml", "dagster.yaml",
    "tests", "pyproject.toml", "docs",
}  # fmt: skip
OURS = {"domain", "control_plane", "benchmarks", "deploy"}
AROUND = {
    ".ci", ".github", ".gitignore", "AGENTS.md", "CHANGELOG.md", "CLAUDE.md", "CONTRIBUTING.md", "LICENSE",
    "Makefile", "README.md", "mkdocs.yml", "requirements.lock",
}  # fmt: skip


def test_every_top_level_entry_exists_and_is_not_empty():
    for name in sorted(ASKED_FOR | OURS | AROUND):
        path = ROOT / name
        assert path.exists(), name
        assert any(path.iterdir()) if path.is_dir() else path.stat().st_size, f"{name} is empty"


def test_nothing_else_lies_at_the_top_level():
    there = {path.relative_to(ROOT).parts[0] for path in tracked()}
    assert there <= ASKED_FOR | OURS | AROUND


def test_every_product_folder_holds_code():
    for package in PRODUCT:
        code = [path for name, path in modules(ROOT) if name.startswith(f"{package}/") and path.read_text().strip()]
        assert code, f"{package} holds no code"


def test_no_package_is_empty():
    """A folder is made when it has a file: a lone, empty __init__.py is a promise, not code."""
    for name, path in modules(ROOT):
        if path.name == "__init__.py" and not path.read_text().strip():
            others = [one for one in path.parent.rglob("*.py") if one.read_text().strip()]
            assert others, f"{name} is alone in its folder"


def test_layer_list_is_the_folder_list():
    tool = project()["tool"]
    layers = [name for layer in tool["importlinter"]["contracts"][0]["layers"] for name in layer.split(" | ")]
    folders = {path.parent.name for path in ROOT.glob("*/__init__.py")} - {"tests"}
    assert sorted(layers) == sorted(PRODUCT) == sorted(folders)
    assert sorted(tool["importlinter"]["root_packages"]) == sorted(PRODUCT)
    assert sorted(tool["hatch"]["build"]["targets"]["wheel"]["packages"]) == sorted(PRODUCT)
    assert sorted(tool["mypy"]["files"]) == sorted(PRODUCT)


def test_adapter_families_of_the_contract_are_the_folders():
    contracts = project()["tool"]["importlinter"]["contracts"]
    independent = next(
        one for one in contracts if one["type"] == "independence" and "adapters.ledger" in one["modules"]
    )
    folders = {path.parent.name for path in (ROOT / "adapters").glob("*/__init__.py")}
    families = {f"adapters.{name}" for name in folders - {"_vendor"}}
    assert set(independent["modules"]) == families


def test_no_installed_distribution_offers_a_module_with_our_name():
    for name in PRODUCT:
        assert set(packages_distributions().get(name, ())) <= {"software-factory"}, name


def test_contracts_import_only_the_domain_and_typing():
    allowed = {"domain", "typing", "collections", "datetime"}
    paths = [*(ROOT / "adapters").glob("*/contract.py"), *(ROOT / "adapters").glob("*/contract/[a-z]*.py")]
    assert len(paths) > 10
    for path in paths:
        for node in ast.walk(ast.parse(path.read_text())):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            assert {name.split(".")[0] for name in names} <= allowed, path


def test_fetch_ready_is_the_only_name_of_the_ready_fetch():
    banned = ("fetch_" + "backlog", "fetch_ready_" + "tickets", "get_" + "ready")
    for path in tracked():
        if path.suffix in {".py", ".md", ".yaml", ".toml"}:
            assert not [name for name in banned if name in path.read_text()], path
