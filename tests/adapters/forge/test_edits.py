"""What people made of a proposal, by whatever kind of merge it came into the base; real git throughout."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters._vendor.git import Git
from adapters.forge.edits import count_lines, edits_of
from domain.errors import ForgeRefused
from domain.forge import Edits, PullRequest, PullRequestState
from tests.adapters.forge.workshop import commit, git

PROPOSED = "def answer():\n    return 42\n"


@pytest.fixture
def opened(forge, repository, workshop) -> PullRequest:
    return forge.open_pull_request(repository, workshop.request(forge.publish(repository, workshop.change())))


@pytest.fixture
def clone(repository, opened, tmp_path) -> Path:
    """A person's clone, on the pull request's branch."""
    git(tmp_path, "clone", "-q", repository.remote, "clone")
    git(tmp_path / "clone", "checkout", "-q", opened.branch)
    return tmp_path / "clone"


def edit(clone: Path, **files: str | bytes) -> None:
    commit(clone, {name.replace("__", "/").replace("_py", ".py"): content for name, content in files.items()})


def bring(clone: Path, *how: str) -> None:
    """Merge the branch as a person does, and push branch and base."""
    branch = git(clone, "branch", "--show-current")
    git(clone, "checkout", "-q", "main")
    git(clone, "merge", "-q", *how, branch)
    git(clone, "push", "-q", "origin", "main", branch)


def ship(forge, repository, opened) -> PullRequest:
    return forge.end_pull_request(repository, opened.number, merge=True, actor="bob", reason="good")


def test_what_is_merged_as_proposed_has_no_edits(forge, repository, opened):
    merged = ship(forge, repository, opened)
    assert merged.edits == Edits(differing=0, merged=2)
    assert merged.edits.rate == 0.0
    assert ship(forge, repository, opened) == merged
    assert forge.find_pull_request(repository, "T-1") == merged


def test_a_base_that_moved_is_nobodys_edit(forge, repository, opened, workshop):
    commit(workshop.source, {"other.txt": "elsewhere\n" * 50})
    forge.fetch(repository, "main")
    assert ship(forge, repository, opened).edits == Edits(differing=0, merged=2)


def test_a_persons_commit_counts_by_its_lines(forge, repository, opened, clone):
    edit(clone, src__app_py=PROPOSED + "# it is\n# really\n")
    bring(clone, "--no-ff")
    merged = ship(forge, repository, opened)
    assert merged.edits == Edits(differing=2, merged=4)
    assert (merged.state, merged.merged_by) == (PullRequestState.MERGED, "Ann")
    assert merged.merge_sha == git(Path(repository.remote), "rev-parse", "main")


def test_later_work_on_the_base_does_not_count(forge, repository, opened, clone):
    edit(clone, src__app_py=PROPOSED + "# it is\n# really\n")
    bring(clone, "--no-ff")
    arrived = git(clone, "rev-parse", "HEAD")
    edit(clone, src__app_py="nothing is left\n", later="x\n" * 90)
    git(clone, "push", "-q", "origin", "main")
    merged = ship(forge, repository, opened)
    assert (merged.merge_sha, merged.edits) == (arrived, Edits(differing=2, merged=4))


@pytest.mark.parametrize(
    ("content", "edits"),
    [
        ("def answer():\n    return 7\n", Edits(differing=2, merged=2)),  # another line in its place
        ("def answer():\n    return 41\n", Edits(differing=2, merged=0)),  # as it was before
    ],
)
def test_nothing_of_it_left_is_all_theirs(forge, repository, opened, clone, content, edits):
    edit(clone, src__app_py=content)
    bring(clone, "--no-ff")
    merged = ship(forge, repository, opened)
    assert (merged.edits, merged.edits.rate) == (edits, 1.0)


def test_a_branch_that_was_only_wound_forward(forge, repository, opened, clone):
    edit(clone, src__app_py=PROPOSED + "# it is\n# really\n")
    bring(clone, "--ff-only")
    merged = ship(forge, repository, opened)
    assert merged.edits == Edits(differing=2, merged=4)
    assert merged.merge_sha == git(Path(repository.remote), "rev-parse", opened.branch)


def test_the_base_wound_forward_to_the_proposal_alone(forge, repository, opened):
    git(Path(repository.remote), "update-ref", "refs/heads/main", opened.head_sha)
    merged = ship(forge, repository, opened)
    assert (merged.merge_sha, merged.edits) == (opened.head_sha, Edits(differing=0, merged=2))


def test_a_branch_brought_up_to_date_by_a_person_is_not_their_writing(forge, repository, opened, clone, workshop):
    commit(workshop.source, {"other.txt": "elsewhere\n" * 50})
    forge.fetch(repository, "main")
    git(clone, "fetch", "-q", "origin")
    git(clone, "merge", "-q", "--no-edit", "origin/main")
    edit(clone, src__app_py=PROPOSED + "# it is\n")
    git(clone, "branch", "-f", "main", "origin/main")
    bring(clone, "--no-ff")
    assert ship(forge, repository, opened).edits == Edits(differing=1, merged=3)


def test_a_conflict_that_people_settled_is_theirs(forge, repository, opened, clone, workshop):
    commit(workshop.source, {"src/app.py": "def answer():\n    return None\n"})
    forge.fetch(repository, "main")
    git(clone, "fetch", "-q", "origin")
    git(clone, "branch", "-f", "main", "origin/main")
    git(clone, "merge", "-q", "--strategy=ours", "-m", "ours", "origin/main")
    bring(clone, "--no-ff")
    edits = ship(forge, repository, opened).edits
    assert edits.differing > 0
    assert edits.merged == 2
    assert edits.rate == 1.0


def test_what_git_cannot_count_by_lines_counts_one_a_file(forge, repository, opened, clone):
    edit(clone, **{"picture": bytes(range(256)) * 9, "blob": bytes(range(255, -1, -1))})
    git(clone, "mv", "README.md", "READ.md")
    (clone / "src/app.py").chmod(0o755)
    edit(clone)
    bring(clone, "--no-ff")
    assert ship(forge, repository, opened).edits == Edits(differing=4, merged=5)  # the mode is of a file with two lines


def test_no_file_of_the_change_says_how_its_lines_are_counted(forge, repository, opened, clone):
    edit(clone, **{".gitattributes": "* binary -diff\n", "more": "1\n2\n3\n"})
    bring(clone, "--no-ff")
    assert ship(forge, repository, opened).edits == Edits(differing=4, merged=6)


def test_names_cannot_confuse_the_count(forge, repository, opened, clone):
    commit(clone, {"a\tb\nc": "1\n", "1\t2\t": "1\n2\n", "-\t-\tx": "1\n", "\udcff".encode(errors="surrogateescape").decode(errors="replace"): "1\n"})  # fmt: skip
    bring(clone, "--no-ff")
    assert ship(forge, repository, opened).edits == Edits(differing=5, merged=7)


def test_a_commit_on_the_branch_that_nobody_merged_is_refused_and_one_merged_by_hand_is_not(
    forge, repository, opened, clone
):
    edit(clone, src__app_py=PROPOSED + "# it is\n")
    git(clone, "push", "-q", "origin", opened.branch)
    with pytest.raises(ForgeRefused, match="moved"):
        ship(forge, repository, opened)
    assert forge.find_pull_request(repository, "T-1") == opened
    bring(clone, "--no-ff")
    assert ship(forge, repository, opened).edits == Edits(differing=1, merged=3)


def test_a_branch_put_back_on_the_base_is_no_merge(forge, repository, opened, clone):
    git(clone, "push", "-q", "--force", "origin", f"origin/main:{opened.branch}")
    with pytest.raises(ForgeRefused, match="moved"):
        ship(forge, repository, opened)


def test_more_on_the_branch_after_the_proposal_was_merged_is_not_merged(forge, repository, opened, clone):
    bring(clone, "--no-ff")
    git(clone, "checkout", "-q", opened.branch)
    edit(clone, src__app_py=PROPOSED + "# it is\n")
    git(clone, "push", "-q", "origin", opened.branch)
    with pytest.raises(ForgeRefused, match="moved"):
        ship(forge, repository, opened)


def test_a_closed_pull_request_has_no_edits(forge, repository, opened):
    closed = forge.end_pull_request(repository, opened.number, merge=False, actor="ann", reason="no")
    assert closed.edits is None


def squashed(clone: Path, opened: PullRequest) -> str:
    edit(clone, src__app_py=PROPOSED + "# it is\n# really\n")
    git(clone, "checkout", "-q", "main")
    edit(clone, before="1\n")
    git(clone, "merge", "-q", "--squash", opened.branch)
    git(clone, "commit", "-q", "-m", "squashed")
    git(clone, "push", "-q", "origin", "main")
    return git(clone, "rev-parse", "HEAD")


def test_a_squash_is_compared_as_a_merge_is(repository, opened, clone, tmp_path):
    merged = squashed(clone, opened)
    bare = Git(tmp_path / "home", Path(repository.remote))
    assert edits_of(bare, opened.base_sha, opened.head_sha, merged) == Edits(differing=2, merged=4)


@pytest.mark.parametrize("merged", ["0" * 40, "", "--output=x", "refs/heads/none", "x" * 100_000])
def test_what_git_cannot_tell_is_not_known(repository, opened, tmp_path, merged):
    bare = Git(tmp_path / "home", Path(repository.remote))
    assert edits_of(bare, opened.base_sha, opened.head_sha, merged) is None
    assert not (tmp_path / "x").exists()


def test_an_unknown_rate_does_not_stop_a_merge(forge, repository, opened, monkeypatch):
    monkeypatch.setattr("adapters.forge.edits._DIFF", ("diff-tree", "--nonsense"))
    merged = ship(forge, repository, opened)
    assert (merged.state, merged.edits) == (PullRequestState.MERGED, None)


@pytest.mark.parametrize(
    ("told", "lines"),
    [
        (b"", 0),
        (b"1\t2\ta\0", 3),
        (b"-\t-\ta\0", 1),
        (b"0\t0\ta\0", 1),
        (b"1\t1\t\0old\0new\0" + b"0\t0\t\0a\0b\0", 3),
        (b"1\t0\ta\tb\n\xff\0", 1),
        (b"2\t0\t\x001\t2\tx\x003\t4\ty\0", 2),
    ],
)
def test_lines_are_read_as_git_writes_them(told: bytes, lines: int) -> None:
    assert count_lines(told) == lines


@given(st.integers(0, 10**9), st.integers(0, 10**9))
def test_a_rate_is_a_share(differing: int, merged: int) -> None:
    rate = Edits(differing=differing, merged=merged).rate
    assert 0 <= rate <= 1
    assert (rate == 0) is (differing == 0)
    assert (rate == 1) is (differing > 0 and differing >= merged)
