"""What every forge must do. Subclass it and give the `forge` fixture."""

from pathlib import Path

import pytest

from adapters.forge.contract import Forge
from domain.errors import (
    ForgeFenced,
    ForgeRefused,
    PatchDoesNotApply,
    RepositoryDiverged,
    RepositoryInvalid,
    TreeMismatch,
)
from domain.forge import PullRequest, PullRequestState
from domain.repositories import Repository
from tests.adapters.forge.edits import EDITS
from tests.adapters.forge.workshop import Workshop, commit, git, question


class ForgeConformance:
    @pytest.fixture
    def workshop(self, tmp_path: Path) -> Workshop:
        return Workshop(tmp_path / "workshop")

    @pytest.fixture
    def forge(self, tmp_path: Path) -> Forge:
        raise NotImplementedError

    @pytest.fixture
    def repository(self, forge: Forge, workshop: Workshop) -> Repository:
        remote, base = forge.enrol("demo", workshop.address, None)
        assert base == "main"
        return workshop.repository(remote)

    @pytest.fixture
    def bare(self, repository: Repository) -> Path:
        """The forge's own git repository, as everybody sees it."""
        return Path(repository.remote)

    def merger(self, actor: str) -> str:
        """The name under which the forge shows a person's merge."""
        return actor

    @pytest.fixture
    def opened(self, forge: Forge, repository: Repository, workshop: Workshop) -> PullRequest:
        head = forge.publish(repository, workshop.change())
        return forge.open_pull_request(repository, workshop.request(head))

    # enrol and fetch

    def test_the_remote_can_be_cloned_and_stands_on_the_base(self, repository, workshop, tmp_path):
        git(tmp_path, "clone", "-q", repository.remote, "clone")
        assert git(tmp_path / "clone", "rev-parse", "main") == workshop.base_sha

    def test_enrolling_twice_gives_the_same_and_brings_it_up_to_date(self, forge, repository, workshop):
        newer = commit(workshop.source, {"more": "x"})
        assert forge.enrol("demo", workshop.address, "main") == (repository.remote, "main")
        assert forge.fetch(repository, "main") == newer

    def test_fetch_follows_the_source_forward_and_repeats(self, forge, repository, workshop, bare):
        newer = commit(workshop.source, {"more": "x"})
        assert [forge.fetch(repository, "main") for _ in range(2)] == [newer, newer]
        assert git(bare, "rev-parse", "main") == newer

    def test_fetch_keeps_what_is_newer_in_the_forge(self, forge, repository, workshop, opened):
        merged = forge.end_pull_request(repository, opened.number, merge=True, actor="ann", reason="good")
        assert forge.fetch(repository, "main") == merged.merge_sha

    def test_fetch_refuses_to_choose_between_two_histories(self, forge, repository, workshop, opened):
        forge.end_pull_request(repository, opened.number, merge=True, actor="ann", reason="good")
        commit(workshop.source, {"more": "x"})
        for _ in range(2):
            with pytest.raises(RepositoryDiverged):
                forge.fetch(repository, "main")

    def test_a_base_branch_that_is_gone_is_invalid(self, forge, repository, workshop):
        git(workshop.source, "branch", "-m", "main", "trunk")
        with pytest.raises(RepositoryInvalid, match="no branch 'main'"):
            forge.fetch(repository, "main")

    # reading

    def test_it_reads_a_file_of_a_commit(self, forge, repository, workshop):
        assert forge.read_file(repository, workshop.base_sha, "README.md", limit=100) == "# demo\n"

    @pytest.mark.parametrize("path", ["absent", "src", "src/", "../README.md", "/README.md", "", ".", "a\0b", ":(top)README.md"])  # fmt: skip
    def test_it_reads_nothing_where_no_file_is(self, forge, repository, workshop, path):
        assert forge.read_file(repository, workshop.base_sha, path, limit=100) is None

    def test_it_follows_no_link_when_reading(self, forge, repository, workshop):
        (workshop.source / "link").symlink_to("README.md")
        (workshop.source / "folder").symlink_to("src")
        linked = commit(workshop.source, {})
        forge.fetch(repository, "main")
        assert forge.read_file(repository, linked, "link", limit=100) is None
        assert forge.read_file(repository, linked, "folder/app.py", limit=100) is None

    def test_it_refuses_to_read_what_is_too_long_or_no_text(self, forge, repository, workshop):
        newer = commit(workshop.source, {"nul": b"a\0b"})
        forge.fetch(repository, "main")
        assert forge.read_file(repository, newer, "README.md", limit=7) is not None
        for path, limit in (("README.md", 6), ("blob", 1000), ("nul", 1000)):
            with pytest.raises(ForgeRefused):
                forge.read_file(repository, newer, path, limit=limit)
        with pytest.raises(ForgeRefused, match="not a commit"):
            forge.read_file(repository, "0" * 40, "README.md", limit=100)

    # publish

    @pytest.mark.parametrize("kind", EDITS)
    def test_every_kind_of_change_replays_to_its_tree(self, forge, repository, workshop, kind, bare):
        change = workshop.change(EDITS[kind])
        head = forge.publish(repository, change)
        assert git(bare, "rev-parse", f"{head}^{{tree}}") == change.patch.tree_sha
        assert git(bare, "rev-parse", "refs/heads/factory/T-1", f"{head}^").split() == [head, workshop.base_sha]

    def test_publishing_again_gives_the_same_commit(self, forge, repository, workshop):
        change = workshop.change()
        assert forge.publish(repository, change) == forge.publish(repository, change)

    def test_the_commit_is_the_bots_and_says_what_it_was_told(self, forge, repository, workshop, bare):
        change = workshop.change()
        head = forge.publish(repository, change)
        told = git(bare, "show", "-s", "--format=%an <%ae>|%cn <%ce>|%at|%B", head).split("|")
        assert told[0] == told[1] == "Software Factory <factory-bot@localhost>"
        assert told[2] == str(int(change.authored_at.timestamp()))
        assert told[3].strip() == change.message.strip()

    @pytest.mark.parametrize("branch", ["main", "feature", "factory", "factory/", "factory/a..b", "factory/-x.lock", "factory/a b", "factory/../main", "-factory/x"])  # fmt: skip
    def test_it_publishes_only_below_factory(self, forge, repository, workshop, branch):
        with pytest.raises(ForgeRefused):
            forge.publish(repository, workshop.change(branch=branch))

    def test_a_base_below_factory_is_still_refused(self, forge, repository, workshop):
        with pytest.raises(ForgeRefused, match="base branch"):
            forge.publish(repository, workshop.change(branch="factory/x", base="factory/x"))

    def test_another_tickets_branch_is_refused(self, forge, repository, workshop, opened):
        with pytest.raises(ForgeRefused, match="belongs to ticket T-1"):
            forge.publish(repository, workshop.change(ticket_id="T-2", run_id="run-2", fence=9))

    def test_a_new_branch_name_replaces_the_tickets_former_one(self, forge, repository, workshop, opened, bare):
        forge.publish(repository, workshop.change(branch="factory/renamed", fence=2))
        branches = git(bare, "branch", "--format=%(refname:short)", "--list", "factory/*")
        assert branches == "factory/renamed"

    @pytest.mark.parametrize(
        "content", [b"", b"nonsense\n", b"diff --git a/x b/x\n--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\n+b\n"]
    )
    def test_a_corrupt_patch_does_not_apply(self, forge, repository, workshop, content):
        with pytest.raises(PatchDoesNotApply):
            forge.publish(repository, self._with_patch(workshop, content))
        assert forge.find_pull_request(repository, "T-1") is None

    @pytest.mark.parametrize("path", ["../escape", ".git/hooks/post-checkout", "/tmp/escape", "a/../../b"])
    def test_a_patch_that_leaves_the_tree_does_not_apply(self, forge, repository, workshop, path):
        patch = f"diff --git a/{path} b/{path}\nnew file mode 100755\n--- /dev/null\n+++ b/{path}\n@@ -0,0 +1 @@\n+x\n"
        with pytest.raises((PatchDoesNotApply, TreeMismatch)):
            forge.publish(repository, self._with_patch(workshop, patch.encode()))

    def test_another_tree_than_the_one_tested_is_refused(self, forge, repository, workshop):
        change = workshop.change()
        other = change.patch.model_copy(update={"tree_sha": "1" * 40})
        with pytest.raises(TreeMismatch):
            forge.publish(repository, change.model_copy(update={"patch": other}))

    def test_other_bytes_than_the_ones_validated_are_refused(self, forge, repository, workshop):
        change = workshop.change()
        Path(change.patch_path).write_bytes(workshop.edit(question)[0])
        with pytest.raises(TreeMismatch, match="bytes"):
            forge.publish(repository, change)

    def test_a_huge_patch_is_published(self, forge, repository, workshop):
        huge = "".join(f"line {number} of many\n" for number in range(400_000))
        change = workshop.change(lambda work: (work / "huge.txt").write_text(huge))
        head = forge.publish(repository, change)
        assert forge.open_pull_request(repository, workshop.request(head)).head_sha == head

    # pull requests

    def test_opening_again_changes_nothing(self, forge, repository, workshop, opened):
        assert forge.open_pull_request(repository, workshop.request(opened.head_sha)) == opened
        assert forge.find_pull_request(repository, "T-1") == opened

    def test_opening_with_other_words_updates_in_place(self, forge, repository, workshop, opened):
        again = forge.open_pull_request(repository, workshop.request(opened.head_sha, title="Better", fence=2))
        assert (again.number, again.title, again.fence) == (opened.number, "Better", 2)
        assert again.created_at == opened.created_at

    def test_tickets_have_pull_requests_of_their_own(self, forge, repository, workshop, opened):
        head = forge.publish(repository, workshop.change(ticket_id="T-2", branch="factory/T-2"))
        second = forge.open_pull_request(repository, workshop.request(head, ticket_id="T-2", branch="factory/T-2"))
        assert second.number != opened.number
        assert forge.find_pull_request(repository, "T-2") == second
        assert forge.find_pull_request(repository, "T-3") is None

    def test_a_head_that_is_not_published_is_refused(self, forge, repository, workshop, opened):
        with pytest.raises(ForgeRefused):
            forge.open_pull_request(repository, workshop.request(workshop.base_sha))
        assert forge.find_pull_request(repository, "T-1") == opened

    def test_a_request_for_another_repository_is_refused(self, forge, repository, workshop, opened):
        with pytest.raises(ForgeRefused):
            forge.open_pull_request(repository, workshop.request(opened.head_sha, repository="other"))
        with pytest.raises(ForgeRefused):
            forge.publish(repository, workshop.change(repository="other"))

    def test_an_older_fence_changes_nothing(self, forge, repository, workshop, bare):
        head = forge.publish(repository, workshop.change(fence=5))
        opened = forge.open_pull_request(repository, workshop.request(head, fence=5))
        with pytest.raises(ForgeFenced):
            forge.publish(repository, workshop.change(question, fence=4))
        with pytest.raises(ForgeFenced):
            forge.open_pull_request(repository, workshop.request(head, fence=4, title="stale"))
        assert git(bare, "rev-parse", "refs/heads/factory/T-1") == head
        assert forge.find_pull_request(repository, "T-1") == opened

    def test_a_fence_holds_even_before_the_newer_run_opened_anything(self, forge, repository, workshop):
        head = forge.publish(repository, workshop.change(fence=5))
        with pytest.raises(ForgeFenced):
            forge.open_pull_request(repository, workshop.request(head, fence=4))
        assert forge.find_pull_request(repository, "T-1") is None

    def test_fences_of_tickets_are_apart(self, forge, repository, workshop):
        forge.publish(repository, workshop.change(fence=5))
        forge.publish(repository, workshop.change(ticket_id="T-2", branch="factory/T-2", fence=1))

    @pytest.mark.parametrize("merge", [True, False])
    def test_after_the_end_only_a_newer_fence_opens_another(self, forge, repository, workshop, opened, merge):
        ended = forge.end_pull_request(repository, opened.number, merge=merge, actor="ann", reason="done")
        assert forge.open_pull_request(repository, workshop.request(opened.head_sha)) == ended
        head = forge.publish(repository, workshop.change(question, fence=1))
        with pytest.raises(ForgeRefused):
            forge.open_pull_request(repository, workshop.request(head))
        second = forge.open_pull_request(repository, workshop.request(head, fence=2))
        assert (second.number, second.state) == (opened.number + 1, PullRequestState.OPEN)
        assert forge.find_pull_request(repository, "T-1") == second

    # merge and close

    def test_a_merge_is_a_persons_commit_and_repeats(self, forge, repository, opened, bare):
        merged = forge.end_pull_request(repository, opened.number, merge=True, actor="Ann Lee", reason="good")
        again = forge.end_pull_request(repository, opened.number, merge=True, actor="Bob", reason="again")
        assert again == merged
        assert (merged.state, merged.merged_by) == (PullRequestState.MERGED, self.merger("Ann Lee"))
        assert git(bare, "rev-parse", "main") == merged.merge_sha
        assert (
            git(bare, "show", "-s", "--format=%an|%P", "main")
            == f"{self.merger('Ann Lee')}|{opened.base_sha} {opened.head_sha}"
        )

    def test_a_moved_base_is_merged_and_conflicts_are_refused(self, forge, repository, workshop, opened):
        commit(workshop.source, {"other.txt": "elsewhere\n"})
        forge.fetch(repository, "main")
        merged = forge.end_pull_request(repository, opened.number, merge=True, actor="ann", reason="good")
        assert forge.read_file(repository, merged.merge_sha, "other.txt", limit=99) == "elsewhere\n"
        assert "42" in forge.read_file(repository, merged.merge_sha, "src/app.py", limit=99)

    def test_conflicts_are_refused_by_name_and_change_nothing(self, forge, repository, workshop, opened, bare):
        newer = commit(workshop.source, {"src/app.py": "def answer():\n    return None\n"})
        forge.fetch(repository, "main")
        for _ in range(2):
            with pytest.raises(ForgeRefused, match=r"src/app\.py"):
                forge.end_pull_request(repository, opened.number, merge=True, actor="ann", reason="good")
        assert git(bare, "rev-parse", "main") == newer
        assert forge.find_pull_request(repository, "T-1") == opened

    @pytest.mark.parametrize("actor", ["factory", "factory-bot", "Factory", "Software Factory", "factory-bot@localhost", "factory:run-1", "", " "])  # fmt: skip
    def test_the_factory_does_not_merge(self, forge, repository, workshop, opened, actor, bare):
        with pytest.raises(ForgeRefused):
            forge.end_pull_request(repository, opened.number, merge=True, actor=actor, reason="good")
        assert git(bare, "rev-parse", "main") == workshop.base_sha

    @pytest.mark.parametrize("actor", ["ann", "bob@factory.example", "Max Factoryman", "x <y>\nz"])
    def test_people_merge_whatever_they_are_called(self, forge, repository, opened, actor):
        merged = forge.end_pull_request(repository, opened.number, merge=True, actor=actor, reason="good")
        assert merged.state is PullRequestState.MERGED

    def test_closing_repeats_and_leaves_the_base(self, forge, repository, workshop, opened, bare):
        closed = forge.end_pull_request(repository, opened.number, merge=False, actor="ann", reason="no")
        assert forge.end_pull_request(repository, opened.number, merge=False, actor="ann", reason="no") == closed
        assert closed.state is PullRequestState.CLOSED
        assert git(bare, "rev-parse", "main") == workshop.base_sha

    def test_what_has_ended_does_not_end_another_way(self, forge, repository, opened):
        forge.end_pull_request(repository, opened.number, merge=False, actor="ann", reason="no")
        with pytest.raises(ForgeRefused):
            forge.end_pull_request(repository, opened.number, merge=True, actor="ann", reason="yes")
        with pytest.raises(ForgeRefused, match="no pull request"):
            forge.end_pull_request(repository, 99, merge=True, actor="ann", reason="yes")

    def test_a_head_that_moved_since_is_not_merged(self, forge, repository, workshop, opened):
        forge.publish(repository, workshop.change(question, fence=2))
        with pytest.raises(ForgeRefused, match="moved"):
            forge.end_pull_request(repository, opened.number, merge=True, actor="ann", reason="good")

    @staticmethod
    def _with_patch(workshop: Workshop, content: bytes):
        change = workshop.change()
        artifact, path = workshop.artifact(content, "bad.patch")
        return change.model_copy(
            update={"patch": change.patch.model_copy(update={"artifact": artifact}), "patch_path": path}
        )
