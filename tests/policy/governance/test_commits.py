"""What git says of real commits, hostile subjects too."""

import subprocess

import pytest

from policy.governance.commits import LOG_FORMAT, parse_log


@pytest.fixture
def git(tmp_path, monkeypatch):
    for role in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{role}_NAME", "bot")
        monkeypatch.setenv(f"GIT_{role}_EMAIL", f"{role.lower()}@localhost")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", "/dev/null")

    def run(*words: str) -> str:
        return subprocess.run(["git", "-C", tmp_path, *words], capture_output=True, text=True, check=True).stdout

    run("init", "-q")
    return run


def commit(git, message: str) -> None:
    git("commit", "-q", "--allow-empty", "--cleanup=verbatim", "-m", message)


def log(git):
    return parse_log(git("log", "-z", f"--format={LOG_FORMAT}"))


def test_trailers_lead_to_ticket_and_run(git) -> None:
    commit(git, "feat: one\n\nText.\n\nFactory-Ticket: T-1\nFactory-Run: T-1-r1\n")
    commit(git, "fix: by hand\n\nFactory-Ticket: T-9 is named in prose\n\nand more prose\n")
    commit(git, "two\n\nFactory-Ticket: T-1\nFactory-Ticket: T-2\nFactory-Run: r\n")
    two, by_hand, one = log(git)
    assert (one.subject, one.ticket_id, one.run_id) == ("feat: one", "T-1", "T-1-r1")
    assert (one.author, one.committer) == ("author@localhost", "committer@localhost")
    assert (by_hand.ticket_id, by_hand.run_id) == (None, None)
    assert (two.ticket_id, two.run_id) == (None, "r")


def test_no_commits_are_no_facts() -> None:
    assert parse_log("") == ()


def test_a_subject_cannot_pass_for_another_commit(git) -> None:
    commit(git, "feat\x1e" + "a" * 40 + "\n\nFactory-Ticket: T-1\n")
    with pytest.raises(ValueError, match="a commit of"):
        log(git)


@pytest.mark.parametrize("text", ["\x1enonsense", "\x1e" + "\0".join(["x"] * 6), "\x1e" + "\0" * 9])
def test_what_git_never_writes_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        parse_log(text)
