"""The written norms as a checker: give it a root, it returns what breaks them."""

import ast
import re
import statistics
from collections.abc import Iterator
from pathlib import Path

PRODUCT = ("domain", "policy", "adapters", "resources", "sensors", "factory_pipelines", "control_plane")
MIGRATIONS = "adapters/ledger/migrations"
MODULE_LIMIT, MODULE_MEDIAN = 300, 80
FUNCTION_LIMIT, FUNCTION_MEDIAN = 45, 8
CONTRACT_METHODS = 7
DAGSTER_BODY = 20
BANNED_NAMES = {"utils", "util", "helpers", "helper", "common", "manager", "base", "misc"}
DAGSTER_DECORATORS = {
    "asset", "multi_asset", "graph_asset", "asset_check", "multi_asset_check", "op", "graph", "job",
    "sensor", "asset_sensor", "run_status_sensor", "run_failure_sensor", "schedule",
}  # fmt: skip

Function = ast.FunctionDef | ast.AsyncFunctionDef


def modules(root: Path) -> Iterator[tuple[str, Path]]:
    """Yield every product module with its path relative to the root."""
    for package in PRODUCT:
        for path in sorted((root / package).rglob("*.py")):
            yield path.relative_to(root).as_posix(), path


def functions(tree: ast.Module) -> Iterator[Function]:
    return (node for node in ast.walk(tree) if isinstance(node, Function))


def length(function: Function) -> int:
    """Count a function's lines without its decorators and docstring."""
    return (function.end_lineno or function.lineno) - function.lineno + 1 - _docstring_lines(function)


def _docstring_lines(function: Function) -> int:
    first = function.body[0]
    text = isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and isinstance(first.value.value, str)
    return (first.end_lineno or first.lineno) - first.lineno + 1 if text else 0


def _decorator_names(function: Function) -> set[str]:
    calls = [one.func if isinstance(one, ast.Call) else one for one in function.decorator_list]
    return {one.attr if isinstance(one, ast.Attribute) else getattr(one, "id", "") for one in calls}


def _is_protocol(node: ast.AST) -> bool:
    return isinstance(node, ast.ClassDef) and any(getattr(base, "id", "") == "Protocol" for base in node.bases)


def _module_violations(name: str, text: str) -> Iterator[str]:
    stem = Path(name).stem
    lines = len(text.splitlines())
    if lines > MODULE_LIMIT and not name.startswith(MIGRATIONS):
        yield f"{name}: {lines} lines, more than {MODULE_LIMIT}"
    if stem in BANNED_NAMES or set(Path(name).parent.parts) & BANNED_NAMES:
        yield f"{name}: a name that says nothing"
    for number, line in enumerate(text.splitlines(), 1):
        if "type: ignore" in line and "type: ignore[" not in line:
            yield f"{name}:{number}: bare type: ignore"


def _tree_violations(name: str, tree: ast.Module) -> Iterator[str]:
    contract = re.match(r"adapters/\w+/contract(\.py$|/)", name)
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module == "__future__":
            yield f"{name}:{node.lineno}: from __future__ import"
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "print":
            yield f"{name}:{node.lineno}: print"
        if contract and _is_protocol(node):
            methods = [one for one in node.body if isinstance(one, Function)]
            if len(methods) > CONTRACT_METHODS:
                yield f"{name}:{node.lineno}: {node.name} has {len(methods)} methods, more than {CONTRACT_METHODS}"


def _function_violations(name: str, tree: ast.Module) -> Iterator[str]:
    for function in functions(tree):
        where = f"{name}:{function.lineno}: {function.name}"
        if length(function) > FUNCTION_LIMIT:
            yield f"{where} has {length(function)} lines, more than {FUNCTION_LIMIT}"
        body = (function.end_lineno or 0) - function.body[0].lineno + 1 - _docstring_lines(function)
        if _decorator_names(function) & DAGSTER_DECORATORS and body > DAGSTER_BODY:
            yield f"{where} is a Dagster definition with a body of {body} lines, more than {DAGSTER_BODY}"


def violations(root: Path) -> list[str]:
    """Return every broken norm of a single module or function."""
    found: list[str] = []
    for name, path in modules(root):
        text = path.read_text()
        tree = ast.parse(text, name)
        found += [*_module_violations(name, text), *_tree_violations(name, tree)]
        if not name.startswith(MIGRATIONS):
            found += _function_violations(name, tree)
    return found


def medians(root: Path) -> tuple[float, float]:
    """Return the median lines of a module and of a function; empty package files and migrations do not count."""
    sizes, lengths = [], []
    for name, path in modules(root):
        text = path.read_text()
        if text.strip() and not name.startswith(MIGRATIONS):
            sizes.append(len(text.splitlines()))
            lengths += [length(function) for function in functions(ast.parse(text, name))]
    return statistics.median(sizes), statistics.median(lengths)
