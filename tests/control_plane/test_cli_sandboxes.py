"""factory sandbox … and factory egress log, as a user calls them."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.backends import BACKENDS
from tests.support.factory import World

LINE = {
    "at": "2026-01-01T00:00:00Z",
    "purpose": "harness",
    "reach": "connect",
    "host": "evil.test",
    "port": 443,
    "reason": "name-not-allowed",
}


def log(world: World, run: str, *lines: dict[str, object], tail: str = "") -> None:
    folder = world.factory.settings.egress_dir / "log"
    folder.mkdir(parents=True, exist_ok=True)
    told = [json.dumps({**LINE, "run_id": run, "door": f"{run}-work", "allowed": False, **line}) for line in lines]
    (folder / f"{run}-work.jsonl").write_text("\n".join(told) + "\n" + tail)


def test_every_attempt_is_shown_with_its_run(cli, world) -> None:
    log(world, "T-1-r1", {}, {"host": "good.test", "allowed": True, "reason": "allowed", "at": "2026-01-02T00:00:00Z"})
    log(world, "T-2-r1", {"host": "\u001b[2Jodd.test", "at": "2026-01-03T00:00:00Z"})
    said = cli("egress", "log")
    assert said.code == 0
    assert "evil.test:443" in said.out
    assert "\u001b" not in said.out
    everything = cli("egress", "log", "--json").document["attempts"]
    assert [one["host"] for one in everything] == ["evil.test", "good.test", "\u001b[2Jodd.test"]
    assert [one["host"] for one in cli("egress", "log", "T-1-r1", "--refused", "--json").document["attempts"]] == [
        "evil.test"
    ]
    assert len(cli("egress", "log", "--limit", 1, "--json").document["attempts"]) == 1


def test_a_torn_last_line_is_left_out(cli, world) -> None:
    log(world, "T-1-r1", {}, tail='{"at": "2026-')
    assert len(cli("egress", "log", "T-1-r1", "--json").document["attempts"]) == 1


def test_a_run_without_a_door_is_told(cli, world) -> None:
    said = cli("egress", "log", "T-9-r1", "--json")
    assert said.code == 1
    assert "T-9-r1" in said.error["message"]


def test_nothing_reached_for_is_no_error(cli, world) -> None:
    assert cli("egress", "log", "--json").document == {"attempts": []}


@pytest.mark.parametrize(("words", "told"), [(("--backend", "podman"), "podman"), (("--only", "magic"), "magic")])
def test_wrong_names_are_told(cli, world, words, told) -> None:
    said = cli("sandbox", "test", *words, "--json")
    assert said.code == 1
    assert told in said.error["message"]


@pytest.mark.parametrize("backend", BACKENDS)
def test_the_suite_answers_in_the_promised_shape(cli, world, backend) -> None:
    said = cli("sandbox", "test", "--backend", backend, "--only", "host_files", "--only", "setuid_bit", "--json")
    assert said.code == 0, said.out + said.err
    found = {one["name"]: one for one in said.document["behaviours"]}
    assert {name: (one["contained"], one["backend"]) for name, one in found.items()} == {
        "host_files": (True, backend),
        "setuid_bit": (False, backend),
    }
    assert found["host_files"]["accepted_reason"] is None
    assert found["setuid_bit"]["accepted_reason"]
    assert "contained" in said.err


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_shell_sees_what_an_agent_sees_and_is_gone_afterwards(world, backend) -> None:
    factory = Path(sys.executable).with_name("factory")
    environment = {**os.environ, "FACTORY_HOME": str(world.factory.settings.home), "FACTORY_SANDBOX": backend}
    script = "id -u; pwd; tty; ls; exit 7\n"
    done = subprocess.run(
        [factory, "sandbox", "shell", "calc"],
        check=False,
        input=script,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 7, done.stdout + done.stderr
    for words in ("10001", "/sandbox/work", "/dev/pts/", "calc.py"):
        assert words in done.stdout
    nothing = subprocess.run(
        [factory, "sandbox", "shell", "calc", "--", "cat"],
        check=False, stdin=subprocess.DEVNULL, env=environment, capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert nothing.returncode == 0, nothing.stderr
    assert world.factory.sandboxes[backend].leftovers() == []


def test_settings_tell_which_secrets_are_here_and_never_their_values(cli, world, monkeypatch) -> None:
    monkeypatch.setenv("FACTORY_SECRET_MODEL_KEY", "sk-canary")
    for name, key in (("MODEL", "model-key"), ("OTHER", "other-key")):
        monkeypatch.setenv(f"FACTORY_UPSTREAMS__{name}__URL", "https://model.example.test")
        monkeypatch.setenv(f"FACTORY_UPSTREAMS__{name}__CREDENTIAL", key)
    said = cli("config", "show", "--json")
    assert said.document["secrets"] == {"model-key": True, "other-key": False}
    assert "sk-canary" not in said.out + cli("config", "show").out
