"""The checkers are checked: each planted violation, in a copy of the project, makes the real tool fail."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.architecture.norms import PRODUCT, violations
from tests.architecture.places import ROOT

BIN = Path(sys.executable).parent


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    for name in PRODUCT:
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def run(copy: Path, program: str, *words: str) -> subprocess.CompletedProcess[str]:
    environment = {"PYTHONPATH": str(copy), "PATH": str(BIN), "HOME": str(copy)}
    return subprocess.run(
        [BIN / program, *words], cwd=copy, env=environment, capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize(
    ("module", "line", "contract"),
    [
        ("domain/planted.py", "import policy.gates", "only the folders below"),
        ("policy/planted.py", "import subprocess", "decide; they touch nothing"),
        ("adapters/ledger/planted.py", "import dagster", "know nothing of Dagster"),
        ("adapters/ledger/planted.py", "import adapters.forge.contract", "do not know each other"),
        ("sensors/planted.py", "import adapters.harness", "only resources choose"),
        ("control_plane/planted.py", "import dagster", "answer without Dagster"),
    ],
)
def test_planted_import_breaks_its_contract(copy: Path, module: str, line: str, contract: str):
    (copy / module).write_text(line + "\n")
    found = run(copy, "lint-imports", "--no-cache")
    assert found.returncode == 1, found.stdout + found.stderr
    broken = [one for one in found.stdout.splitlines() if " BROKEN" in one]
    assert [one for one in broken if contract in one], found.stdout


def test_planted_print_fails_lint_and_norms(copy: Path):
    (copy / "policy" / "planted.py").write_text('print("here")\n')
    found = run(copy, "ruff", "check", "--no-cache", "policy/planted.py")
    assert found.returncode == 1
    assert "T201" in found.stdout
    assert "policy/planted.py:1: print" in violations(copy)


def test_planted_blind_except_fails_lint(copy: Path):
    (copy / "policy" / "planted.py").write_text("try:\n    A = 1\nexcept Exception:\n    A = 2\n")
    assert "BLE001" in run(copy, "ruff", "check", "--no-cache", "policy/planted.py").stdout


def test_planted_untyped_function_fails_the_type_check(copy: Path):
    (copy / "domain" / "planted.py").write_text("def grow(size):\n    return size + 1\n")
    found = run(copy, "mypy", "domain/planted.py")
    assert found.returncode == 1
    assert "no-untyped-def" in found.stdout


@pytest.mark.parametrize(
    ("module", "text", "said"),
    [
        ("policy/planted.py", "def long() -> None:\n" + "    len('')\n" * 45, "long has 46 lines"),
        ("policy/planted.py", "A = 1\n" * 301, "301 lines"),
        ("policy/utils.py", "A = 1\n", "a name that says nothing"),
        ("policy/planted.py", "from __future__ import annotations\n", "from __future__"),
        ("policy/planted.py", "A = 1  # type: " + "ignore\n", "bare type: ignore"),
        ("sensors/planted.py", "@sensor\ndef tick() -> None:\n" + "    len('')\n" * 21, "a body of 21 lines"),
        (
            "adapters/planted/contract.py",
            "class Wide(Protocol):\n" + "".join(f"    def m{n}(self) -> None: ...\n" for n in range(8)),
            "Wide has 8 methods",
        ),
        (
            "adapters/planted/contract/wide.py",
            "class Wide(Protocol):\n" + "".join(f"    def m{n}(self) -> None: ...\n" for n in range(8)),
            "Wide has 8 methods",
        ),
    ],
)
def test_planted_violation_breaks_a_norm(copy: Path, module: str, text: str, said: str):
    (copy / module).parent.mkdir(parents=True, exist_ok=True)
    (copy / module).write_text(text)
    assert [one for one in violations(copy) if one.startswith(module) and said in one]


def test_largest_allowed_function_is_accepted(copy: Path):
    (copy / "policy" / "planted.py").write_text(
        'def long() -> None:\n    """A docstring\n    does not count."""\n' + "    len('')\n" * 44
    )
    assert not [one for one in violations(copy) if one.startswith("policy/planted.py")]
