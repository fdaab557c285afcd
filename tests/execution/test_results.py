"""What leaves sandbox A, on every kind of end: a patch that is the truth, outputs that were asked for, nothing else."""

import json
import subprocess
from datetime import timedelta
from pathlib import Path

import pytest

from adapters.quarantine.contract import Ground
from domain.errors import (
    Canceled,
    HarnessFailed,
    PatchEmpty,
    PatchTooLarge,
    PatchUnreadable,
    ResultRefused,
    SetupFailed,
    TimedOut,
    TreeMismatch,
)
from domain.execution import ArtifactRef, Step
from domain.lifecycle import Stage
from domain.sandbox import SandboxSpec
from factory_pipelines.execution.stages.outputs import PACK, PARCEL_FILE
from factory_pipelines.execution.stages.runner import run_step
from factory_pipelines.execution.stages.workspace_git import BUNDLE_FILE, WRITE_BUNDLE, Bench, run_script
from resources.results import rebuild
from tests.support.factory import FIX, World, make_world
from tests.support.repositories import MODULE, commit, git

EDIT = "echo edited >> README.md"


@pytest.fixture
def world(tmp_path: Path) -> World:
    return make_world(tmp_path, verify=["test -f calc.py"])


def kept(world: World, run_id: str = "T-1-r1", kind: str = "patch") -> list[ArtifactRef]:
    artifacts, _report = world.factory.lookup.evidence(run_id)
    return [artifact.ref for artifact in artifacts if artifact.ref.kind == kind]


def patch_of(world: World, run_id: str = "T-1-r1") -> bytes:
    found = kept(world, run_id)
    assert len(found) == 1, "a run ends with one patch"
    return world.factory.artifacts.get(found[0])


def remote(world: World) -> Path:
    return Path(world.factory.lookup.repository("calc").remote)


def leftovers(world: World) -> list[str]:
    return [ref.id for sandbox in world.factory.sandboxes.values() for ref in sandbox.leftovers()]


# every run ends with a patch


@pytest.mark.parametrize(
    ("commands", "told", "error", "holds"),
    [
        ([FIX], {}, None, b"2 * x"),
        ([EDIT, "exit 3"], {}, HarnessFailed, b"+edited"),
        ([EDIT, "sleep 60"], {"timeout": "1s"}, TimedOut, b"+edited"),
        (["true"], {}, PatchEmpty, b""),
        (["rm -rf .git"], {}, PatchUnreadable, b""),
        (["rm -rf .git", "exit 3"], {}, HarnessFailed, b""),
        (["head -c 30000000 /dev/urandom > big.bin"], {}, PatchTooLarge, b""),
        (["head -c 30000000 /dev/urandom > big.bin", "exit 3"], {}, HarnessFailed, b""),
        (["ln -s /etc/passwd l"], {}, ResultRefused, b""),
        (["ln -s /etc/passwd l", "exit 3"], {}, HarnessFailed, b""),
    ],
)
def test_every_end_leaves_a_patch(
    world: World, commands: list[str], told: dict, error: type | None, holds: bytes
) -> None:
    ticket = world.file(commands=commands, retry={"max": 0}, **told)
    ended = world.run(ticket)
    assert (ended is None) if error is None else isinstance(ended, error)
    patch = patch_of(world)
    assert holds in patch
    assert bool(holds) == bool(patch)
    assert not leftovers(world)


def test_a_run_that_never_got_a_workspace_leaves_an_empty_patch(tmp_path: Path) -> None:
    world = make_world(tmp_path, setup=["exit 7"])
    assert isinstance(world.run(world.file()), SetupFailed)
    assert patch_of(world) == b""


def test_a_canceled_run_is_not_read_but_leaves_an_empty_patch(world: World) -> None:
    ticket = world.file(commands=[EDIT, "sleep 120"])
    presented = world.present(world.dispatch(ticket))
    world.steps(presented, (Step.CLAIM, Step.PROVISION))
    world.factory.operators.request_cancel(ticket.id, actor="ann", reason="stop", now=world.factory.now())
    with pytest.raises(Canceled):
        run_step(world.factory, presented, Step.LAUNCH)
    assert patch_of(world) == b""
    assert not leftovers(world)


