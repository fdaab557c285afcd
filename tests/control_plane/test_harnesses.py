"""factory harness …: real sandboxes and brokers; the agent's program and its model's API are stand-ins of these tests."""

import http.server
import json
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from adapters.harness.catalogue import HARNESSES
from adapters.harness.command import CommandHarness
from control_plane.harnesses.states import looked_at, probed
from domain.harness import Traits
from resources import harness_probing
from resources.harnesses import HOLDS, harness_states
from resources.wiring import Factory, open_factory
from tests.control_plane.conftest import Cli
from tests.support.backends import serving
from tests.support.factory import Clock, World

KEY = "sk-the-right-key"
PROGRAM = "#!/bin/sh\necho codex-cli {version}\n"


class StandIn(CommandHarness):
    """Named as the agent whose API and door it is to get; its program is a script of these tests."""

    name = "codex"
    trusted = False
    traits = Traits(program="stand-in", package="npm:stand-in")


class Api(http.server.BaseHTTPRequestHandler):
    """A stand-in for a model's API that knows one key."""

    asked: list[str] = []

    def do_GET(self) -> None:
        self.asked.append(self.path)
        good = self.headers.get("Authorization") == f"Bearer {KEY}"
        body = json.dumps({"data": []} if good else {"error": {"message": "Incorrect API key provided"}}).encode()
        self.send_response(200 if good else 401)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None: ...


@pytest.fixture
def api() -> Iterator[str]:
    Api.asked.clear()
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Api) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}/v1"
        server.shutdown()


