"""The suite sees escapes: on sandboxes that isolate nothing, run nothing, leave everything or collect carelessly."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from adapters.sandbox.process import ProcessSandbox
from control_plane.sandboxes.hostile.catalogue import CATALOGUE
from control_plane.sandboxes.hostile.observing import Watch
from control_plane.sandboxes.hostile.planting import planted
from control_plane.sandboxes.hostile.playing import Stage
from control_plane.sandboxes.hostile.shapes import Behaviour, Finding
from control_plane.sandboxes.hostile.suite import find, run_suite, set_stage
from domain.errors import SandboxFailed
from domain.execution import SandboxRef
from domain.harness import Command
from domain.sandbox import Exit, Output, OutputLine, SandboxSpec

BY_NAME = {one.name: one for one in CATALOGUE}
#: harmless to this machine, and each gets something where nothing isolates, at least as root
ESCAPES = (
    "host_files", "path_tricks", "host_writes", "other_workspaces", "other_processes", "environment_leaks",
    "kernel_secrets", "abstract_sockets", "path_sockets", "shared_memory", "host_loopback", "metadata_address",
    "outside_addresses", "names", "interfaces", "raw_sockets", "new_namespaces", "joining_namespaces",
    "ptrace_siblings", "kernel_programs", "identity", "becoming_root", "setuid_bit", "file_capabilities",
    "scheduling", "kernel_settings", "own_settings", "devices", "core_dumps", "fork_bomb", "memory_balloon",
    "disk_fill", "inode_fill", "sparse_file", "many_descriptors", "daemons", "result_hard_links", "git_traps",
    "programs_of_the_machine", "environment_cache",
)  # fmt: skip
#: of other families of judges: the program runs, and nothing of it is seen to be wrong
KEPT_IN_ORDER = (
    "deep_folders",
    "sleeping_for_ever",
    "huge_line",
    "escapes",
    "not_text",
    "locked_trees",
    "hostile_archive",
)
COLLECTED = ("result_links", "result_specials", "huge_sparse_result", "swapping_results")


class RunsNothing(ProcessSandbox):
    """Answers everything at once, as if all had been done."""

    def execute(self, ref: SandboxRef, command: Command) -> Iterator[Output]:
        yield Exit(code=0, seconds=0.1)


class Breaks(ProcessSandbox):
    def execute(self, ref: SandboxRef, command: Command) -> Iterator[Output]:
        raise SandboxFailed("no sandbox today")
        yield


class LeavesProcesses(ProcessSandbox):
    """Ends the command and nothing that the command began."""

    def _end(self, ref: SandboxRef, session: int | None) -> None:
        return

    def teardown(self, ref: SandboxRef) -> None:
        self._workspace(ref).remove()


class CollectsCarelessly(ProcessSandbox):
    """As shutil.copy does, except that it does not wait for a pipe, nor read a huge file to its end."""

    def collect(self, ref: SandboxRef, name: str, *, limit: int) -> bytes | None:
        try:
            descriptor = os.open(self._workspace(ref).out / name, os.O_RDONLY | os.O_NONBLOCK)
        except OSError:
            return None
        try:
            return os.read(descriptor, 100 * limit)
        except OSError:
            return b""
        finally:
            os.close(descriptor)


class EchoesSecrets(ProcessSandbox):
    """Hands on what the factory has in its environment."""

    def execute(self, ref: SandboxRef, command: Command) -> Iterator[Output]:
        yield OutputLine(stream="stdout", text=os.environ["HOSTILE_CANARY"])
        yield from super().execute(ref, command)


def findings(sandbox: ProcessSandbox, behaviours: tuple[Behaviour, ...]) -> dict[str, Finding]:
    with planted() as plants:
        stage = Stage(sandbox, plants, Watch(plants))
        return {one.name: find(stage, one, "process") for one in behaviours}


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    if os.geteuid() != 0:
        pytest.skip("what escapes without isolation was listed for root")
    with set_stage(ProcessSandbox(tmp_path_factory.mktemp("bare"))) as stage:
        yield stage


@pytest.mark.parametrize("name", ESCAPES)
def test_without_isolation_it_escapes(bare: Stage, name: str) -> None:
    assert not BY_NAME[name].dangerous
    finding = find(bare, BY_NAME[name], "process")
    assert not finding.contained
    assert not finding.evidence.startswith("untried"), finding.evidence


@pytest.mark.parametrize("name", KEPT_IN_ORDER)
def test_what_needs_no_wall_is_contained_there_too(bare: Stage, name: str) -> None:
    finding = find(bare, BY_NAME[name], "process")
    assert finding.contained, finding.evidence


def test_where_nothing_runs_nothing_is_contained(tmp_path: Path) -> None:
    found = findings(RunsNothing(tmp_path), CATALOGUE)
    assert [name for name, one in found.items() if one.contained] == []
    assert len(found) == len(CATALOGUE)


def test_a_sandbox_that_breaks_contains_nothing(tmp_path: Path) -> None:
    found = findings(Breaks(tmp_path), CATALOGUE)
    assert [name for name, one in found.items() if one.contained] == []
    assert all("no sandbox today" in one.evidence for one in found.values() if not BY_NAME[one.name].door)


def test_a_sandbox_without_a_neighbour_is_no_stage(tmp_path: Path) -> None:
    with pytest.raises(SandboxFailed, match="did not start"):
        run_suite(RunsNothing(tmp_path), "process")


@pytest.mark.parametrize("name", ["daemons", "stopped"])
def test_a_process_left_behind_is_seen_and_ended(tmp_path: Path, name: str) -> None:
    finding = findings(LeavesProcesses(tmp_path), (BY_NAME[name],))[name]
    assert not finding.contained
    assert "left behind: process" in finding.evidence


@pytest.mark.parametrize("name", COLLECTED)
def test_careless_collecting_is_seen(tmp_path: Path, name: str) -> None:
    assert not findings(CollectsCarelessly(tmp_path), (BY_NAME[name],))[name].contained
    assert findings(ProcessSandbox(tmp_path), (BY_NAME[name],))[name].contained


def test_a_secret_in_the_output_is_seen(tmp_path: Path) -> None:
    finding = findings(EchoesSecrets(tmp_path), (BY_NAME["foreign_calls"],))["foreign_calls"]
    assert "a planted secret came out" in finding.evidence


def test_without_doors_the_network_is_untried(bare: Stage) -> None:
    for one in CATALOGUE:
        if one.door:
            finding = find(bare, one, "process")
            assert not finding.contained
            assert "untried" in finding.evidence


def test_a_wrong_specification_is_told(tmp_path: Path) -> None:
    class Refuses(ProcessSandbox):
        def provision(self, spec: SandboxSpec) -> SandboxRef:
            raise SandboxFailed("disk full \x1b[2J")

    finding = findings(Refuses(tmp_path), (BY_NAME["identity"],))["identity"]
    assert not finding.contained
    assert finding.evidence == "untried: disk full \\x1b[2J"
