"""Intake refuses what is not to be had here, each with its line, before anything is routed."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from control_plane.tickets.intake import add_ticket, told_ticket
from control_plane.tickets.ticket_file import parse_ticket
from domain.engines import AUTO
from domain.errors import InvalidInput
from domain.tickets import Manifest, Risk
from policy.risk import initial_risk
from resources.policy_files import SHIPPED
from resources.settings import load_settings
from resources.wiring import Factory, open_factory
from tests.support.factory import World

ENABLED = "FACTORY_HARNESSES__CODEX__BASE_URL"


@pytest.fixture
def factory(world: World, monkeypatch: pytest.MonkeyPatch) -> Factory:
    """With codex enabled; nothing asks its API."""
    monkeypatch.setenv(ENABLED, "http://127.0.0.1:9/")
    return open_factory(load_settings(world.factory.settings.home), migrate=True)


def add(factory: Factory, *lines: str) -> Any:
    content = "\n".join(["---", "title: x", "repository: calc", *lines, "---", "body"])
    return add_ticket(factory, parse_ticket(content.encode(), "t.md"), actor="ann")[0]


def refusals(factory: Factory, *lines: str) -> list[tuple[int, str, str]]:
    with pytest.raises(InvalidInput) as caught:
        add(factory, *lines)
    return [(one["line"], one["path"], one["message"]) for one in caught.value.details["errors"]]


@pytest.mark.parametrize(
    ("lines", "engine", "risk"),
    [
        (("commands: x",), "command", Risk.LOW),
        (("engine: codex",), "codex", Risk.MEDIUM),
        (("engine: auto",), AUTO, Risk.MEDIUM),
        (("engine: auto", "risk: low"), AUTO, Risk.LOW),
        (("engine-class: agentic-coder",), AUTO, Risk.MEDIUM),
        (("profile: backend-engineer",), AUTO, Risk.MEDIUM),
        (("profile: backend-engineer", "commands: x"), "command", Risk.LOW),
        (("profile: backend-engineer", "engine: codex"), "codex", Risk.MEDIUM),
    ],
)
def test_what_an_agent_may_do_is_never_of_low_risk_by_itself(factory, lines, engine, risk) -> None:
    found = add(factory, *lines)
    assert (found.manifest.engine, found.risk) == (engine, risk)
    assert factory.lookup.ticket(found.id) == found


def test_risk_of_work_the_router_hands_out_is_an_agents() -> None:
    assert initial_risk(Manifest(title="x", repository="r", engine=AUTO), False) is Risk.MEDIUM


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("gemini_cli", "is not enabled here"),
        ("gemini", "engine gemini_cli is not enabled here"),
        ("claude", "engine claude_code is not enabled here"),
        ("devin", "declared but gated"),
        ("copilot", "declared but gated"),
        ("openhands", "behind a flag: set `harnesses.openhands.enabled`"),
        ("oracle", "no engine 'oracle'; known are auto, claude_code, codex, command,"),
        ("Codex", "no engine 'Codex'"),
    ],
)
def test_an_engine_that_is_not_here_is_refused_with_the_reason(factory, name: str, words: str) -> None:
    [(line, path, message)] = refusals(factory, f"engine: {name}")
    assert (line, path) == (4, "engine")
    assert words in message


def test_a_gated_engine_stays_refused_when_only_the_settings_enable_it(factory) -> None:
    told = {**factory.settings.harnesses, "devin": factory.settings.harnesses["command"]}
    opened = replace(factory, settings=factory.settings.model_copy(update={"harnesses": told}))
    assert "ships no harness" in refusals(opened, "engine: devin")[0][2]


def test_a_disabled_command_harness_is_refused_like_any_other(factory) -> None:
    off = factory.settings.harnesses["command"].model_copy(update={"enabled": False})
    told = {**factory.settings.harnesses, "command": off}
    opened = replace(factory, settings=factory.settings.model_copy(update={"harnesses": told}))
    assert "engine command is not enabled here" in refusals(opened, "commands: x")[0][2]


@pytest.mark.parametrize("name", ["astronaut", "Backend-Engineer", "a" * 100])
def test_an_unknown_profile_is_refused_and_the_known_ones_are_named(factory, name: str) -> None:
    [(line, path, message)] = refusals(factory, "engine: codex", f"profile: {name}")
    assert (line, path) == (5, "profile")
    assert f"no profile {name!r}; known are backend-engineer" in message


def test_a_profile_that_names_a_file_elsewhere_is_no_name() -> None:
    with pytest.raises(InvalidInput, match="profile"):
        parse_ticket(b"---\ntitle: x\nrepository: calc\nprofile: ../rules/gates\n---\n", "t.md")


@pytest.mark.parametrize(
    ("lines", "refused"),
    [
        (("budget: {usd: 100, tokens: 100M, wall: 24h}",), []),
        (("budget: {usd: 100.01}",), [(4, "budget.usd", "100.01 USD is more than the ceiling, 100.00 USD")]),
        (("budget:", "  usd: 5", "  tokens: 101M"), [(6, "budget.tokens", "101000000 tokens is more than")]),
        (
            ("budget:", "  usd: 1000000", "  tokens: 1000G", "  wall: 25h"),
            [(5, "budget.usd", "USD"), (6, "budget.tokens", "tokens"), (7, "budget.wall", "1 day, 1:00:00 is more")],
        ),
    ],
)
def test_a_budget_over_a_ceiling_is_refused_with_ceiling_and_file(factory, lines, refused) -> None:
    if not refused:
        assert add(factory, "commands: x", *lines).manifest.budget.usd == 100
        return
    found = refusals(factory, *lines, "commands: x")
    assert [(line, path) for line, path, _ in found] == [(line, path) for line, path, _ in refused]
    for (_, path, message), (_, _, words) in zip(found, refused, strict=True):
        assert words in message
        assert f"`ceilings.{path.removeprefix('budget.')}` in {SHIPPED / 'limits.yaml'}" in message


def test_a_ceiling_of_an_own_policy_folder_is_told_with_that_file(factory, tmp_path: Path) -> None:
    own = tmp_path / "policy"
    own.mkdir()
    (own / "limits.yaml").write_text("on_breach: {}\nceilings: {usd: 1, tokens: 1000, wall: 1m}\n")
    (factory.settings.home / "settings.yaml").write_text(f"policy_dir: {own}\n")
    opened = open_factory(load_settings(factory.settings.home), migrate=True)
    assert str(own / "limits.yaml") in refusals(opened, "budget: {usd: 2}")[0][2]


def test_all_that_is_wrong_is_told_at_once(factory) -> None:
    found = refusals(factory, "engine: oracle", "profile: astronaut", "budget: {usd: 999}", "deps: [T-77]")
    assert [path for _, path, _ in found] == ["engine", "profile", "budget.usd", "deps"]


@pytest.mark.parametrize("folder", ["../other", "src/../../x", "a\\b", "a\x00b", "x" * 1001])
def test_a_work_folder_outside_of_the_repository_is_refused(folder: str) -> None:
    with pytest.raises(InvalidInput, match="cwd"):
        told_ticket({"title": "x", "repository": "calc", "cwd": folder})


def test_unknown_keys_of_a_budget_are_told_beside_those_of_retry() -> None:
    with pytest.raises(InvalidInput) as caught:
        content = b"---\ntitle: x\nrepository: calc\nbudget: {dollars: 3, tokns: 5}\nretry: {mx: 1}\n---\n"
        parse_ticket(content, "t.md")
    found = [(one["path"], one["message"]) for one in caught.value.details["errors"]]
    assert [path for path, _ in found] == ["budget.dollars", "budget.tokns", "retry.mx"]
    assert "did you mean 'tokens'?" in found[1][1]


# --- by options


def test_options_name_no_engine_unless_told(cli, factory) -> None:
    def stored(*words: str) -> Manifest:
        said = cli("ticket", "add", "--title", "x", *words, "--json")
        assert said.code == 0, said.err
        return factory.lookup.ticket(said.document["id"]).manifest

    assert stored("--command", "x").engine == "command"
    assert stored("--profile", "qa").engine == AUTO
    assert stored("--profile", "qa").profile == "qa"
    assert stored("--engine-class", "agentic-coder").engine_class == "agentic-coder"
    assert stored("--engine", "codex", "--budget-usd", "$2.50").budget.usd == 2.5
    assert stored("--engine", "codex").budget is None


@pytest.mark.parametrize(
    ("words", "path"),
    [
        (("--budget-usd", "much"), "budget.usd"),
        (("--budget-usd", "-1"), "budget.usd"),
        (("--budget-usd", "nan"), "budget.usd"),
        (("--budget-usd", "1e9"), "budget.usd"),
        (("--budget-usd", "5000"), "budget.usd"),
        (("--profile", "astronaut"), "profile"),
        (("--profile", ""), "profile"),
        (("--engine-class", "a b"), "engine-class"),
        (("--engine", "oracle"), "engine"),
    ],
)
def test_wrong_options_are_told_by_their_keys(cli, factory, words: tuple[str, ...], path: str) -> None:
    said = cli("ticket", "add", "--title", "x", "--command", "x", *words, "--json")
    assert said.code == 1
    assert [one["path"] for one in json.loads(said.out)["error"]["details"]["errors"]] == [path]
