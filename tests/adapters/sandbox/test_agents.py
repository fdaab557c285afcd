"""The agent programs of deploy/install-agents, started in the sandboxes that isolate, with no network and no door."""

import json
from pathlib import Path

import pytest

from adapters.sandbox.bubblewrap import BubblewrapSandbox
from adapters.sandbox.process import ProcessSandbox
from tests.adapters.sandbox.conformance import prepare
from tests.adapters.sandbox.workshop import fresh, run, said, shell, texts

DEPLOY = Path(__file__).parents[3] / "deploy"
INSTALLED = DEPLOY.parent / ".agents"
PACKAGES = {"codex": "@openai/codex", "claude": "@anthropic-ai/claude-code", "gemini": "@google/gemini-cli"}
PINNED = json.loads((DEPLOY / "agents" / "package.json").read_text())["dependencies"]


def test_every_program_tells_its_pinned_version_without_a_network(isolating) -> None:
    assert INSTALLED.is_dir(), "run deploy/install-agents"
    ref = isolating.provision(fresh(agents=str(INSTALLED)))
    for program, package in PACKAGES.items():
        outputs, ended = run(isolating, ref, shell(f"command -v {program}; {program} --version", 60))
        place, version = texts(outputs)
        assert ended.code == 0, texts(outputs, "stderr")
        assert place == f"/opt/agents/bin/{program}"
        assert PINNED[package] in version.split()
    isolating.teardown(ref)


def test_a_command_can_change_none_of_them_and_finds_no_other_node_there(isolating) -> None:
    ref = isolating.provision(fresh(agents=str(INSTALLED)))
    script = "for f in bin/codex bin/gemini .installed new node_modules/new; do (echo x >> /opt/agents/$f) 2>/dev/null && echo $f; done"
    assert said(isolating, ref, script) == ""
    assert set(said(isolating, ref, "ls /opt/agents/bin").split()) - {"openhands"} == set(PACKAGES)
    isolating.teardown(ref)


def test_what_an_environment_brings_comes_first(isolating, tmp_path) -> None:
    script = (
        'mkdir -p "$FACTORY_ENVIRONMENT/bin"; cd "$FACTORY_ENVIRONMENT/bin"; echo "#!/bin/sh" > codex; chmod 755 codex'
    )
    kept = prepare(isolating, tmp_path, script)
    ref = isolating.provision(fresh(environment=kept, agents=str(INSTALLED)))
    assert (
        said(isolating, ref, "command -v codex; command -v claude")
        == "/run/factory/environment/bin/codex\n/opt/agents/bin/claude"
    )
    isolating.teardown(ref)


@pytest.mark.bubblewrap
@pytest.mark.parametrize("agents", [None, "/nonexistent/agents"])
def test_without_them_a_sandbox_works_as_before(tmp_path, agents) -> None:
    sandbox = BubblewrapSandbox(tmp_path / "sandboxes")
    if not (works := sandbox.available()).works:
        pytest.skip(f"bwrap cannot make namespaces here: {works.detail}")
    ref = sandbox.provision(fresh(agents=agents))
    assert said(sandbox, ref, "command -v codex; ls -d /opt/agents 2>/dev/null; echo up") == "up"
    sandbox.teardown(ref)


def test_the_process_sandbox_finds_them_in_their_own_place(tmp_path) -> None:
    (tmp_path / "agents" / "bin").mkdir(parents=True)
    sandbox = ProcessSandbox(tmp_path / "sandboxes")
    for agents, first in ((str(tmp_path / "agents"), f"{tmp_path}/agents/bin"), (None, "/usr/local/sbin")):
        ref = sandbox.provision(fresh(agents=agents))
        assert said(sandbox, ref, "echo $PATH").split(":")[0] == first
        sandbox.teardown(ref)
