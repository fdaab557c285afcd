"""Detection of a Python project: a uv environment with the project, its test requirements and pytest."""

import configparser
import re
import shlex
import ssl
import tomllib
from pathlib import Path
from typing import Any, Final

from control_plane.repositories.detection import Detection, Tree
from policy.images import TELLING

DECIDING: Final = TELLING["python"]
TEST_NAMES: Final = ("test", "tests", "testing")
REQUIREMENTS: Final = (
    "requirements/tests.txt", "requirements/test.txt", "requirements-test.txt", "requirements-tests.txt",
    "requirements_test.txt", "test-requirements.txt", "test_requirements.txt", "tests/requirements.txt",
    "requirements/dev.txt", "requirements-dev.txt", "requirements_dev.txt", "dev-requirements.txt",
)  # fmt: skip
PYTEST_FILES: Final = ("pytest.ini", ".pytest.ini", "conftest.py")


def detect_python(tree: Tree) -> Detection | None:
    if tree.first(DECIDING) is None:
        return None
    project = _toml(tree.text("pyproject.toml"))
    wanted, files, reasons = _test_requirements(tree, project)
    target, found = _installable(tree, project)
    words = [*_target_words(target, wanted), *(word for word in wanted if not word.startswith("extra:")), "pytest"]
    if "requirements.txt" in tree.names and not target:
        words = ["-r", "requirements.txt", *words]
        reasons = (*reasons, "requirements.txt is installed")
    uses_pytest, verify = _verify(tree, project)
    return Detection(
        kind="python",
        setup=_setup(words),
        setup_files=tuple(dict.fromkeys([*(name for name in DECIDING if name in tree.names), *files])),
        verify=verify,
        reasons=(found, *reasons, uses_pytest),
    )


def _setup(words: list[str]) -> tuple[str, ...]:
    program = "uv"  # a sandbox finds the one that came with the factory when the machine has none
    # the machine's own certificates, where it has some: a company's proxy is known only there
    certificates = " --system-certs" if ssl.get_default_verify_paths().cafile else ""
    return (
        f'{program} venv -q --allow-existing "$FACTORY_ENVIRONMENT"',
        f'{program} pip install -q{certificates} --python "$FACTORY_ENVIRONMENT/bin/python" --compile-bytecode '
        + shlex.join(words),
    )


def _toml(text: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return {}


def _installable(tree: Tree, project: dict[str, Any]) -> tuple[str, str]:
    if "build-system" in project or "project" in project:
        return ".", "pyproject.toml describes a package: installed editable"
    if "setup.py" in tree.names or "[metadata]" in tree.text("setup.cfg"):
        return ".", "setup.py or setup.cfg describes a package: installed editable"
    return "", "a Python project without a package of its own: only its requirements are installed"


def _target_words(target: str, wanted: list[str]) -> list[str]:
    extras = [word.removeprefix("extra:") for word in wanted if word.startswith("extra:")]
    return ["-e", target + (f"[{','.join(extras)}]" if extras else "")] if target else []


def _test_requirements(tree: Tree, project: dict[str, Any]) -> tuple[list[str], list[str], tuple[str, ...]]:
    """Return words for `uv pip install` (`extra:NAME` for an extra), the files they come from, and why."""
    group = _pick(project.get("dependency-groups"))
    if group:
        return ["--group", group], [], (f"test requirements from the dependency group {group!r}",)
    extra = _pick(project.get("project", {}).get("optional-dependencies")) or _pick(_cfg_extras(tree))
    if extra:
        return [f"extra:{extra}"], [], (f"test requirements from the extra {extra!r}",)
    name = tree.first(REQUIREMENTS)
    if name:
        return ["-r", name], [name], (f"test requirements from {name}",)
    words = _tox_words(tree)
    if words:
        return words, ["tox.ini"], ("test requirements from tox.ini",)
    return [], [], ("no test requirements found: pytest alone",)


def _pick(groups: Any) -> str | None:
    """Return the group made for tests, else a `dev` that holds pytest."""
    if not isinstance(groups, dict):
        return None
    named = next((name for name in TEST_NAMES if groups.get(name)), None)
    return named or ("dev" if "pytest" in str(groups.get("dev", "")) else None)


def _cfg_extras(tree: Tree) -> dict[str, str]:
    parser = _ini(tree.text("setup.cfg"))
    return dict(parser["options.extras_require"]) if "options.extras_require" in parser else {}


def _tox_words(tree: Tree) -> list[str]:
    parser = _ini(tree.text("tox.ini"))
    lines = parser.get("testenv", "deps", fallback="").splitlines()
    plain = [line.split("#")[0].strip() for line in lines]
    plain = [line for line in plain if line and not re.search(r"[{}]|^[\w,.!-]+:", line)]
    return [word for line in plain for word in (line.split() if line.startswith("-r") else [line])]


def _ini(text: str) -> configparser.ConfigParser:
    parser = configparser.ConfigParser(interpolation=None, strict=False)
    try:
        parser.read_string(text)
    except configparser.Error:
        return configparser.ConfigParser()
    return parser


def _verify(tree: Tree, project: dict[str, Any]) -> tuple[str, tuple[str, ...]]:
    configured = (
        "pytest" in project.get("tool", {})
        or tree.first(PYTEST_FILES) is not None
        or "[tool:pytest]" in tree.text("setup.cfg")
        or "[pytest]" in tree.text("tox.ini")
    )
    folder = next((name.split("/")[0] for name in sorted(tree.names) if re.match(r"tests?/.*\.py$", name)), None)
    if configured or folder:
        return ("pytest is configured" if configured else f"{folder}/ holds tests") + ": pytest", (
            "python -m pytest -q",
        )
    if any(re.fullmatch(r"test.*\.py", Path(name).name) for name in tree.names):
        return "test*.py files: unittest", ("python -m unittest discover",)
    return "no tests found: give --verify, or each ticket waits for a person's review", ()
