import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from adapters.sandbox import bubblewrap, staging
from adapters.sandbox.bubblewrap import BubblewrapSandbox
from domain.errors import SandboxFailed, StorageFull
from domain.sandbox import Availability, Isolation, OutputLine
from tests.adapters.sandbox.conformance import WORKER, SandboxConformance, prepare, wait_for
from tests.adapters.sandbox.workshop import Upstream, fresh, run, said, shell, texts
from tests.support.sleeping import sleepers, unique

#: asked when the first test runs, not when pytest collects
PROBED: list[Availability] = []


@pytest.fixture(autouse=True)
def works_here(tmp_path_factory: pytest.TempPathFactory) -> None:
    if not PROBED:
        PROBED.append(BubblewrapSandbox(tmp_path_factory.mktemp("probe")).available())
    if not PROBED[0].works:
        pytest.skip(f"bwrap cannot make namespaces here: {PROBED[0].detail}")


@pytest.mark.bubblewrap
class TestBubblewrapSandbox(SandboxConformance):
    @pytest.fixture
    def sandbox(self, tmp_path: Path) -> BubblewrapSandbox:
        return BubblewrapSandbox(tmp_path / "sandboxes")

    def test_it_claims_namespaces(self, sandbox) -> None:
        assert sandbox.isolation is Isolation.NAMESPACES

    @pytest.mark.parametrize("network", [False, True])
    def test_there_is_no_network_without_a_door(self, sandbox, ref, network) -> None:
        with socket.create_server(("127.0.0.1", 0)) as server:
            port = server.getsockname()[1]
            script = f"import socket; socket.create_connection(('127.0.0.1', {port}), 2)"
            refused = run(sandbox, ref, shell(f'/usr/bin/python3 -c "{script}"', network=network))[1]
        assert said(sandbox, ref, "tail -n +3 /proc/net/dev | cut -d: -f1").split() == ["lo"]
        assert refused.code == 1

    def test_other_processes_are_invisible(self, sandbox, ref) -> None:
        with subprocess.Popen(["sleep", number := unique()]) as sleeping:
            seen = said(sandbox, ref, "cat /proc/[0-9]*/cmdline | tr '\\0' ' '")
            assert run(sandbox, ref, f"kill -0 {sleeping.pid}")[1].code != 0
            sleeping.kill()
        assert f"sleep {number}" not in seen

    def test_it_is_not_root_and_cannot_become_it(self, sandbox, ref) -> None:
        assert said(sandbox, ref, "id -u; id -G").split() == [str(os.geteuid() or 10001)] * 2
        status = said(sandbox, ref, "grep -E '^(Cap...|NoNewPrivs)' /proc/self/status")
        assert {line.split()[1].strip("0") for line in status.splitlines()} == {"", "1"}
        assert run(sandbox, ref, "unshare -U true")[1].code != 0

    def test_files_of_the_host_are_invisible(self, sandbox, ref, tmp_path) -> None:
        secret = tmp_path / "ledger.db"
        secret.write_text("canary")
        secret.chmod(0o666)
        hidden = f"{secret} /etc/shadow /etc/gitconfig {Path.home()} /var/run/docker.sock {Path(__file__).parents[3]}"
        assert said(sandbox, ref, f"for f in {hidden}; do test -e $f && echo $f; done") == ""

    def test_the_system_is_read_only(self, sandbox, ref) -> None:
        assert said(sandbox, ref, "for d in / /usr /etc /usr/bin; do touch $d/x 2>/dev/null && echo $d; done") == ""

    def test_no_descriptor_of_ours_is_handed_on_that_tells_anything(self, sandbox, ref) -> None:
        told = said(sandbox, ref, "for f in /proc/self/fd/*; do readlink $f; done")
        assert "memfd" not in told

    def test_a_cached_venv_works(self, sandbox, tmp_path) -> None:
        kept = prepare(sandbox, tmp_path, '/usr/bin/python3 -m venv --without-pip "$FACTORY_ENVIRONMENT"')
        ref = sandbox.provision(fresh(environment=kept, environment_is_venv=True))
        assert said(sandbox, ref, "python -c 'import ssl, sys; print(sys.prefix)'") == "/run/factory/environment"

    @pytest.mark.parametrize("home", ["canary/bin", "etc/bin", "x/bin"])
    def test_an_environment_cannot_name_what_later_commands_see(self, sandbox, tmp_path, home) -> None:
        """Setup commands of a repository write what lies in it: a claim, never a permission."""
        (tmp_path / "canary").mkdir()
        (tmp_path / "canary" / "secret").write_text("canary")
        claims = {"canary/bin": f"{tmp_path}/canary/bin", "etc/bin": "/etc/bin"}
        claimed = claims.get(home, f"{tmp_path}/environments/prepared/x/bin")
        script = f'cd "$FACTORY_ENVIRONMENT"; ln -s / x; mkdir bin; ln -s {claimed}/python bin/python; '
        kept = prepare(sandbox, tmp_path, script + f'echo "home = {claimed}" > pyvenv.cfg')
        ref = sandbox.provision(fresh(environment=kept, environment_is_venv=True))
        ways = ("", f"{kept}/x", "/run/factory/environment/x")
        looked = " ".join(f"{way}{tmp_path}/canary/secret" for way in ways)
        assert said(sandbox, ref, f"cat {looked} 2>/dev/null; ls -d /etc/gshadow {tmp_path} 2>/dev/null") == ""

    def test_a_sandbox_that_cannot_be_entered_is_an_error(self, sandbox, ref, monkeypatch) -> None:
        monkeypatch.setattr(bubblewrap, "system", lambda: ["--ro-bind", "/nonexistent", "/x"])
        with pytest.raises(SandboxFailed, match="nonexistent"):
            run(sandbox, ref, "true")

    def test_it_works_below_a_folder_that_only_its_owner_may_enter(self, tmp_path) -> None:
        (tmp_path / "private").mkdir(mode=0o700)
        upstream = Upstream(tmp_path / "private")
        sandbox = BubblewrapSandbox(tmp_path / "private" / "sandboxes")
        ref = sandbox.provision(fresh(mirror=str(upstream.mirror), commit=upstream.commit))
        assert said(sandbox, ref, "cat kept.txt") == "kept"
        sandbox.teardown(ref)

    def test_limits_hold(self, sandbox) -> None:
        ref = sandbox.provision(fresh(processes=40))
        outputs, _ = run(sandbox, ref, "for i in $(seq 100); do sleep 2 & done; wait")
        assert "fork" in "".join(texts(outputs, "stderr")).lower()
        assert said(sandbox, ref, "ulimit -c; ulimit -n").split() == ["0", "4096"]
        sandbox.teardown(ref)

    @pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount a small disk")
    def test_a_full_disk_is_storage_not_the_sandbox(self, tmp_path, upstream) -> None:
        subprocess.run(["sh", "-c", f"head -c 4000000 /dev/urandom > {upstream.tree}/big"], check=True)
        for words in (["add", "-A"], ["commit", "-qm", "big"], ["push", "-q", str(upstream.mirror), "main"]):
            subprocess.run(["git", "-c", "user.name=t", "-c", "user.email=t@t", *words], cwd=upstream.tree, check=True)
        commit = subprocess.check_output(["git", "rev-parse", "HEAD"], cwd=upstream.tree, text=True).strip()
        small = tmp_path / "small"
        small.mkdir()
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", small], check=True)
        try:
            with pytest.raises(StorageFull):
                BubblewrapSandbox(small).provision(fresh(mirror=str(upstream.mirror), commit=commit))
            assert BubblewrapSandbox(small).leftovers() == []
        finally:
            subprocess.run(["umount", small], check=True)

    @pytest.mark.skipif(os.geteuid() != 0, reason="only root has disks that others could remove")
    def test_a_disk_that_its_owner_removes_meanwhile_stops_no_other_sandbox(self, sandbox, ref, tmp_path, monkeypatch):
        disk = tmp_path / "sandboxes" / "bubblewrap" / "other" / "disk"
        disk.mkdir(parents=True)
        subprocess.run(["mount", "-t", "tmpfs", "tmpfs", disk], check=True)
        just_before = f'umount() {{ command umount -l "{disk}" && rmdir "{disk}"; command umount "$@"; }}\n'
        monkeypatch.setattr(staging, "SCRIPT", just_before + staging.SCRIPT)
        assert said(sandbox, ref, "echo here") == "here"
        assert not disk.exists()

    def test_a_process_cannot_take_more_memory_than_it_is_given(self, sandbox) -> None:
        ref = sandbox.provision(fresh(memory_bytes=200_000_000))
        outputs, _ = run(sandbox, ref, "python3 -c 'x = bytearray(400_000_000); print(len(x))' 2>&1 || echo refused")
        assert "refused" in "".join(texts(outputs))

    def test_a_killed_worker_leaves_no_command_however_early_it_dies(self, sandbox, ref, tmp_path) -> None:
        """Before bwrap can die with its parent somebody else must see to it."""
        number = unique()
        script = WORKER.format(module="adapters.sandbox.bubblewrap", name="BubblewrapSandbox", n=number)
        script = script.replace("for output in", "print('going', flush=True)\nfor output in")
        for delay in (0.0, 0.005, 0.01, 0.015, 0.02, 0.03, 0.04, 0.06):
            argv = [sys.executable, "-c", script, str(tmp_path / "sandboxes"), ref.id]
            with subprocess.Popen(argv, stdout=subprocess.PIPE, cwd=Path(__file__).parents[3]) as worker:
                assert b"going" in worker.stdout.readline()
                time.sleep(delay)
                worker.kill()
        wait_for([], lambda: sleepers(number))

    def test_a_command_ends_by_itself_when_nobody_watches(self, sandbox, ref, monkeypatch) -> None:
        monkeypatch.setattr("adapters.sandbox.bubblewrap.GRACE_SECONDS", 0)
        running = sandbox.begin(ref, shell(f"trap '' TERM; sleep {unique()}", 1))
        while running.poll() is None:
            time.sleep(0.05)
        assert running.poll() == 137
        running.close()

    def test_a_marker_taken_from_another_run_diverts_no_interrupt(self, sandbox, ref) -> None:
        victim = sandbox.provision(fresh())
        thief = f"FACTORY_SANDBOX={sandbox.mark(victim)} python3 -c 'import time; print(1, flush=True); time.sleep(20)'"
        hostile = sandbox.execute(ref, shell(thief))
        assert next(output for output in hostile if isinstance(output, OutputLine)).text == "1"
        honest = sandbox.execute(victim, shell("sleep 20 & trap 'echo stopping; exit 7' INT; echo up; wait"))
        seen = []
        for output in honest:
            seen.append(output)
            if isinstance(output, OutputLine) and output.text == "up":
                sandbox.interrupt(victim)
        assert texts(seen) == ["up", "stopping"]
        hostile.close()
