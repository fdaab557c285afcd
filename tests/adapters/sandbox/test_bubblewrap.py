import os
import socket
import subprocess
from pathlib import Path

import pytest

from adapters.sandbox import bubblewrap
from adapters.sandbox.bubblewrap import BubblewrapSandbox
from domain.errors import SandboxFailed, StorageFull
from domain.sandbox import Availability, Isolation
from tests.adapters.sandbox.conformance import SandboxConformance, unique
from tests.adapters.sandbox.workshop import Upstream, fresh, run, said, shell, texts

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

    @pytest.mark.parametrize("writable", [False, True])
    def test_an_environment_is_written_only_by_setup(self, sandbox, tmp_path, writable) -> None:
        prepared = tmp_path / "prepared"
        prepared.mkdir()
        (prepared / "old").touch()
        ref = sandbox.provision(fresh(environment=str(prepared), environment_writable=writable))
        assert (run(sandbox, ref, 'touch "$FACTORY_ENVIRONMENT/x"')[1].code == 0) is writable
        assert ((prepared / "x").exists(), (prepared / "old").exists()) == (writable, not writable)
        sandbox.teardown(ref)
        if writable:
            assert (prepared / "x").stat().st_uid == 0
            assert not (prepared / "x").stat().st_mode & 0o222

    def test_a_cached_venv_works(self, sandbox, tmp_path) -> None:
        prepared = tmp_path / "venv"
        subprocess.run(["python3", "-m", "venv", "--without-pip", prepared], check=True)
        ref = sandbox.provision(fresh(environment=str(prepared)))
        assert said(sandbox, ref, "python -c 'import ssl, sys; print(sys.prefix)'") == "/run/factory/environment"
        sandbox.teardown(ref)

    @pytest.mark.parametrize("home", ["canary/bin", "etc/bin"])
    def test_an_environment_cannot_name_what_it_sees(self, sandbox, tmp_path, home) -> None:
        """Setup commands of a repository write pyvenv.cfg: it is a claim, never a permission."""
        (tmp_path / "canary").mkdir()
        (tmp_path / "canary" / "secret").write_text("canary")
        claimed = Path("/etc/bin") if home == "etc/bin" else tmp_path / home
        prepared = tmp_path / "prepared"
        prepared.mkdir()
        (prepared / "pyvenv.cfg").write_text(f"home = {claimed}\n")
        ref = sandbox.provision(fresh(environment=str(prepared)))
        looked = f"cat {tmp_path}/canary/secret 2>/dev/null; test -e /etc/gshadow && echo seen"
        assert said(sandbox, ref, looked) == ""
        sandbox.teardown(ref)

    def test_a_link_for_its_python_cannot_either(self, sandbox, tmp_path) -> None:
        (tmp_path / "canary").mkdir()
        (tmp_path / "canary" / "secret").write_text("canary")
        prepared = tmp_path / "prepared"
        (prepared / "bin").mkdir(parents=True)
        (prepared / "bin" / "python").symlink_to(tmp_path / "canary" / "bin" / "python")
        ref = sandbox.provision(fresh(environment=str(prepared)))
        assert said(sandbox, ref, f"cat {tmp_path}/canary/secret 2>/dev/null") == ""
        sandbox.teardown(ref)

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

    def test_a_process_cannot_take_more_memory_than_it_is_given(self, sandbox) -> None:
        ref = sandbox.provision(fresh(memory_bytes=200_000_000))
        outputs, _ = run(sandbox, ref, "python3 -c 'x = bytearray(400_000_000); print(len(x))' 2>&1 || echo refused")
        assert "refused" in "".join(texts(outputs))
