"""What every sandbox guarantees, whichever it is."""

import itertools
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import psutil
import pytest

from adapters.sandbox.contract import Sandbox
from domain.errors import PatchDoesNotApply, PatchTooLarge, SandboxFailed
from domain.execution import SandboxRef
from domain.harness import Command
from domain.sandbox import Exit, Isolation, Mailbox, OutputLine, Tick
from tests.adapters.sandbox.workshop import Upstream, fresh, run, said, shell, texts
from tests.support.sleeping import sleepers, unique

SHELLS_OWN = {"PWD", "OLDPWD", "SHLVL", "_", "HOSTNAME"}
PROMISED = {"PATH", "HOME", "LANG", "TMPDIR", "FACTORY_OUT", "FACTORY_SANDBOX"}
LEAVE_BEHIND = {
    "background": "sleep {n} >/dev/null 2>&1 & sleep 0.2",
    "holds the pipe": "sleep {n} & sleep 0.2",
    "setsid": "setsid sleep {n} >/dev/null 2>&1 & sleep 0.2",
    "double fork": "(setsid sh -c 'trap \"\" TERM HUP INT; sleep {n}' >/dev/null 2>&1 &) & sleep 0.3",
}
WORKER = """
import sys
from pathlib import Path
from {module} import {name}
from domain.execution import SandboxRef
from domain.harness import Command
sandbox = {name}(Path(sys.argv[1]))
script = "setsid sleep {n} & echo up; sleep {n}"
for output in sandbox.execute(SandboxRef(backend=sandbox.name, id=sys.argv[2]), Command(argv=("sh", "-c", script))):
    print(output, flush=True)
"""


def wait_for(wanted: object, look: object, seconds: float = 5) -> None:
    deadline = time.monotonic() + seconds
    while look() != wanted and time.monotonic() < deadline:  # type: ignore[operator]
        time.sleep(0.05)
    assert look() == wanted  # type: ignore[operator]


def prepare(sandbox: Sandbox, folder: Path, script: str) -> str:
    """Make an environment as a setup does; return where it is kept."""
    kept = str(folder / "environments" / "prepared")
    (folder / "environments").mkdir(exist_ok=True)
    ref = sandbox.provision(fresh(environment=kept, environment_writable=True))
    _, ended = run(sandbox, ref, script)
    assert ended.code == 0
    sandbox.teardown(ref)
    return kept


