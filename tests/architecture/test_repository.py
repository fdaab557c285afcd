"""Commit messages have the conventional form; no secret, machine path or index address is in the tree."""

import re

import pytest

from tests.architecture.places import ROOT, git, tracked

CONVENTIONAL = re.compile(
    r"^(feat|fix|docs|test|refactor|perf|build|ci|chore|style|revert)(\([a-z0-9_/-]+\))?!?: \S.{0,98}$"
)
#: private keys, cloud and forge tokens; written so that this file does not match itself
SECRETS = [
    re.compile("-----BEGIN [A-Z ]*PRIVATE" + " KEY"),
    re.compile(r"\bAKIA[0-9A-Z]{16}\b"),
    re.compile(r"\bgh[pousr]_[A-Za-z0-9]{30,}"),
    re.compile(r"\bglpat-[A-Za-z0-9_-]{20,}"),
    re.compile(r"\bxox[abp]-[0-9A-Za-z-]{20,}"),
    re.compile(r"\bsk-[A-Za-z0-9]{32,}"),
]
MACHINE = [
    re.compile(r"(?<![\w.}])" + "/(root|work|Users)/" + r"[a-zA-Z.]"),
    re.compile("/home/" + r"(?!factory|agent|sandbox|user|you)[a-z]+/"),
    re.compile("(index-url|find-links|extra-index)" + r"[ =]+(?!https://\w+\.test/)\S*:/"),
]


def commit_is_conventional(subject: str) -> bool:
    return bool(CONVENTIONAL.match(subject))


def test_commit_messages_have_the_conventional_form():
    subjects = git("log", "--no-merges", "--format=%s").splitlines()
    assert [subject for subject in subjects if not commit_is_conventional(subject)] == []


@pytest.mark.parametrize("subject", ["update stuff", "feat add", "Feat: x", "fix:", "fix: " + "x" * 120])
def test_planted_commit_message_is_refused(subject: str):
    assert not commit_is_conventional(subject)


def texts() -> list[tuple[str, str]]:
    found = []
    for path in tracked():
        content = path.read_bytes()
        if b"\0" not in content:
            found.append((path.relative_to(ROOT).as_posix(), content.decode()))
    return found


def test_no_secret_in_the_tree():
    """Tests of the scanner carry made-up secrets, so only what is outside of tests is held to this."""
    assert [
        name for name, text in texts() if not name.startswith("tests/") for one in SECRETS if one.search(text)
    ] == []


def test_no_machine_path_or_index_address_in_the_tree():
    assert [name for name, text in texts() for one in MACHINE if one.search(text)] == []


@pytest.mark.parametrize("text", ["AKIA" + "A" * 16, "ghp_" + "a" * 36, "-----BEGIN RSA PRIVATE" + " KEY-----"])
def test_planted_secret_is_found(text: str):
    assert any(one.search(text) for one in SECRETS)
