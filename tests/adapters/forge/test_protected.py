"""Protected branches: the bot is refused by its own check and by the receiving side, however it pushes."""

import os
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from adapters.forge.local import LocalForge
from adapters.forge.protection import FOLDER, RECORD
from domain.errors import ForgeRefused
from domain.repositories import Repository
from tests.adapters.forge.workshop import Workshop, commit, git, question
from tests.support.repositories import ENV

BOT = {f"GIT_{role}_{key}": value for role in ("AUTHOR", "COMMITTER") for key, value in (("NAME", "Software Factory"), ("EMAIL", "factory-bot@localhost"))}  # fmt: skip
ANN = {f"GIT_{role}_{key}": value for role in ("AUTHOR", "COMMITTER") for key, value in (("NAME", "Ann"), ("EMAIL", "ann@example.invalid"))}  # fmt: skip
ZERO = "0" * 40


@pytest.fixture
def workshop(tmp_path: Path) -> Workshop:
    return Workshop(tmp_path / "workshop")


@pytest.fixture
def forge(tmp_path: Path) -> LocalForge:
    return LocalForge(tmp_path / "forge", protected=("release/*", "stable"))


@pytest.fixture
def repository(forge: LocalForge, workshop: Workshop) -> Repository:
    return workshop.repository(forge.enrol("demo", str(workshop.source), None)[0])


@pytest.fixture
def clone(repository: Repository, tmp_path: Path) -> Path:
    git(tmp_path, "clone", "-q", repository.remote, "clone")
    return tmp_path / "clone"


def edit(clone: Path, who: dict[str, str], content: str = "x\n") -> str:
    """Commit as somebody; return the commit."""
    (clone / "edited").write_text(content)
    for words in (("add", "-A"), ("commit", "-q", "-m", "edit")):
        subprocess.run(["git", *words], cwd=clone, env={**ENV, **who}, check=True)
    return git(clone, "rev-parse", "HEAD")


