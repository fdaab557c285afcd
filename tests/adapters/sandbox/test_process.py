import subprocess
import sys
from pathlib import Path

import pytest

from adapters.sandbox.process import ProcessSandbox
from domain.sandbox import Isolation
from tests.adapters.sandbox.conformance import WORKER, SandboxConformance, wait_for
from tests.adapters.sandbox.workshop import fresh, run, shell, texts
from tests.support.sleeping import sleepers, unique


class TestProcessSandbox(SandboxConformance):
    @pytest.fixture
    def sandbox(self, tmp_path: Path) -> ProcessSandbox:
        return ProcessSandbox(tmp_path / "sandboxes")

    def test_it_claims_no_isolation(self, sandbox) -> None:
        assert sandbox.isolation is Isolation.NONE

    def test_the_direct_child_dies_with_a_killed_worker(self, sandbox, ref, tmp_path) -> None:
        number = unique()
        script = WORKER.format(module="adapters.sandbox.process", name="ProcessSandbox", n=number)
        script = script.replace(f"setsid sleep {number} & echo up; sleep {number}", f"echo up; exec sleep {number}")
        argv = [sys.executable, "-c", script, str(tmp_path / "sandboxes"), ref.id]
        with subprocess.Popen(argv, stdout=subprocess.PIPE, cwd=Path(__file__).parents[3]) as worker:
            assert b"up" in worker.stdout.readline()
            worker.kill()
        wait_for([], lambda: sleepers(number), 2)

    def test_two_factories_may_use_the_same_id(self, sandbox, tmp_path) -> None:
        spec = fresh()
        ref = sandbox.provision(spec)
        other = ProcessSandbox(tmp_path / "other")
        same = other.provision(spec)
        outputs = sandbox.execute(ref, shell("echo up; sleep 1; exit 0"))
        next(outputs)
        other.teardown(same)
        assert [getattr(output, "code", None) for output in outputs][-1] == 0

    def test_only_a_network_command_is_told_how_to_install(self, sandbox, ref, monkeypatch) -> None:
        told = {"PIP_INDEX_URL": "https://i", "UV_INDEX_URL": "https://u", "https_proxy": "http://p", "AWS_TOKEN": "no"}
        for name, value in told.items():
            monkeypatch.setenv(name, value)
        names = set("\n".join(texts(run(sandbox, ref, shell("env | cut -d= -f1", network=True))[0])).split())
        assert names >= {"PIP_INDEX_URL", "UV_INDEX_URL", "https_proxy"}
        assert "AWS_TOKEN" not in names

    def test_credentials_for_uploads_stay_outside(self, sandbox, ref, monkeypatch) -> None:
        monkeypatch.setenv("UV_PUBLISH_TOKEN", "canary")
        assert "canary" not in "".join(texts(run(sandbox, ref, shell("env", network=True))[0]))
