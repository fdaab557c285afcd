"""What a repository's own files say about setting it up and verifying it."""

import json

import pytest

from control_plane.repositories.detection import Detection, Tree, detect_make, detect_node
from control_plane.repositories.enrolment import DETECTORS
from control_plane.repositories.python_project import detect_python

PYTEST = ("python -m pytest -q",)
UNITTEST = ("python -m unittest discover",)
PACKAGE = '[build-system]\nrequires = ["hatchling"]\n[project]\nname = "x"\n'


def tree(**files: str) -> Tree:
    named = {name.replace("__", "/"): content for name, content in files.items()}
    return Tree(names=frozenset(named), read=named.get)


def of(files: dict[str, str]) -> Tree:
    return Tree(names=frozenset(files), read=files.get)


def installs(found: Detection) -> str:
    return found.setup[1].split("--compile-bytecode ")[1]


PYTHON = [
    # files, what is installed, deciding files, verify
    ({"pyproject.toml": PACKAGE, "tests/test_a.py": ""}, "-e . pytest", ("pyproject.toml",), PYTEST),
    ({"pyproject.toml": PACKAGE + '[dependency-groups]\ntests = ["pytest"]\ndev = ["tox"]\n', "tests/test_a.py": ""},
     "-e . --group tests pytest", ("pyproject.toml",), PYTEST),
    ({"pyproject.toml": PACKAGE + '[dependency-groups]\ndev = ["pytest>=8", "mypy"]\n[tool.pytest.ini_options]\n'},
     "-e . --group dev pytest", ("pyproject.toml",), PYTEST),
    ({"pyproject.toml": PACKAGE + '[dependency-groups]\ndev = ["mypy"]\n', "test_a.py": ""},
     "-e . pytest", ("pyproject.toml",), UNITTEST),
    ({"pyproject.toml": PACKAGE + '[project.optional-dependencies]\ntest = ["pytest"]\n', "tests/a.py": ""},
     "-e '.[test]' pytest", ("pyproject.toml",), PYTEST),
    ({"pyproject.toml": PACKAGE, "requirements/tests.txt": "pytest", "requirements/dev.txt": "tox", "test/t.py": ""},
     "-e . -r requirements/tests.txt pytest", ("pyproject.toml", "requirements/tests.txt"), PYTEST),
    ({"setup.py": "", "requirements-dev.txt": "pytest", "pytest.ini": ""},
     "-e . -r requirements-dev.txt pytest", ("setup.py", "requirements-dev.txt"), PYTEST),
    ({"setup.py": "", "setup.cfg": "[metadata]\nname=x\n[options.extras_require]\ntesting =\n  pytest\n", "tests/t.py": ""},
     "-e '.[testing]' pytest", ("setup.py", "setup.cfg"), PYTEST),
    ({"setup.py": "", "tox.ini": "[testenv]\ndeps =\n  pytest\n  freezegun>=1 # time\n  py38: x\n  {posargs}\n  -r a.txt\n"},
     "-e . pytest 'freezegun>=1' -r a.txt pytest", ("setup.py", "tox.ini"), ()),
    ({"requirements.txt": "flask", "app.py": "", "tests/test_app.py": ""},
     "-r requirements.txt pytest", ("requirements.txt",), PYTEST),
    ({"pyproject.toml": "[tool.ruff]\n", "a.py": ""}, "pytest", ("pyproject.toml",), ()),
    ({"pyproject.toml": "not [toml", "tests/t.py": ""}, "pytest", ("pyproject.toml",), PYTEST),
]  # fmt: skip


@pytest.mark.parametrize(("files", "installed", "deciding", "verify"), PYTHON)
def test_a_python_project_gets_an_environment_and_its_test_command(files, installed, deciding, verify):
    found = detect_python(of(files))
    assert found is not None
    assert installs(found) == installed
    assert found.setup_files == deciding
    assert found.verify == verify
    assert found.reasons


def test_the_environment_is_made_where_the_factory_says():
    found = detect_python(tree(**{"setup.py": ""}))
    assert found is not None
    assert 'venv -q --allow-existing "$FACTORY_ENVIRONMENT"' in found.setup[0]
    assert '--python "$FACTORY_ENVIRONMENT/bin/python"' in found.setup[1]


def test_node_is_installed_once_and_linked_where_it_is_tested():
    files = {"package.json": json.dumps({"scripts": {"test": "vitest run"}}), "package-lock.json": "{}"}
    found = detect_node(of(files))
    assert found is not None
    assert found.setup_files == ("package.json", "package-lock.json")
    assert "npm ci" in found.setup[1]
    assert found.verify[0].endswith("npm test")


@pytest.mark.parametrize(
    "content", ["{}", "not json", "[]", '{"scripts": {"test": "echo \\"Error: no test specified\\" && exit 1"}}']
)
def test_a_package_without_a_test_script_is_not_recognised(content):
    assert detect_node(of({"package.json": content})) is None


@pytest.mark.parametrize(
    ("content", "known"), [("test: all\n\techo\n", True), ("tests:\n", False), ("test := 1\n", False)]
)
def test_a_makefile_counts_when_it_has_a_test_target(content, known):
    assert (detect_make(of({"Makefile": content})) is not None) is known


def test_python_comes_first_and_make_last():
    files = {"setup.py": "", "package.json": '{"scripts": {"test": "x"}}', "Makefile": "test:\n"}
    kinds = [found.kind for detector in DETECTORS if (found := detector(of(files)))]
    assert kinds == ["python", "node", "make"]


def test_nothing_recognised_says_what_to_do():
    assert not any(detector(of({"main.c": ""})) for detector in DETECTORS)
    assert "--verify" in Detection().reasons[0]
