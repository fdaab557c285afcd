"""Rules that look at whose change it is: branches of the factory, their scope, their commits."""

import os

import pytest

from domain.changes import Author
from domain.governance import Verdict
from resources.governance.checkout import FORGE, mirror_checkout, with_checkout
from resources.governance.subject import Subject
from resources.governance.verdict import govern
from resources.settings import load_settings
from resources.wiring import open_factory
from tests.support.factory import enrol
from tests.support.repositories import commit, git, make_repository

BOT = {"EMAIL": "factory-bot@localhost", "NAME": "Software Factory"}
TRAILERS = "Tidy\n\nFactory-Ticket: T-1\nFactory-Run: T-1-r1\n"


@pytest.fixture
def told(tmp_path, monkeypatch):
    """Return what a rule says of files committed in the factory's name."""
    source = make_repository(tmp_path / "source")
    base = git(source, "rev-parse", "HEAD")
    factory = open_factory(load_settings(tmp_path / "home"), migrate=True)
    repository = enrol(factory, source)

    def judged(rule, files, message=TRAILERS, **subject) -> Verdict:
        commit(source, files, message)
        if message == TRAILERS:
            who = {f"GIT_{role}_{key}": value for role in ("AUTHOR", "COMMITTER") for key, value in BOT.items()}
            monkeypatch.setattr("tests.support.repositories.ENV", {**os.environ, **who})
            git(source, "commit", "-q", "--amend", "--no-edit", "--reset-author")
        found = mirror_checkout(factory.settings, source, "calc", base, "HEAD")
        here = repository.model_copy(update={"remote": str(found.remote), "forge": FORGE})
        asked = {"repository": here, "base_sha": found.base_sha, "head_sha": found.head_sha, "ticket_id": "T-1"}
        report = govern(
            with_checkout(factory, found),
            Subject(**asked, author=Author.FACTORY, rules=(rule,), **subject),
            lambda _: None,
        )
        return report.verdict

    return judged


def test_the_factorys_own_change_within_its_bounds(told):
    assert told("scope", {"src/a.py": "a = 1\n"}, allowed_scope=("src/*",)) is Verdict.PASS
    assert told("provenance", {"src/a.py": "a = 2\n"}) is Verdict.PASS
    assert told("protected", {"src/a.py": "a = 3\n"}) is Verdict.PASS


def test_and_out_of_them(told):
    assert told("scope", {"other.py": "a = 1\n"}, allowed_scope=("src/*",)) is Verdict.FAIL
    assert told("protected", {".github/CODEOWNERS": "* @me\n"}) is Verdict.FAIL


def test_commits_of_somebody_else_on_the_factorys_branch(told):
    assert told("provenance", {"a.py": "a = 1\n"}, message="Sneak in") is Verdict.FAIL