class SandboxConformance:
    @pytest.fixture
    def sandbox(self, tmp_path: Path) -> Sandbox:
        raise NotImplementedError

    @pytest.fixture(autouse=True)
    def nothing_stays(self, sandbox: Sandbox) -> Iterator[None]:
        yield
        for left in sandbox.leftovers():
            sandbox.teardown(left)

    @pytest.fixture
    def ref(self, sandbox: Sandbox) -> Iterator[SandboxRef]:
        ref = sandbox.provision(fresh())
        yield ref
        sandbox.teardown(ref)

    @pytest.fixture
    def upstream(self, tmp_path: Path) -> Upstream:
        return Upstream(tmp_path)

    # --- provision

    def test_the_workspace_is_the_commit_without_a_remote(self, sandbox, upstream) -> None:
        ref = sandbox.provision(fresh(mirror=str(upstream.mirror), commit=upstream.commit))
        assert said(sandbox, ref, "git rev-parse HEAD") == upstream.commit
        assert (
            said(sandbox, ref, "git remote; git status --porcelain; ls .git/hooks 2>/dev/null | grep -v sample") == ""
        )
        sandbox.teardown(ref)

    def test_a_patch_gives_exactly_its_tree(self, sandbox, upstream, tmp_path) -> None:
        patch, tree = upstream.change(tmp_path)
        ref = sandbox.provision(fresh(mirror=str(upstream.mirror), commit=upstream.commit, patch=patch))
        assert said(sandbox, ref, "git write-tree") == tree
        assert said(sandbox, ref, "ls gone.txt 'old name.txt' 2>/dev/null; ./run.sh; wc -c < data.bin") == "ran\n5120"
        assert said(sandbox, ref, 'ls -A "$FACTORY_OUT"') == ""
        sandbox.teardown(ref)

    def test_a_patch_that_does_not_fit_is_refused_in_gits_words(self, sandbox, upstream, tmp_path) -> None:
        patch = tmp_path / "bad.patch"
        patch.write_text("diff --git a/kept.txt b/kept.txt\n--- a/kept.txt\n+++ b/kept.txt\n@@ -1 +1 @@\n-no\n+yes\n")
        with pytest.raises(PatchDoesNotApply, match=r"kept\.txt"):
            sandbox.provision(fresh(mirror=str(upstream.mirror), commit=upstream.commit, patch=str(patch)))
        assert sandbox.leftovers() == []

    @pytest.mark.parametrize("wrong", ["commit", "mirror"])
    def test_what_cannot_be_cloned_leaves_nothing(self, sandbox, upstream, tmp_path, wrong) -> None:
        told = {"mirror": str(upstream.mirror), "commit": upstream.commit}
        told[wrong] = "0" * 40 if wrong == "commit" else str(tmp_path / "none.git")
        with pytest.raises(SandboxFailed):
            sandbox.provision(fresh(**told))
        assert sandbox.leftovers() == []

    def test_repeating_it_starts_from_nothing(self, sandbox, upstream) -> None:
        spec = fresh(mirror=str(upstream.mirror), commit=upstream.commit)
        ref = sandbox.provision(spec)
        run(sandbox, ref, 'echo x > kept.txt; touch new "$HOME/new" "$FACTORY_OUT/new"')
        assert sandbox.provision(spec) == ref
        assert said(sandbox, ref, 'git status --porcelain; ls -A "$FACTORY_OUT"; test -e "$HOME/new" && echo old') == ""
        sandbox.teardown(ref)

    # --- output and endings

    def test_streams_are_told_apart_and_bytes_are_text(self, sandbox, ref) -> None:
        outputs, ended = run(sandbox, ref, r"printf 'a\n\n\303\274\377 b'; printf 'e\r\n' >&2; exit 3")
        assert texts(outputs) == ["a", "", "ü\ufffd b"]
        assert texts(outputs, "stderr") == ["e\r"]
        assert (ended.code, ended.signal, ended.timed_out, ended.truncated) == (3, None, False, False)

    def test_a_signal_is_told(self, sandbox, ref) -> None:
        _, ended = run(sandbox, ref, "kill -SEGV $$")
        assert (ended.code, ended.signal) == (None, signal.SIGSEGV)

    def test_a_missing_program_is_code_127(self, sandbox, ref) -> None:
        assert run(sandbox, ref, Command(argv=("no-such-program",)))[1].code == 127
        assert run(sandbox, ref, "sh -c no-such-program")[1].code == 127

    def test_a_sandbox_that_is_gone_is_an_error(self, sandbox) -> None:
        with pytest.raises(SandboxFailed):
            list(sandbox.execute(SandboxRef(backend=sandbox.name, id="never-was"), shell("true")))

    def test_the_wall_clock_ends_it_even_when_it_ignores_signals(self, sandbox, ref) -> None:
        number = unique()
        outputs, ended = run(sandbox, ref, shell(f"trap '' TERM INT; echo up; sleep {number}; sleep {number}", 1))
        assert ended.timed_out
        assert ended.seconds >= 1
        assert texts(outputs) == ["up"]
        wait_for([], lambda: sleepers(number))

    def test_silence_ticks_also_when_bytes_come_without_a_line(self, sandbox, ref) -> None:
        outputs, _ = run(sandbox, ref, shell("for i in 1 2 3 4 5 6; do printf .; sleep 0.4; done"))
        assert any(isinstance(output, Tick) for output in outputs)

    def test_a_flood_is_cut_drained_and_counted(self, sandbox, ref) -> None:
        outputs, ended = run(
            sandbox, ref, shell("head -c 30000000 /dev/zero | tr '\\0' x; echo ok >&2", output_limit=5000)
        )
        assert (sum(map(len, texts(outputs))), ended.dropped_bytes) == (5000, 29_995_000)
        assert ended.truncated
        assert ended.code == 0
        assert texts(outputs, "stderr") == ["ok"]

    def test_a_line_of_20_mb_is_split(self, sandbox, ref) -> None:
        script = "head -c 20000000 /dev/zero | tr '\\0' x; echo; echo after"
        lines = texts(run(sandbox, ref, shell(script, output_limit=40_000_000))[0])
        assert max(map(len, lines)) <= 1_000_000
        assert (sum(map(len, lines[:-1])), lines[-1]) == (20_000_000, "after")

    def test_large_input_and_output_do_not_wait_for_each_other(self, sandbox, ref) -> None:
        told = "".join(f"{number:09}\n" for number in range(300_000))
        outputs, ended = run(sandbox, ref, Command(argv=("cat",), stdin=told, timeout=timedelta(seconds=20)))
        assert ended.code == 0
        assert "\n".join(texts(outputs)) + "\n" == told
        assert run(sandbox, ref, Command(argv=("true",), stdin=told))[1].code == 0

    def test_what_is_sent_while_it_runs_is_read_line_by_line(self, sandbox, ref) -> None:
        mail, seen = Mailbox(), []
        script = "echo ready; while read -r word; do echo got $word; done; echo end of input"
        for output in sandbox.execute(ref, shell(script, stdin="first\n"), mail):
            if isinstance(output, OutputLine):
                seen.append(output.text)
                if output.text == "got first":
                    mail.send("second\nth")
                    mail.send("ird\n")
                if output.text == "got third":
                    mail.close()
        assert seen == ["ready", "got first", "got second", "got third", "end of input"]

    def test_a_large_message_waits_for_a_slow_reader_and_what_it_says_meanwhile(self, sandbox, ref) -> None:
        mail, size = Mailbox(), 3_000_000
        script = "import sys; print('x' * 2_000_000, flush=True); print(len(sys.stdin.readline()), flush=True)"
        outputs = sandbox.execute(ref, Command(argv=("python3", "-c", script), stdin=""), mail)
        mail.send("y" * size + "\n")
        assert texts(list(outputs))[-1] == str(size + 1)

    def test_what_is_sent_to_one_that_reads_nothing_is_lost_without_harm(self, sandbox, ref) -> None:
        mail = Mailbox()
        mail.send("z" * 1_000_000)
        outputs = list(sandbox.execute(ref, shell("exec 0</dev/null; sleep 0.2; echo done", stdin=""), mail))
        mail.send("too late")
        assert texts(outputs) == ["done"]

    def test_without_input_it_is_at_its_end(self, sandbox, ref) -> None:
        assert run(sandbox, ref, shell("cat", 5))[1].code == 0

    # --- children

    @pytest.mark.parametrize("how", LEAVE_BEHIND)
    def test_nothing_outlives_the_command(self, sandbox, ref, how) -> None:
        number = unique()
        run(sandbox, ref, LEAVE_BEHIND[how].format(n=number))
        wait_for([], lambda: sleepers(number))

    def test_nothing_outlives_a_closed_iterator(self, sandbox, ref) -> None:
        number = unique()
        outputs = sandbox.execute(
            ref, shell(f"setsid sleep {number} & (setsid sleep {number} &) ; echo up; sleep {number}")
        )
        first = next(output for output in outputs if isinstance(output, OutputLine))
        assert first.text == "up"
        outputs.close()
        wait_for([], lambda: sleepers(number))

    def test_nothing_outlives_teardown_after_the_worker_was_killed(self, sandbox, ref, tmp_path) -> None:
        number = unique()
        kind = type(sandbox)
        script = WORKER.format(module=kind.__module__, name=kind.__name__, n=number)
        argv = [sys.executable, "-c", script, str(tmp_path / "sandboxes"), ref.id]
        with subprocess.Popen(argv, stdout=subprocess.PIPE, cwd=Path(__file__).parents[3]) as worker:
            assert b"up" in worker.stdout.readline()
            worker.kill()
        sandbox.teardown(ref)
        assert sleepers(number) == []

    def test_interrupt_is_sigint_and_harmless_when_nothing_runs(self, sandbox, ref) -> None:
        sandbox.interrupt(ref)
        outputs = sandbox.execute(ref, shell("sleep 20 & trap 'echo stopping; exit 7' INT; echo up; wait", 10))
        seen = []
        for output in outputs:
            seen.append(output)
            if isinstance(output, OutputLine) and output.text == "up":
                sandbox.interrupt(ref)
        assert texts(seen) == ["up", "stopping"]
        assert isinstance(seen[-1], Exit)
        assert seen[-1].code == 7

    def test_one_interrupt_is_one_signal_for_each_of_the_command(self, sandbox, ref) -> None:
        inner = r"""
import os, signal, time
heard = []
signal.signal(signal.SIGINT, lambda *_: (heard.append(1), os.write(1, b"inner\n")))
os.write(1, b"up\n")
while not heard:
    time.sleep(0.01)
time.sleep(1)
"""
        outer = f"trap 'echo outer' INT; python3 -c '{inner}'; exit 7"
        seen = []
        for output in sandbox.execute(ref, shell(outer)):
            seen.append(output)
            if isinstance(output, OutputLine) and output.text == "up":
                sandbox.interrupt(ref)
        assert texts(seen) == ["up", "inner", "outer"]
        assert seen[-1].code == 7

    def test_a_factory_that_ignores_interrupts_runs_commands_that_do_not(self, sandbox, ref) -> None:
        before = signal.signal(signal.SIGINT, signal.SIG_IGN)
        try:
            self.test_interrupt_is_sigint_and_harmless_when_nothing_runs(sandbox, ref)
        finally:
            signal.signal(signal.SIGINT, before)

    # --- surroundings

    def test_the_environment_is_what_was_promised(self, sandbox, ref, monkeypatch) -> None:
        for name in ("ANTHROPIC_API_KEY", "FACTORY_DATABASE_URL", "PIP_INDEX_URL", "GIT_DIR", "LD_LIBRARY_PATH"):
            monkeypatch.setenv(name, "canary")
        outputs, _ = run(sandbox, ref, shell("env -0 | tr '\\0' '\\n'", environment={"MINE": "yes"}))
        found = dict(line.partition("=")[::2] for line in texts(outputs))
        assert set(found) - SHELLS_OWN == PROMISED | {"MINE"}
        assert "canary" not in "".join(found.values())
        assert found["LANG"] == "C.UTF-8"

    def test_a_command_cannot_take_off_its_marker(self, sandbox, ref) -> None:
        number = unique()
        told = {"FACTORY_SANDBOX": "another"}
        run(sandbox, ref, shell(f"setsid sleep {number} >/dev/null 2>&1 & sleep 0.2", environment=told))
        left = sleepers(number)
        for pid in left:
            psutil.Process(pid).kill()
        assert left == []

    def test_home_and_results_are_private_and_writable(self, sandbox, ref) -> None:
        script = 'for d in "$HOME" "$TMPDIR" "$FACTORY_OUT" .; do test -d "$d" && touch "$d/x" && echo ok; done'
        assert said(sandbox, ref, script).split() == ["ok"] * 4

    def test_a_run_finds_nothing_of_another(self, sandbox, ref) -> None:
        run(sandbox, ref, 'echo canary | tee here "$HOME/x" "$TMPDIR/x" "$FACTORY_OUT/x"')
        other = sandbox.provision(fresh())
        assert said(sandbox, other, 'cat * "$HOME"/* "$TMPDIR"/* "$FACTORY_OUT"/* 2>/dev/null') == ""
        sandbox.teardown(other)

    def test_a_prepared_environment_leads(self, sandbox, upstream, tmp_path) -> None:
        tool = "printf '#!/bin/sh\\necho from the environment\\n' > bin/tool; chmod 755 bin/tool; touch pyvenv.cfg"
        prepared = prepare(sandbox, tmp_path, f'cd "$FACTORY_ENVIRONMENT"; mkdir bin; {tool}')
        ref = sandbox.provision(fresh(environment=prepared, environment_is_venv=True))
        lines = said(
            sandbox, ref, 'tool; echo "$FACTORY_ENVIRONMENT" "$VIRTUAL_ENV"; echo "$PYTHONPATH"; pwd'
        ).splitlines()
        assert lines[0] == "from the environment"
        assert lines[1] == " ".join([str(sandbox._workspace(ref).environment(fresh(environment=prepared)))] * 2)
        assert lines[2] == f"{lines[3]}/src:{lines[3]}"
        sandbox.teardown(ref)

    def test_an_environment_is_written_by_setup_only_and_anew_each_time(self, sandbox, tmp_path) -> None:
        kept = prepare(sandbox, tmp_path, 'echo one > "$FACTORY_ENVIRONMENT/old"')
        kept = prepare(sandbox, tmp_path, 'test ! -e "$FACTORY_ENVIRONMENT/old"; echo two > "$FACTORY_ENVIRONMENT/new"')
        refs = [sandbox.provision(fresh(environment=kept)) for _ in range(2)]
        for ref in refs:
            assert said(sandbox, ref, 'cat "$FACTORY_ENVIRONMENT/new"') == "two"
        if sandbox.isolation is not Isolation.NONE:
            assert run(sandbox, refs[0], 'touch "$FACTORY_ENVIRONMENT/new"')[1].code != 0

    # --- collect, teardown, leftovers

    def test_collect_takes_regular_files_and_nothing_else(self, sandbox, ref) -> None:
        planted = 'cd "$FACTORY_OUT"; printf hi > f; ln -s /etc/passwd link; ln -s f near; mkfifo pipe; mkdir folder'
        run(sandbox, ref, planted)
        assert sandbox.collect(ref, "f", limit=2) == b"hi"
        for name in ("link", "near", "pipe", "folder", "missing", "../spec.json", "folder/../f", "", ".", "..", "a\0b"):
            assert sandbox.collect(ref, name, limit=100) is None
        with pytest.raises(PatchTooLarge):
            sandbox.collect(ref, "f", limit=1)

    def test_hostile_names_survive_collect_and_teardown(self, sandbox, upstream) -> None:
        ref = sandbox.provision(fresh(mirror=str(upstream.mirror), commit=upstream.commit))
        run(sandbox, ref, 'printf x > "$FACTORY_OUT/-rf \\$(x)"; mkdir -p locked/in; touch locked/in/f; chmod 0 locked')
        run(sandbox, ref, "i=0; while [ $i -lt 1200 ]; do mkdir d && cd d || break; i=$((i+1)); done")
        assert sandbox.collect(ref, "-rf $(x)", limit=10) in (b"x", None)  # not a plain name: nobody needs it
        sandbox.teardown(ref)
        assert sandbox.leftovers() == []

    def test_teardown_removes_links_and_not_what_they_name(self, sandbox, ref, tmp_path) -> None:
        (tmp_path / "precious").mkdir()
        (tmp_path / "precious" / "file").write_text("x")
        run(sandbox, ref, f"ln -s {tmp_path}/precious here")
        sandbox.teardown(ref)
        sandbox.teardown(ref)
        assert (tmp_path / "precious" / "file").exists()

    def test_leftovers_are_listed_also_by_another_instance(self, sandbox, ref, tmp_path) -> None:
        others = [sandbox.provision(fresh()) for _ in range(2)]
        again = type(sandbox)(tmp_path / "sandboxes")
        assert sorted(left.id for left in again.leftovers()) == sorted(
            left.id for left in itertools.chain([ref], others)
        )
        for left in others:
            again.teardown(left)
        assert again.leftovers() == [ref]

    def test_it_says_whether_it_is_available(self, sandbox) -> None:
        found = sandbox.available()
        assert found.works, found
        assert found.detail

    def test_descriptors_are_given_back(self, sandbox, ref) -> None:
        run(sandbox, ref, "true")
        before = len(list(Path("/proc/self/fd").iterdir()))
        for _ in range(3):
            run(sandbox, ref, "true")
        wait_for(True, lambda: len(list(Path("/proc/self/fd").iterdir())) <= before)
