"""The pages on harnesses say what the adapters do; the example of a new one passes the suite it is shown with."""

import json
import re
import sys
from types import ModuleType

import pytest
import yaml

from domain.errors import taxonomy
from resources.settings import AGENTS, Settings
from tests.adapters.harness import replay
from tests.architecture.places import ROOT

PAGES = ROOT / "docs" / "harnesses"
ADDING = (ROOT / "docs" / "adding-a-harness.md").read_text()
PINNED = json.loads((ROOT / "deploy" / "agents" / "package.json").read_text())["dependencies"]
LOCK = (ROOT / "deploy" / "agents" / "openhands.lock").read_text()
PACKAGES = {"codex": "@openai/codex", "claude_code": "@anthropic-ai/claude-code", "gemini_cli": "@google/gemini-cli"}
ADAPTERS = (*PACKAGES, "openhands")


def page(name: str) -> str:
    return (PAGES / f"{name.replace('_', '-')}.md").read_text()


def source(name: str) -> str:
    """The whole of an adapter's code."""
    return "\n".join(path.read_text() for path in sorted((ROOT / "adapters" / "harness").glob(f"{name}*.py")))


def section(name: str, heading: str) -> str:
    return page(name).split(f"\n## {heading}\n")[1].split("\n## ")[0]


def codes(text: str) -> set[str]:
    return set(re.findall(r"[\"`](harness\.\w+)[\"`]", text))


@pytest.mark.parametrize(("name", "package"), PACKAGES.items())
def test_a_page_names_the_version_that_is_installed(name, package) -> None:
    assert f" {PINNED[package]}" in page(name).split("\n\n")[1]


def test_the_page_of_openhands_names_the_version_that_is_installed() -> None:
    version = re.search(r"^openhands==(\S+)", LOCK, re.MULTILINE)
    assert version is not None
    assert f" {version[1]}," in page("openhands").split("\n\n")[1]


@pytest.mark.parametrize("name", ADAPTERS)
def test_a_failure_table_has_the_codes_of_its_adapter_and_no_other(name) -> None:
    assert codes(section(name, "Failures")) == codes(source(name))


@pytest.mark.parametrize("name", ADAPTERS)
def test_every_flag_and_variable_is_one_that_the_adapter_sets(name) -> None:
    _, *told = re.findall(r"^\| (.+?) \| .+ \|$", section(name, "How it is started"), re.MULTILINE)
    words = [word for cell in told for word in re.findall(r"`([^`]+)`", cell)]
    assert len(words) >= 10
    assert [word for word in words if word not in source(name)] == []


def test_every_code_of_an_adapter_has_its_consequence() -> None:
    rows = dict(re.findall(r"^\| (`harness\.\w+`)(?:, `[\w.]+`)? \|(.*)\|$", page("index"), re.MULTILINE))
    told = {code.strip("`"): line for code, line in rows.items()}
    assert set(told) == set().union(*(codes(source(name)) for name in ADAPTERS))
    for code, line in told.items():
        hands_on = taxonomy()[code].cause == "harness_unavailable"
        assert ("at once, no attempt spent" in line) == hands_on, code


def test_the_examples_of_settings_are_valid() -> None:
    told = [
        yaml.safe_load(text)
        for path in PAGES.glob("*.md")
        for text in re.findall(r"```yaml\n(.+?)```", path.read_text(), re.DOTALL)
    ]
    assert len(told) >= len(PACKAGES) + 1
    for one in told:
        settings = Settings(home=ROOT, **one)
        assert all(settings.harnesses[name].enabled for name in one["harnesses"])
        assert set(one["harnesses"]) <= {"command", *AGENTS}


RECORDINGS = dict(re.findall(r"`(robin-\w+)\.jsonl`:\n\n```json\n(.+?)```", ADDING, re.DOTALL))
ADAPTER, TESTS = re.findall(r"```python\n(.+?)```", ADDING, re.DOTALL)
example = ModuleType("adapters.harness.robin")
exec(ADAPTER, vars(example))


@pytest.fixture(autouse=True)
def recordings(tmp_path, monkeypatch):
    for name, text in RECORDINGS.items():
        (tmp_path / f"{name}.jsonl").write_text(text)
    monkeypatch.setattr(replay, "TRANSCRIPTS", tmp_path)


sys.modules[example.__name__] = example
exec(TESTS, globals())  # defines TestRobin
del sys.modules[example.__name__]


def test_the_example_was_run() -> None:
    assert set(RECORDINGS) == {"robin-success", "robin-auth"}
    assert "TestRobin" in globals()