def push(clone: Path, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    environment = {**{key: value for key, value in ENV.items() if not key.startswith("GIT_")}, **environment}
    return subprocess.run(
        ["git", "push", *words], cwd=clone, env=environment, capture_output=True, text=True, check=False
    )


def references(repository: Repository) -> str:
    return git(Path(repository.remote), "for-each-ref")


# the bot


@pytest.mark.parametrize("reference", ["refs/heads/main", "refs/heads/release/1.0", "refs/heads/stable", "refs/heads/feature", "refs/heads/factory", "refs/tags/v1", "refs/replace/x", "refs/notes/commits"])  # fmt: skip
@pytest.mark.parametrize("who", [{**ANN, "FACTORY_ACTOR": "factory"}, {**ANN, "FACTORY_ACTOR": "Software Factory"}, {**ANN, "FACTORY_ACTOR": "factory-bot@localhost"}, {**ANN, "FACTORY_ACTOR": ""}, {**ANN, "FACTORY_ACTOR": " \t"}, BOT])  # fmt: skip
def test_the_bot_pushes_to_no_branch_but_its_own(
    forge: LocalForge, repository: Repository, clone: Path, reference: str, who: dict[str, str]
) -> None:
    edit(clone, ANN)
    before = references(repository)
    done = push(clone, "origin", f"HEAD:{reference}", **who)
    assert done.returncode != 0
    assert "factory" in done.stderr
    assert references(repository) == before
    record = forge.refused_pushes("demo")
    assert [(one.reference, one.new) for one in record] == [(reference, git(clone, "rev-parse", "HEAD"))]


def test_its_own_branches_it_may_write_rewind_and_remove(repository: Repository, clone: Path) -> None:
    edit(clone, BOT)
    for words in (
        ("HEAD:refs/heads/factory/T-1",),
        ("-f", "HEAD~:refs/heads/factory/T-1"),
        ("-d", "refs/heads/factory/T-1"),
    ):
        done = push(clone, "origin", *words, **BOT)
        assert done.returncode == 0, done.stderr


def test_a_commit_of_the_bot_is_not_pushed_by_nobody_in_particular(repository: Repository, clone: Path) -> None:
    edit(clone, BOT)
    git(clone, "config", "user.email", "not-set@server.invalid")
    assert push(clone, "origin", "HEAD:main").returncode != 0
    assert push(clone, "origin", "HEAD:main", FACTORY_ACTOR="Ann Lee").returncode == 0


@pytest.mark.parametrize("told", [("-c", "core.hooksPath=/dev/null"), ("-c", "receive.advertisePushOptions=true")])
def test_the_pushing_side_cannot_turn_the_hook_off(repository: Repository, clone: Path, told: tuple[str, ...]) -> None:
    edit(clone, BOT)
    environment = {
        **ENV,
        **BOT,
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": "core.hooksPath",
        "GIT_CONFIG_VALUE_0": "/dev/null",
    }
    done = subprocess.run(
        ["git", *told, "push", "--no-verify", "-f", "origin", "HEAD:main"],
        cwd=clone,
        env=environment,
        capture_output=True,
        check=False,
    )
    assert done.returncode != 0
    assert git(Path(repository.remote), "rev-parse", "main") == git(clone, "rev-parse", "HEAD~")


def test_a_push_is_taken_whole_or_not_at_all(repository: Repository, clone: Path) -> None:
    edit(clone, BOT)
    before = references(repository)
    assert push(clone, "origin", "HEAD:refs/heads/factory/T-1", "HEAD:main", **BOT).returncode != 0
    assert references(repository) == before


@pytest.mark.parametrize("branch", ["main", "release/1.0", "feature"])
def test_the_factorys_own_check_comes_first(
    forge: LocalForge, repository: Repository, workshop: Workshop, branch: str
) -> None:
    before = references(repository)
    with pytest.raises(ForgeRefused):
        forge.publish(repository, workshop.change(branch=branch))
    assert references(repository) == before
    assert forge.refused_pushes("demo") == [], "it never came to a push"


def test_what_passes_the_own_check_still_meets_the_receiving_sides(
    forge: LocalForge, repository: Repository, workshop: Workshop
) -> None:
    git(Path(repository.remote), "config", "--add", "factory.protected", "factory/keep-*")
    with pytest.raises(ForgeRefused, match="protected") as refused:
        forge.publish(repository, workshop.change(branch="factory/keep-this"))
    assert refused.value.code == "forge.refused"
    record = forge.refused_pushes("demo")
    assert [(one.actor, one.reference, one.old) for one in record] == [
        ("Software Factory", "refs/heads/factory/keep-this", ZERO)
    ]
    assert forge.publish(repository, workshop.change(branch="factory/other"))


# people


def test_people_push_merge_and_ship(forge: LocalForge, repository: Repository, workshop: Workshop, clone: Path) -> None:
    edit(clone, ANN)
    assert push(clone, "origin", "HEAD:main", "HEAD:refs/tags/v1", "HEAD:refs/heads/release/1.0", **ANN).returncode == 0
    head = forge.publish(repository, workshop.change())
    opened = forge.open_pull_request(repository, workshop.request(head))
    merged = forge.end_pull_request(repository, opened.number, merge=True, actor="Ann Lee", reason="good")
    assert git(Path(repository.remote), "rev-parse", "main") == merged.merge_sha
    assert forge.refused_pushes("demo") == []


def test_the_base_still_follows_its_source(forge: LocalForge, repository: Repository, workshop: Workshop) -> None:
    newer = commit(workshop.source, {"more": "x"})
    assert forge.fetch(repository, "main") == newer


@pytest.mark.parametrize("who", [ANN, {**ANN, "FACTORY_ACTOR": "Ann"}])
@pytest.mark.parametrize("words", [("-f", "HEAD~:main"), ("-d", "main"), ("-d", "release/1.0")])
def test_nobody_rewinds_or_removes_a_protected_branch(
    forge: LocalForge, repository: Repository, clone: Path, who: dict[str, str], words: tuple[str, ...]
) -> None:
    edit(clone, ANN)
    git(Path(repository.remote), "config", "receive.denyDeleteCurrent", "ignore")
    assert push(clone, "origin", "HEAD:main", "HEAD:refs/heads/release/1.0", **ANN).returncode == 0
    before = references(repository)
    assert push(clone, "origin", *words, **who).returncode != 0
    assert references(repository) == before
    assert "protected branch" in forge.refused_pushes("demo")[0].reason


# the record


def test_a_hostile_actor_writes_one_harmless_line(forge: LocalForge, repository: Repository, clone: Path) -> None:
    edit(clone, ANN)
    actor = "factory\tx\nfactory\x1b[2J$(touch /tmp/pwned)`id`%s%n" + "y" * 500
    assert push(clone, "origin", "HEAD:main", **{**ANN, "FACTORY_ACTOR": actor}).returncode != 0
    (line,) = forge.refused_pushes("demo")
    assert len(line.actor) <= 200
    assert line.actor.isprintable()


def test_the_record_is_bounded_and_survives_damage(forge: LocalForge, repository: Repository, clone: Path) -> None:
    edit(clone, BOT)
    record = Path(repository.remote) / RECORD
    record.write_bytes(b"torn\tline\n\xff\xfe\n")
    push(clone, "origin", "HEAD:main", **BOT)
    assert len(forge.refused_pushes("demo")) == 1
    record.write_bytes(b"x\n" * 600_000)
    assert push(clone, "origin", "HEAD:main", **BOT).returncode != 0
    assert record.stat().st_size == 1_200_000


# races, crashes, repairs


def test_many_pushes_at_once_move_nothing_they_may_not(forge: LocalForge, repository: Repository, clone: Path) -> None:
    edit(clone, BOT)
    tip, base = git(clone, "rev-parse", "HEAD", "HEAD~").split()
    targets = [target for number in range(6) for target in ("main", f"refs/heads/factory/T-{number}")]
    with ThreadPoolExecutor(12) as pool:
        codes = list(pool.map(lambda target: push(clone, "origin", f"HEAD:{target}", **BOT).returncode, targets))
    assert [code == 0 for code in codes] == [False, True] * 6
    assert git(Path(repository.remote), "rev-parse", "main") == base
    assert {one.new for one in forge.refused_pushes("demo")} == {tip}
    assert len(forge.refused_pushes("demo")) == 6


@pytest.mark.parametrize("seconds", [0.005, 0.02, 0.05])
def test_a_killed_push_moves_nothing_and_the_next_one_works(
    forge: LocalForge, repository: Repository, workshop: Workshop, clone: Path, seconds: float
) -> None:
    base = edit(clone, BOT, "y" * 5_000_000)
    with subprocess.Popen(
        ["git", "push", "-q", "origin", "HEAD:main"],
        cwd=clone,
        env={**ENV, **BOT},
        start_new_session=True,
        stderr=subprocess.DEVNULL,
    ) as process:
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, 9)
    assert git(Path(repository.remote), "rev-parse", "main") == git(clone, "rev-parse", f"{base}~")
    assert forge.publish(repository, workshop.change())
    assert push(clone, "origin", "HEAD:main", **BOT).returncode != 0