@pytest.fixture
def agents(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the stand-in's program is looked for, with none in it; the stand-in is the only agent."""
    for name in set(HARNESSES) - {"command"}:
        monkeypatch.delitem(HARNESSES, name)  # type: ignore[arg-type]
    monkeypatch.setitem(HARNESSES, "codex", StandIn)  # type: ignore[arg-type]
    monkeypatch.setenv("FACTORY_SANDBOX", "bubblewrap")
    monkeypatch.setenv("FACTORY_DOCKER_SOCKET", str(tmp_path / "none"))  # one broker less to start
    monkeypatch.setenv("FACTORY_AGENTS_DIR", str(tmp_path / "agents"))
    return tmp_path / "agents"


@pytest.fixture
def served(world: World, agents: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("FACTORY_SECRET_RIGHT", KEY)
    monkeypatch.setenv("FACTORY_SECRET_WRONG", "sk-another-key")
    with serving(world.factory.settings.home, "bubblewrap"):
        yield


def install(agents: Path, text: str = PROGRAM, *, version: str = "9.9.9", stamp: str = "one") -> None:
    (agents / "bin").mkdir(parents=True, exist_ok=True)
    (agents / "bin" / "stand-in").write_text(text.replace("{version}", version))
    (agents / "bin" / "stand-in").chmod(0o755)
    (agents / ".installed").write_text(stamp)
    agents.chmod(0o755)


def tell(monkeypatch: pytest.MonkeyPatch, **told: str) -> None:
    for name, value in told.items():
        monkeypatch.setenv(f"FACTORY_HARNESSES__CODEX__{name.upper()}", value)


def listed(cli: Cli) -> dict[str, dict[str, object]]:
    said = cli("harness", "list", "--json")
    assert said.code == 0, said.out
    return {one["name"]: one for one in said.document["harnesses"]}


# --- list


@pytest.mark.bubblewrap
def test_the_list_tells_what_is_there(cli, served, agents) -> None:
    install(agents)
    found = listed(cli)
    assert found["codex"] == {
        "name": "codex", "installed": True, "version": "9.9.9", "enabled": False, "healthy": True,
        "reason": "it is disabled", "remedy": "Set `harnesses.codex.credential` in settings.yaml.",
        "running": 0, "limit": 3,
    }  # fmt: skip
    assert (found["command"]["installed"], found["command"]["enabled"], found["command"]["reason"]) == (
        True,
        True,
        None,
    )
    assert "9.9.9" in cli("harness", "list").out


@pytest.mark.bubblewrap
def test_what_is_missing_is_told_with_its_remedy_and_seen_once_it_is_there(cli, served, agents) -> None:
    missing = listed(cli)["codex"]
    assert (missing["installed"], missing["version"], missing["healthy"]) == (False, None, False)
    assert missing["remedy"] == "Run `deploy/install-agents`."
    assert "missing" in cli("harness", "list").out
    install(agents)
    assert listed(cli)["codex"]["version"] == "9.9.9"


@pytest.mark.bubblewrap
def test_a_program_is_started_again_only_when_another_is_installed(cli, served, agents) -> None:
    install(agents)
    assert listed(cli)["codex"]["version"] == "9.9.9"
    install(agents, version="10.0.1")
    assert listed(cli)["codex"]["version"] == "9.9.9"
    install(agents, version="10.0.1", stamp="two")
    assert listed(cli)["codex"]["version"] == "10.0.1"


@pytest.mark.bubblewrap
def test_another_executable_is_another_program(cli, served, agents, monkeypatch) -> None:
    install(agents)
    tell(monkeypatch, executable="/nowhere/codex")
    found = listed(cli)["codex"]
    assert found["installed"] is False
    assert found["remedy"] == "Correct `harnesses.codex.executable`, a path inside the sandbox."
    tell(monkeypatch, executable="/opt/agents/bin/stand-in")
    assert listed(cli)["codex"]["version"] == "9.9.9"


@pytest.mark.bubblewrap
@pytest.mark.parametrize(
    ("program", "word"),
    [
        ("#!/bin/sh\necho went wrong >&2; exit 3\n", "ended with 3: went wrong"),
        ("#!/bin/sh\nexec sleep 600\n", "was stopped"),
        ("#!/bin/sh\nkill -SEGV $$\n", "nothing"),
        ("#!/bin/sh\nhead -c 50000000 /dev/zero | tr '\\0' 'x'; exit 4\n", "ended with 4"),
        ("#!/bin/sh\nprintf '\\033[2J\\033]0;owned\\007'; exit 5\n", "ended with 5"),
    ],
)
def test_one_that_does_not_tell_its_version_is_unhealthy(cli, served, agents, monkeypatch, program, word) -> None:
    monkeypatch.setattr(harness_probing, "SECONDS", 2)
    install(agents, program)
    found = listed(cli)["codex"]
    assert (found["installed"], found["version"], found["healthy"]) == (True, None, False)
    assert word in str(found["reason"])
    assert str(found["reason"]).isprintable()
    assert len(str(found["reason"])) < 500
    install(agents)
    assert listed(cli)["codex"]["healthy"], "what crashed is tried again"


@pytest.mark.bubblewrap
@pytest.mark.parametrize("said", ["", "no digits here", "x" * 1000, "\033[31mred\033[0m"])
def test_odd_words_for_a_version_stay_short_and_printable(cli, served, agents, said) -> None:
    install(agents, f"#!/bin/sh\ncat << 'EOF'\n{said}\nEOF\n")
    version = str(listed(cli)["codex"]["version"])
    assert 0 < len(version) <= 50
    assert version.isprintable()


@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b"[]", b"{}", b"[" * 100_000, b"{" * 1000])
def test_a_spoilt_finding_is_no_finding(world, agents, content) -> None:
    factory = opened(world)
    (factory.settings.home / "harnesses").mkdir()
    (factory.settings.home / "harnesses" / "codex.json").write_bytes(content)
    [found] = [one for one in harness_states(factory) if one.name == "codex"]
    assert (found.installed, found.version) == (None, None)


def opened(world: World) -> Factory:
    return open_factory(world.factory.settings.model_copy(update={"sandbox": "bubblewrap"}))


def test_live_leases_are_counted(world) -> None:
    def running() -> int:
        return next(one.running for one in harness_states(world.factory) if one.name == "command")

    assert running() == 0
    world.dispatch(world.file())
    assert running() == 1


def test_without_isolation_an_agent_is_unhealthy_and_nobody_knows_whether_it_is_there(
    cli, world, agents, monkeypatch
) -> None:
    monkeypatch.setenv("FACTORY_SANDBOX", "process")
    install(agents)
    found = listed(cli)["codex"]
    assert (found["installed"], found["healthy"]) == (None, False)
    assert "isolates nothing" in str(found["reason"])
    assert found["remedy"]


# --- probe


