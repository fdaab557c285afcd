"""What an operator says of a harness, and the way to its model's API that follows from it."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from domain.engines import FLAGGED
from domain.errors import NotFound, SettingsInvalid
from domain.harness import Options
from resources.egress_broker import checked_upstreams
from resources.harness_versions import pinned_version
from resources.harnesses import harness_named, harness_states, key_of, options_for
from resources.model_apis import MODEL_APIS, upstream_names, upstreams_in_force
from resources.settings import AGENTS, SOURCE, Settings, load_settings
from resources.wiring import open_factory
from sensors.routing import Router

AGENTS_WITH_A_VENDOR = sorted(name for name, api in MODEL_APIS.items() if api.url)


@pytest.fixture(autouse=True)
def nothing_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FACTORY_AGENTS_DIR", raising=False)


def load(home: Path, **told: Any) -> Settings:
    home.mkdir(exist_ok=True)
    (home / "settings.yaml").write_text(yaml.safe_dump(told))
    return load_settings(home)


# --- settings


def test_agents_wait_for_an_operator_and_commands_do_not(tmp_path) -> None:
    found = load_settings(tmp_path).harnesses
    assert {name for name, one in found.items() if one.enabled} == {"command"}
    assert set(found) == {"command", *AGENTS}
    assert set(AGENTS) == set(MODEL_APIS)


@pytest.mark.parametrize(
    ("told", "enabled"),
    [
        ({}, False),
        (None, False),
        ({"limit": 1}, False),
        ({"model": "m"}, False),
        ({"credential": "my-key"}, True),
        ({"base_url": "https://models.example.org"}, True),
        ({"enabled": True}, True),
        ({"enabled": False, "credential": "my-key"}, False),
    ],
)
@pytest.mark.parametrize("name", AGENTS)
def test_an_agent_is_enabled_by_what_is_told_of_it(tmp_path, name, told, enabled) -> None:
    wanted = enabled and (name not in FLAGGED or (told or {}).get("enabled") is True)
    assert load(tmp_path, harnesses={name: told}).harnesses[name].enabled is wanted


@pytest.mark.parametrize(
    ("told", "there"),
    [
        ({}, False),
        ({"credential": "my-key", "base_url": "https://a.example", "model": "m"}, False),
        ({"enabled": False}, False),
        ({"enabled": True}, True),
        ({"enabled": "yes"}, True),
    ],
)
@pytest.mark.parametrize("name", FLAGGED)
def test_what_is_behind_a_flag_is_not_there_without_it(tmp_path, name, told, there) -> None:
    factory = open_factory(load(tmp_path, harnesses={name: told}), migrate=True)
    assert (name in factory.harnesses) is there
    assert (name in {one.name for one in Router(factory).candidates()}) is there
    assert (name in {one.name for one in harness_states(factory)}) is there
    if not there:
        with pytest.raises(NotFound, match=f"harnesses.{name}.enabled"):
            harness_named(factory, name)


@pytest.mark.parametrize("told", ["true", "false"])
def test_a_flag_is_one_variable_of_the_environment(tmp_path, monkeypatch, told) -> None:
    monkeypatch.setenv("FACTORY_HARNESSES__OPENHANDS__ENABLED", told)
    assert ("openhands" in open_factory(load(tmp_path), migrate=True).harnesses) is (told == "true")


@pytest.mark.parametrize("name", ["command", "own"])
def test_any_other_harness_is_enabled_unless_told(tmp_path, name) -> None:
    assert load(tmp_path, harnesses={name: {"limit": 7}}).harnesses[name].enabled
    assert not load(tmp_path, harnesses={name: {"enabled": False}}).harnesses[name].enabled


def test_one_variable_leaves_everything_else(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("FACTORY_HARNESSES__CODEX__BASE_URL", "http://127.0.0.1:9/v1")
    monkeypatch.setenv("FACTORY_HARNESSES__CLAUDE_CODE__ENABLED", "true")
    monkeypatch.setenv("FACTORY_HARNESSES__GEMINI_CLI__ARGUMENTS", '["--debug"]')
    found = load(tmp_path, harnesses={"codex": {"limit": 9, "model": "m"}, "command": {"limit": 8}}).harnesses
    codex = found["codex"]
    assert (codex.limit, codex.model, codex.base_url, codex.enabled) == (9, "m", "http://127.0.0.1:9/v1", True)
    assert (found["claude_code"].enabled, found["claude_code"].limit) == (True, 3)
    assert (found["command"].enabled, found["command"].limit) == (True, 8)
    assert (found["gemini_cli"].enabled, found["gemini_cli"].arguments) == (False, ("--debug",))
    assert not found["openhands"].enabled


@pytest.mark.parametrize(
    ("told", "field"),
    [
        ({"codex": {"limit": 0}}, "limit"),
        ({"codex": {"limits": 1}}, "limits"),
        ({"codex": {"model": ""}}, "model"),
        ({"codex": {"executable": ""}}, "executable"),
        ({"codex": {"base_url": ""}}, "base_url"),
        ({"codex": {"credential": "../../etc/passwd"}}, "credential"),
        ({"codex": {"credential": "k" * 10_000}}, "credential"),
        ({"codex": {"arguments": "--one --two"}}, "arguments"),
        ({"codex": {"enabled": "perhaps"}}, "enabled"),
        ({"codex": ["limit"]}, "codex"),
        ({"codex": "on"}, "codex"),
        (["codex"], "harnesses"),
        ("codex", "harnesses"),
    ],
)
def test_wrong_words_are_named(tmp_path, told, field) -> None:
    with pytest.raises(SettingsInvalid, match=field):
        load(tmp_path, harnesses=told)


def test_where_the_programs_are(tmp_path, monkeypatch) -> None:
    assert load_settings(tmp_path).agents in (SOURCE / ".agents", Path("/opt/agents"))
    assert load(tmp_path, agents_dir=str(tmp_path / "mine")).agents == tmp_path / "mine"
    monkeypatch.setenv("FACTORY_AGENTS_DIR", "~/agents")
    assert load_settings(tmp_path).agents == Path.home() / "agents"


# --- upstreams


def upstream_of(tmp_path: Path, name: str, **told: Any) -> Any:
    return upstreams_in_force(load(tmp_path, harnesses={name: told})).get(name)


@pytest.mark.parametrize("name", AGENTS_WITH_A_VENDOR)
def test_an_enabled_agent_reaches_its_vendor_and_nobody_elses(tmp_path, name) -> None:
    settings = load(tmp_path, harnesses={name: {"credential": "my-key"}})
    [upstream] = checked_upstreams(settings)
    assert (upstream.name, upstream.credential, upstream.url) == (name, "my-key", MODEL_APIS[name].url)
    assert "/" not in upstream.paths
    assert upstream_names(settings, name) == (name,)
    for other in ("command", *AGENTS):
        assert other == name or upstream_names(settings, other) == ()


def test_each_api_gets_its_key_in_its_own_way(tmp_path) -> None:
    found = {name: upstream_of(tmp_path, name, credential="my-key") for name in AGENTS_WITH_A_VENDOR}
    assert {name: (one.header, one.prefix) for name, one in found.items()} == {
        "codex": ("authorization", "Bearer "),
        "claude_code": ("x-api-key", ""),
        "gemini_cli": ("x-goog-api-key", ""),
    }


@pytest.mark.parametrize("name", AGENTS)
def test_a_disabled_agent_has_no_way_out(tmp_path, name) -> None:
    settings = load(
        tmp_path, harnesses={name: {"enabled": False, "credential": "my-key", "base_url": "https://a.example"}}
    )
    assert upstreams_in_force(settings) == {}
    assert options_for(settings, name).base_url is None


def test_one_without_a_vendor_needs_an_address(tmp_path) -> None:
    assert upstream_of(tmp_path, "openhands", enabled=True) is None
    assert upstream_of(tmp_path, "openhands", enabled=True, base_url="https://a.example").url == "https://a.example"


@pytest.mark.parametrize(
    ("model", "header", "url", "path"),
    [
        ("anthropic/m", "x-api-key", "https://api.anthropic.com", "/v1/messages"),
        ("openai/m", "authorization", "https://api.openai.com", "/v1/chat/completions"),
        ("m", "authorization", None, None),
        ("vendor/m", "authorization", None, None),
    ],
)
def test_a_models_name_says_whose_api_openhands_speaks(tmp_path, model, header, url, path) -> None:
    found = upstream_of(tmp_path, "openhands", enabled=True, model=model, credential="my-key")
    assert (found and (found.header, found.url)) == (url and (header, url))
    assert found is None or path in found.paths
    own = upstream_of(tmp_path, "openhands", enabled=True, model=model, base_url="https://a.example/v1")
    assert (own.header, own.url) == (header, "https://a.example")


def test_openhands_lacks_a_model_then_an_address_and_says_so(tmp_path) -> None:
    def reason(**told: Any) -> str | None:
        factory = open_factory(load(tmp_path, harnesses={"openhands": {"enabled": True, **told}}), migrate=True)
        return next(one for one in harness_states(factory) if one.name == "openhands").reason

    assert reason(base_url="https://a.example") == "it has no model to ask"
    assert reason(model="m") == "it has no way to a model's API"
    assert reason(model="m", base_url="https://a.example") is None
    assert reason(model="anthropic/m") is None


@pytest.mark.parametrize(
    ("package", "version"),
    [
        ("pypi:openhands", r"\d+\.\d+\.\d+"),
        ("pypi:open", None),
        ("pypi:openhand.", None),
        ("npm:@openai/codex", r"\d+\.\d+\.\d+"),
        ("npm:nobody", None),
        ("other:openhands", None),
        (None, None),
    ],
)
def test_the_version_a_release_was_made_for_is_the_pinned_one(tmp_path, package, version) -> None:
    found = pinned_version(load(tmp_path), package)
    assert (found is None) if version is None else re.fullmatch(version, found or "")


@pytest.mark.parametrize("tail", ["", "/", "/v1", "/v1/"])
def test_an_address_may_end_in_the_version_or_not(tmp_path, tail) -> None:
    assert upstream_of(tmp_path, "codex", base_url=f"https://a.example/api{tail}").url == "https://a.example/api"


def test_what_an_operator_wrote_wins(tmp_path) -> None:
    own = {"url": "https://own.example", "credential": "own-key", "paths": ["/"], "harnesses": ["codex", "command"]}
    settings = load(tmp_path, harnesses={"codex": {"credential": "my-key"}}, upstreams={"codex": own})
    assert upstreams_in_force(settings)["codex"].url == "https://own.example"
    assert upstream_names(settings, "command") == ("codex",)


@pytest.mark.parametrize(
    "url",
    [
        "http://models.example.org",
        "http://10.0.0.1/v1",
        "ftp://127.0.0.1",
        "file:///etc/passwd",
        "https://",
        "not an address",
        "https://user:word@models.example.org",
    ],
)
def test_an_address_that_would_carry_a_key_in_the_clear_or_is_none_is_refused(tmp_path, url) -> None:
    settings = load(tmp_path, harnesses={"codex": {"base_url": url, "credential": "my-key"}})
    with pytest.raises(SettingsInvalid, match="codex"):
        checked_upstreams(settings)


# --- options


def test_options_are_as_the_sandbox_sees_them(tmp_path) -> None:
    told = {"executable": "/opt/mine", "model": "m", "base_url": "https://a.example", "arguments": ["-x"]}
    assert options_for(load(tmp_path, harnesses={"codex": told}), "codex") == Options(
        executable="/opt/mine", model="m", base_url="http://127.0.0.1:3128/codex", arguments=("-x",)
    )
    assert options_for(load(tmp_path), "codex") == Options()
    assert options_for(load(tmp_path), "never-heard-of") == Options()


@pytest.mark.parametrize(
    "told",
    [
        {"harnesses": {"codex": {"executable": "/x"}}},
        {"harnesses": {"codex": {"credential": "other"}}},
        {"upstreams": {"codex": {"url": "https://a.example"}}},
        {"sandbox_image": "other:latest"},
        {"agents_dir": "/elsewhere"},
    ],
)
def test_a_finding_holds_for_what_it_was_made_with(tmp_path, told) -> None:
    assert key_of(load(tmp_path), "codex") != key_of(load(tmp_path, **told), "codex")


def test_a_finding_outlives_what_changes_nothing(tmp_path) -> None:
    one, other = load(tmp_path), load(tmp_path, harnesses={"codex": {"limit": 9}, "gemini_cli": {"enabled": True}})
    assert key_of(one, "codex") == key_of(other, "codex")


def test_other_programs_in_the_folder_are_looked_at_anew(tmp_path) -> None:
    agents = tmp_path / "agents"
    agents.mkdir()
    settings = load(tmp_path, agents_dir=str(agents))
    keys = {key_of(settings, "codex")}
    for content in (b"one\n", b"two\n", b"\xff\xfe"):
        (agents / ".installed").write_bytes(content)
        keys.add(key_of(settings, "codex"))
    assert len(keys) == 3  # what cannot be read is as none