@pytest.mark.parametrize("damage", ["removed", "emptied", "not executable", "another path", "no setting"])
def test_a_hook_that_was_damaged_is_repaired_by_the_next_publish(
    forge: LocalForge, repository: Repository, workshop: Workshop, clone: Path, damage: str
) -> None:
    bare = Path(repository.remote)
    hook = bare / FOLDER / "pre-receive"
    match damage:
        case "removed":
            hook.unlink()
        case "emptied":
            hook.write_bytes(b"")
        case "not executable":
            hook.chmod(0o644)
        case "another path":
            git(bare, "config", "core.hooksPath", "/nonexistent")
        case _:
            git(bare, "config", "--unset", "core.hooksPath")
    forge.publish(repository, workshop.change())
    edit(clone, BOT)
    assert push(clone, "origin", "HEAD:main", **BOT).returncode != 0


def test_a_moved_forge_keeps_its_protection(
    forge: LocalForge, repository: Repository, clone: Path, tmp_path: Path
) -> None:
    edit(clone, BOT)
    (tmp_path / "forge").rename(tmp_path / "elsewhere")
    done = push(clone, str(tmp_path / "elsewhere/demo.git"), "HEAD:main", **BOT)
    assert done.returncode != 0
    assert len(LocalForge(tmp_path / "elsewhere").refused_pushes("demo")) == 1


def test_branches_people_added_stay_protected(forge: LocalForge, repository: Repository, workshop: Workshop) -> None:
    bare = Path(repository.remote)
    git(bare, "config", "--add", "factory.protected", "ours")
    forge.enrol("demo", str(workshop.source), None)
    forge.publish(repository, workshop.change(question))
    assert git(bare, "config", "--get-all", "factory.protected").split() == ["main", "release/*", "stable", "ours"]
