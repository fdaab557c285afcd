import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from domain.errors import SandboxFailed
from domain.sandbox import Isolation
from tests.adapters.sandbox.conformance import SandboxConformance
from tests.adapters.sandbox.workshop import fresh, run, said, shell, texts
from tests.support.containers import BrokeredDocker, broker
from tests.support.sleeping import unique


def docker(*words: str) -> str:
    return subprocess.run(["docker", *words], capture_output=True, text=True, check=True).stdout.strip()


def containers_of(name: str) -> list[str]:
    return docker("ps", "-aq", "--filter", f"label=factory.sandbox={name}").split()


@pytest.mark.docker
class TestDockerSandbox(SandboxConformance):
    @pytest.fixture
    def sandbox(self, tmp_path: Path) -> Iterator[BrokeredDocker]:
        with broker(tmp_path):
            yield BrokeredDocker(tmp_path / "sandboxes")

    def test_it_claims_a_container(self, sandbox) -> None:
        assert sandbox.isolation is Isolation.CONTAINER
        assert sandbox.available().toolchain.startswith("sha256:")

    def test_its_container_is_walled_in(self, sandbox, ref) -> None:
        outputs = sandbox.execute(ref, shell("echo up; sleep 30"))
        next(outputs)
        [container] = containers_of(ref.id)
        seen = json.loads(docker("inspect", container))[0]
        outputs.close()
        host = seen["HostConfig"]
        assert seen["Config"]["User"] == "10001:10001"
        assert (host["ReadonlyRootfs"], host["CapDrop"], host["NetworkMode"]) == (True, ["ALL"], "none")
        assert (host["Privileged"], host["PidMode"], host["IpcMode"]) == (False, "", "private")
        assert min(host["Memory"], host["NanoCpus"], host["PidsLimit"]) > 0
        assert {one["Name"]: one["Hard"] for one in host["Ulimits"]}["core"] == 0
        assert host["SecurityOpt"][0] == "no-new-privileges"
        assert not any("docker.sock" in bind for bind in host["Binds"])

    def test_no_container_is_left_by_any_end(self, sandbox, ref) -> None:
        run(sandbox, ref, "true")
        run(sandbox, ref, "exit 3")
        run(sandbox, ref, shell("sleep 30", 1))
        outputs = sandbox.execute(ref, shell("echo up; sleep 30"))
        next(outputs)
        outputs.close()
        assert containers_of(ref.id) == []

    def test_it_ends_by_itself_when_nobody_watches(self, sandbox, ref, monkeypatch) -> None:
        monkeypatch.setattr("adapters.sandbox.docker.GRACE_SECONDS", 0)
        running = sandbox.begin(ref, shell(f"trap '' TERM; sleep {unique()} & wait", 1))
        while (state := sandbox._engine.state(running.container))["Running"]:
            pass
        assert state["ExitCode"] == 137
        running.close()

    def test_memory_has_an_end_that_is_told(self, sandbox) -> None:
        ref = sandbox.provision(fresh(memory_bytes=100 * 1024**2))
        _, ended = run(sandbox, ref, "python3 -c 'x = bytearray(400_000_000)' || exit 9")
        assert ended.out_of_memory
        assert run(sandbox, ref, "true")[1].out_of_memory is False
        sandbox.teardown(ref)

    def test_processor_time_is_told_while_it_runs(self, sandbox, ref) -> None:
        outputs, _ = run(sandbox, ref, "i=0; while [ $i -lt 3000000 ]; do i=$((i+1)); done; sleep 1.5")
        assert max(output.cpu_seconds or 0 for output in outputs if hasattr(output, "idle_seconds")) > 0

    def test_the_disk_has_an_end(self, sandbox) -> None:
        ref = sandbox.provision(fresh(disk_bytes=32 * 1024**2, disk_files=2000))
        outputs, _ = run(sandbox, ref, "head -c 100000000 /dev/zero > big || echo full; rm big")
        assert texts(outputs) == ["full"]
        outputs, _ = run(sandbox, ref, "i=0; while touch f$i; do i=$((i+1)); done 2>/dev/null; echo $i")
        assert int(texts(outputs)[-1]) < 2500
        sandbox.teardown(ref)

    def test_other_processes_are_invisible(self, sandbox, ref) -> None:
        assert len(said(sandbox, ref, "ls -d /proc/[0-9]*").split()) < 8

    def test_without_a_broker_it_says_so_and_nothing_hangs(self, tmp_path) -> None:
        alone = BrokeredDocker(tmp_path / "alone" / "sandboxes")
        assert not alone.available().works
        assert alone.available().remedy
        assert alone.leftovers() == []
        with pytest.raises(SandboxFailed):
            alone.provision(fresh())
