"""The scanner programs of deploy/install-scanners, started in the sandboxes that isolate, with no network and no door."""

import pytest

from adapters.sandbox.bubblewrap import BubblewrapSandbox
from adapters.sandbox.process import ProcessSandbox
from adapters.scanner.pins import LOCKS, pinned
from tests.adapters.sandbox.conformance import prepare
from tests.adapters.sandbox.workshop import fresh, run, said, shell, texts
from tests.support.needed import scanners

PROGRAMS = {
    "bandit": "--version", "detect-secrets": "--version", "gitleaks": "version", "pip-audit": "--version",
    "ruff": "--version", "semgrep": "--version",
}  # fmt: skip


def test_every_program_tells_its_pinned_version_without_a_network(isolating) -> None:
    locks = "\n".join((scanners() / name).read_text() for name in LOCKS)
    ref = isolating.provision(fresh(scanners=str(scanners())))
    for program, asked in PROGRAMS.items():
        outputs, ended = run(isolating, ref, shell(f"command -v {program}; {program} {asked}", 60))
        place, *version = texts(outputs)
        assert ended.code == 0, texts(outputs, "stderr")
        assert place == f"/opt/scanners/bin/{program}"
        assert (pinned(locks, program) or "").split(".post")[0] in " ".join(version).split()
    isolating.teardown(ref)


def test_a_command_can_change_none_of_them(isolating) -> None:
    ref = isolating.provision(fresh(scanners=str(scanners())))
    script = "for f in bin/ruff bin/bandit .installed new lib/new; do (echo x >> /opt/scanners/$f) 2>/dev/null && echo $f; done"
    assert said(isolating, ref, script) == ""
    assert said(isolating, ref, "ls /opt/scanners/bin").split() == sorted(PROGRAMS)
    isolating.teardown(ref)


def test_what_an_environment_brings_does_not_stand_before_them(isolating, tmp_path) -> None:
    script = (
        'mkdir -p "$FACTORY_ENVIRONMENT/bin"; cd "$FACTORY_ENVIRONMENT/bin"; for f in ruff bandit python3 dirname; do '
        'printf "#!/bin/sh\\necho mine\\n" > $f; chmod 755 $f; done'
    )
    kept = prepare(isolating, tmp_path, script)
    ref = isolating.provision(fresh(environment=kept, scanners=str(scanners())))
    assert said(isolating, ref, "command -v bandit; python3; bandit --version | head -1").startswith(
        "/opt/scanners/bin/bandit\nmine\n"
    )
    assert "mine" not in said(isolating, ref, "bandit --version; ruff --version")
    isolating.teardown(ref)


@pytest.mark.bubblewrap
@pytest.mark.parametrize("place", [None, "/nonexistent/scanners"])
def test_without_them_a_sandbox_works_as_before(tmp_path, place) -> None:
    sandbox = BubblewrapSandbox(tmp_path / "sandboxes")
    if not (works := sandbox.available()).works:
        pytest.skip(f"bwrap cannot make namespaces here: {works.detail}")
    ref = sandbox.provision(fresh(scanners=place))
    assert said(sandbox, ref, "command -v gitleaks; ls -d /opt/scanners 2>/dev/null; echo up") == "up"
    sandbox.teardown(ref)


def test_the_process_sandbox_finds_them_in_their_own_place(tmp_path) -> None:
    (tmp_path / "scanners" / "bin").mkdir(parents=True)
    sandbox = ProcessSandbox(tmp_path / "sandboxes")
    for place, first in ((str(tmp_path / "scanners"), f"{tmp_path}/scanners/bin"), (None, "/usr/local/sbin")):
        ref = sandbox.provision(fresh(scanners=place, agents=None))
        assert said(sandbox, ref, "echo $PATH").split(":")[0] == first
        sandbox.teardown(ref)