@pytest.mark.bubblewrap
def test_a_probe_asks_the_api_through_the_door_with_the_key(cli, world, agents, api, monkeypatch) -> None:
    install(agents)
    monkeypatch.setenv("FACTORY_SECRET_RIGHT", KEY)
    tell(monkeypatch, base_url=api, credential="right")
    with serving(world.factory.settings.home, "bubblewrap"):
        said = cli("harness", "probe", "codex", "--json")
        plain = cli("harness", "probe", "codex")
    assert said.code == 0, said.out
    assert (said.document["healthy"], said.document["reason"], said.document["version"]) == (True, None, "9.9.9")
    assert Api.asked == ["/v1/models"] * 2
    assert plain.out == "codex 9.9.9 works\n"
    assert KEY not in said.out + said.err + plain.out
    home = world.factory.settings.home
    assert not [path for path in home.rglob("*") if path.is_file() and KEY.encode() in path.read_bytes()]
    assert world.factory.sandboxes["bubblewrap"].leftovers() == []


@pytest.mark.bubblewrap
@pytest.mark.parametrize(
    ("credential", "reason", "remedy"),
    [
        ("wrong", "Incorrect API key provided", "key"),
        ("absent", "secret", "FACTORY_SECRET_ABSENT"),
        (None, "401", "key"),
    ],
)
def test_a_key_that_is_wrong_or_missing_is_told(
    cli, world, agents, api, monkeypatch, credential, reason, remedy
) -> None:
    install(agents)
    monkeypatch.setenv("FACTORY_SECRET_WRONG", "sk-another-key")
    tell(monkeypatch, base_url=api, **({"credential": credential} if credential else {}))
    with serving(world.factory.settings.home, "bubblewrap"):
        said = cli("harness", "probe", "codex", "--json")
        assert said.code == 1
        assert said.document["healthy"] is False
        assert said.document["installed"] is True
        assert reason in said.document["reason"]
        assert remedy in said.document["remedy"]
        assert listed(cli)["codex"]["healthy"] is False, "dispatch and the list know it"
        assert "does not work" in cli("harness", "probe", "codex").out
    clock = Clock()
    clock.move(HOLDS.total_seconds() + 1)
    later = harness_states(replace(open_factory(), now=clock))
    assert next(one for one in later if one.name == "codex").healthy, "what was wrong may be repaired by now"


@pytest.mark.bubblewrap
def test_an_api_that_is_away_is_told(cli, world, agents, monkeypatch) -> None:
    install(agents)
    monkeypatch.setenv("FACTORY_SECRET_RIGHT", KEY)
    tell(monkeypatch, base_url="http://127.0.0.1:1", credential="right")
    with serving(world.factory.settings.home, "bubblewrap"):
        said = cli("harness", "probe", "codex", "--json")
    assert said.code == 1
    assert said.document["reason"]
    assert said.document["remedy"]


@pytest.mark.bubblewrap
def test_a_disabled_one_is_started_and_asks_nobody(cli, served, agents, api, monkeypatch) -> None:
    install(agents)
    tell(monkeypatch, base_url=api, credential="right", enabled="false")
    said = cli("harness", "probe", "codex", "--json")
    assert said.code == 1
    assert (said.document["version"], said.document["reason"]) == ("9.9.9", "it is disabled")
    assert Api.asked == []


@pytest.mark.bubblewrap
def test_a_missing_program_fails_a_probe(cli, served, agents, api, monkeypatch) -> None:
    tell(monkeypatch, base_url=api, credential="right")
    said = cli("harness", "probe", "codex", "--json")
    assert said.code == 1
    assert (said.document["installed"], said.document["remedy"]) == (False, "Run `deploy/install-agents`.")
    assert Api.asked == []


def test_the_command_harness_has_nothing_to_ask(world) -> None:
    state = probed(world.factory, "command")
    assert (state.healthy, state.installed) == (True, True)
    assert "command" in {one.name for one in looked_at(world.factory)}


@pytest.mark.parametrize("name", ["", "nope", "../../etc/passwd", "x" * 10_000, "\033[2J"])
def test_one_that_does_not_exist_is_told(cli, world, name) -> None:
    said = cli("harness", "probe", "--json", "--", name)
    assert said.code == 1
    assert said.error["code"] == "input.not_found"
    assert "command" in said.error["message"]
    assert not (world.factory.settings.home / "harnesses").exists()