def test_what_a_failed_attempt_left_is_not_taken_for_work_by_the_next(world: World) -> None:
    ticket = world.file(commands=[EDIT, "sleep 60"], timeout="1s", retry={"max": 1, "backoff": "1s"})
    assert isinstance(world.run(ticket), TimedOut)
    assert [ref.name for ref in kept(world)] == ["unfinished.patch"]
    assert world.factory.lookup.runs(ticket_id=ticket.id)[0].patch is None
    world.clock.move(10)
    assert isinstance(world.run(ticket), TimedOut)
    assert b"+edited" in patch_of(world, "T-1-r2")


def test_a_filter_that_hangs_cannot_hold_a_failed_run(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("factory_pipelines.execution.stages.collect.RESCUE_LIMIT", timedelta(seconds=1))
    commands = ["git config filter.slow.clean 'sleep 100'", "echo '* filter=slow' > .gitattributes", "exit 3"]
    assert isinstance(world.run(world.file(commands=commands)), HarnessFailed)
    assert patch_of(world) == b""
    assert not leftovers(world)


# the whole workspace, whatever git was told there


@pytest.mark.parametrize(
    "commands",
    [
        [FIX, "git commit -qam x"],
        [FIX, "git add -A", "git checkout -q --detach"],
        [FIX, "git update-index --assume-unchanged calc.py"],
        [FIX, "git update-index --skip-worktree calc.py"],
        ["git config core.sparseCheckout true", "echo README.md > .git/info/sparse-checkout", FIX],
        [FIX, "rm .git/index"],
        [FIX, "head -c 100 /dev/urandom > .git/index.lock"],
        [FIX, "git config core.worktree /nonexistent"],
        [FIX, "git config core.hooksPath hooks; mkdir .git/hooks -p; printf '#!/bin/sh\\nexit 1\\n' > .git/hooks/reference-transaction; chmod +x .git/hooks/*"],
        [FIX, "git config core.fsmonitor 'false #'"],
        [FIX, "git config commit.gpgSign true; git config gpg.program /bin/false"],
        [FIX, "git rev-parse HEAD > .git/shallow"],
        [FIX, "git replace $(git rev-parse HEAD) $(git commit-tree -m x $(git write-tree))"],
        [FIX, "git rm -q --cached calc.py"],
        [FIX, "mkdir -p $FACTORY_OUT; ln -s /nonexistent/x $FACTORY_OUT/result.bundle; mkdir $FACTORY_OUT/result.index"],
        [FIX, "chmod 500 $FACTORY_OUT"],
        [FIX, "git commit -qam one; git checkout -q -b other; git branch -D work; git gc -q"],
        [FIX, "git config user.email x; git config --global user.name y; echo '[broken' > ~/.gitconfig"],
    ],
)  # fmt: skip
def test_the_same_work_gives_the_same_patch_whatever_git_was_told(world: World, commands: list[str]) -> None:
    assert world.run(world.file(commands=commands)) is None
    assert patch_of(world) == plain_fix(world)


def plain_fix(world: World) -> bytes:
    """Return what git itself says of the fix, made by hand in the source."""
    subprocess.run(["sh", "-c", FIX], cwd=world.source, check=True)
    words = ("diff", "--binary", "--full-index", "--no-ext-diff", "-M")
    return subprocess.run(["git", *words], cwd=world.source, check=True, capture_output=True).stdout


def test_ignored_files_come_along_only_when_they_were_added_on_purpose(world: World) -> None:
    commands = [
        "echo 'out/' > .gitignore",
        "mkdir out",
        "echo a > out/wanted",
        "echo b > out/stray",
        "git add -f out/wanted",
    ]
    assert world.run(world.file(commands=commands)) is None
    assert b"out/wanted" in patch_of(world)
    assert b"out/stray" not in patch_of(world)


def test_settings_of_git_may_change_and_are_pointed_out(world: World) -> None:
    commands = [FIX, "echo '*.txt text' > .gitattributes"]
    results = world.steps(world.present(world.dispatch(world.file(commands=commands))))
    assert results[list(Step).index(Step.COLLECT)].metadata["pointed_out"] == ".gitattributes"


# what is refused


@pytest.mark.parametrize(
    ("command", "named"),
    [
        ("ln -s /etc/passwd l", "l: a symbolic link to the absolute /etc/passwd"),
        ("ln -s ../../x l", "l: a symbolic link out of the tree"),
        ("git init -q sub; git -C sub commit -q --allow-empty -m x", "sub: a submodule"),
        (
            "mkdir -p .github/workflows; echo 'on: push' > .github/workflows/x.yml",
            ".github/workflows/x.yml: automation",
        ),
        ("printf '[submodule \"x\"]\\n\\tpath = x\\n\\turl = y\\n' > .gitmodules", ".gitmodules: submodules"),
        ("printf x > \"$(printf 'new\\nline')\"", "new\\nline: control"),
        ("printf x > \"$(printf 'esc\\033[2J')\"", "esc\\x1b[2J: control"),
        ("cp README.md readme.md", "readme.md: differs only by case"),
    ],
)
def test_a_refused_result_names_its_entries_and_keeps_the_bytes(world: World, command: str, named: str) -> None:
    ticket = world.file(commands=[command])
    error = world.run(ticket)
    assert isinstance(error, ResultRefused)
    assert named in error.message
    assert world.ticket(ticket).stage is Stage.DEAD_LETTER
    assert named in (world.ticket(ticket).reason or "")
    assert [ref.name for ref in kept(world, kind="bundle")] == ["refused.bundle"]
    assert git(remote(world), "branch", "--list", "factory/*") == ""


def test_nothing_planted_in_a_workspace_runs_outside_of_it(world: World, tmp_path: Path) -> None:
    """The canary tells its place: only programs that the sandbox started have its mark in their environment."""
    mark, program = tmp_path / "canary", tmp_path / "evil.sh"
    program.write_text(f'#!/bin/sh\n[ -n "$FACTORY_SANDBOX" ] || touch {mark}\n[ -p /dev/stdin ] && cat\nexit 0\n')
    program.chmod(0o755)
    keys = (
        "core.fsmonitor",
        "filter.e.clean",
        "filter.e.smudge",
        "diff.external",
        "diff.e.textconv",
        "core.pager",
        "gpg.program",
    )
    plant = [f"git config {key} {program}" for key in keys]
    plant += [
        f"cp {program} .git/hooks/{hook}"
        for hook in ("post-checkout", "post-index-change", "reference-transaction", "pre-push")
    ]
    plant = ["mkdir -p .git/hooks", *plant, "echo '* filter=e diff=e merge=e' > .gitattributes", FIX]
    nested = [f"git init -q v; git -C v config core.fsmonitor {program}; rm -rf v/.git/refs v/.git/HEAD; echo x > v/f"]
    assert world.run(world.file(commands=plant + nested)) is None
    assert not mark.exists()
    subprocess.run([program], check=True, stdin=subprocess.DEVNULL, env={})
    assert mark.exists(), "the canary cannot sing"


def test_a_moved_base_that_has_the_change_already_is_empty(world: World) -> None:
    presented = world.present(world.dispatch(world.file()))
    world.steps(presented, (Step.CLAIM, Step.PROVISION, Step.LAUNCH, Step.COLLECT))
    commit(world.source, {"calc.py": MODULE.replace("x * 2", "2 * x")})
    with pytest.raises(Exception, match="patch"):
        run_step(world.factory, presented, Step.VALIDATE)
    assert b"2 * x" in patch_of(world)


# rebuilding


def test_a_result_is_rebuilt_from_what_was_stored(tmp_path: Path) -> None:
    files = {
        "calc.py": "x = 1\n",
        "old.txt": "same\n" * 20,
        "gone.txt": "bye\n",
        "run.sh": "#!/bin/sh\n",
        "b.bin": bytes(range(256)),
    }
    world = make_world(tmp_path, files=files, verify=["true"])
    commands = [
        "git mv old.txt new.txt",
        "rm gone.txt",
        "chmod +x run.sh",
        "head -c 5000 /dev/urandom > b.bin",
        "ln -s calc.py l",
    ]
    assert world.run(world.file(commands=commands)) is None
    run = world.factory.lookup.runs(ticket_id="T-1")[0]
    pull = world.factory.lookup.pull_request("T-1")
    assert run.patch is not None
    assert pull is not None
    rebuilt = rebuild(world.factory, run.id)
    assert rebuilt.tree_sha == run.patch.tree_sha == git(remote(world), "rev-parse", f"{pull.head_sha}^{{tree}}")
    assert rebuilt.patch == world.factory.artifacts.get(run.patch.artifact)
    assert {file.status for file in rebuilt.files} == {"R", "D", "M", "A"}


def test_what_cannot_be_rebuilt_is_said(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.run(world.file(commands=["true"]))
    for absent in ("T-1-r1", "T-9-r9"):
        with pytest.raises(Exception, match=absent):
            rebuild(world.factory, absent)
    assert world.run(world.file()) is None
    run = world.factory.run_ledger.find_run(run_id="T-2-r1")
    assert run is not None
    assert run.patch is not None
    forged = run.model_copy(update={"patch": run.patch.model_copy(update={"tree_sha": "1" * 40})})
    monkeypatch.setattr(type(world.factory.run_ledger), "find_run", lambda *_a, **_k: forged)
    with pytest.raises(TreeMismatch):
        rebuild(world.factory, "T-2-r1")


# commits


def test_every_commit_of_a_branch_is_the_bots_and_leads_back(world: World) -> None:
    ticket = world.file(title="Tidy: a 'title' with trailers")
    assert world.run(ticket) is None
    pull = world.factory.lookup.pull_request(ticket.id)
    assert pull is not None
    told = git(
        remote(world), "log", f"{pull.base_sha}..{pull.head_sha}",
        "--format=%an <%ae>|%cn <%ce>|%(trailers:key=Factory-Ticket,valueonly,separator=%x2C)|%(trailers:key=Factory-Run,valueonly,separator=%x2C)",
    )  # fmt: skip
    bot = "Software Factory <factory-bot@localhost>"
    assert told.splitlines() == [f"{bot}|{bot}|{ticket.id}|{ticket.id}-r1"]


# extra outputs


def test_outputs_that_were_asked_for_are_stored_and_missing_ones_told(world: World) -> None:
    make = [
        "mkdir -p shots/deep",
        "echo '<x/>' > coverage.xml",
        "printf PNG1 > shots/a.png",
        "printf PNG2 > shots/deep/b.png",
    ]
    ticket = world.file(
        commands=[FIX, "echo 'shots/' > .git/info/exclude", *make],
        artifacts=["coverage.xml", "./shots/", "no-such.log"],
    )
    assert world.run(ticket) is None
    found = {ref.name: ref for ref in kept(world, kind="output")}
    assert set(found) == {"coverage.xml", "shots/a.png", "shots/deep/b.png"}
    assert (found["shots/a.png"].size, world.factory.artifacts.get(found["shots/a.png"])) == (4, b"PNG1")
    told = [
        json.loads(world.factory.artifacts.get(ref)) for ref in kept(world, kind="json") if ref.name == "outputs.json"
    ]
    assert {tuple(one["missing"]) for one in told} == {("no-such.log",)}


def test_outputs_of_the_checks_are_found_too(tmp_path: Path) -> None:
    world = make_world(tmp_path, verify=["echo covered > coverage.txt"])
    assert world.run(world.file(artifacts=["coverage.txt"])) is None
    assert [ref.name for ref in kept(world, kind="output")] == ["coverage.txt"]


def test_a_failed_run_keeps_its_outputs(world: World) -> None:
    assert isinstance(
        world.run(world.file(commands=["echo why > build.log", "exit 3"], artifacts=["*.log"])), HarnessFailed
    )
    assert [ref.name for ref in kept(world, kind="output")] == ["build.log"]


@pytest.mark.parametrize(
    "command",
    [
        "ln -s /etc/passwd out.log",
        "mkfifo out.log",
        "mkdir -p real && ln -s /etc real/l && ln -s real/l out.log",
        "truncate -s 1T out.log",
        "printf x > \"out.log$(printf '\\033[2J')\"",
        "mkdir out.log && ln -s /etc/passwd out.log/x && ln /etc/hostname out.log/hard || true",
        "rm -f out.log; ln -s ../../../../etc out.log",
    ],
)
def test_nothing_of_the_host_and_nothing_odd_is_taken_for_an_output(world: World, command: str) -> None:
    assert (
        world.run(
            world.file(
                commands=[
                    FIX,
                    f"echo out.log > .git/info/exclude; {command}; rm -rf \"$(printf 'out.log\\033[2J')\" real",
                ],
                artifacts=["out.log"],
            )
        )
        is None
    )
    for ref in kept(world, kind="output"):
        assert b"root:" not in world.factory.artifacts.get(ref)


@pytest.mark.parametrize(
    "asked", ["../*", "/etc/*", "", " ", "a/../b", "$(touch x)", "`id`", "-delete", "'", "*\n*", "[", "\\"]
)
def test_odd_requests_find_nothing_and_harm_nothing(world: World, asked: str) -> None:
    try:
        ticket = world.file(artifacts=[asked])
    except ValueError:
        return
    assert world.run(ticket) is None
    assert kept(world, kind="output") == []


def test_a_flood_of_outputs_is_bounded(world: World) -> None:
    many = "mkdir m && cd m && i=0; while [ $i -lt 500 ]; do echo $i > f$i; i=$((i+1)); done; cd ..; echo m > .git/info/exclude"
    assert world.run(world.file(commands=[FIX, many], artifacts=["m"])) is None
    assert len(kept(world, kind="output")) == 200


@pytest.mark.bubblewrap
def test_a_result_leaves_an_isolating_sandbox_the_same_way(world: World) -> None:
    sandbox = world.factory.sandboxes["bubblewrap"]
    if not sandbox.available().works:
        pytest.skip(f"bwrap cannot make namespaces here: {sandbox.available().detail}")
    base, mirror = git(world.source, "rev-parse", "main"), str(remote(world))
    ref = sandbox.provision(SandboxSpec(id="T-1-r1-work", run_id="T-1-r1", mirror=mirror, commit=base))
    try:
        run_script(sandbox, Bench(ref=ref), f"{FIX}; echo x > out.log", (), lambda _output: None)
        run_script(sandbox, Bench(ref=ref), WRITE_BUNDLE, (base,), lambda _output: None)
        bundle = sandbox.collect(ref, BUNDLE_FILE, limit=1_000_000)
        run_script(sandbox, Bench(ref=ref), PACK, ("100", "1000", "5", "*.log"), lambda _output: None)
        parcel = sandbox.collect(ref, PARCEL_FILE, limit=1_000_000)
    finally:
        sandbox.teardown(ref)
    assert bundle is not None
    assert parcel is not None
    ground = Ground(repository="calc", mirror=mirror, commit=base)
    change = world.factory.quarantine.admit(ground, bundle, patch_limit=1_000_000)
    assert {file.path for file in change.files} == {"calc.py", "out.log"}
    assert [output.name for output in world.factory.quarantine.unpack(parcel).outputs] == ["out.log"]
