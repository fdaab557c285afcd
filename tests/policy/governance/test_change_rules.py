"""Tests, scope, protected paths, size and provenance: a planted defect each, and its clean twin."""

import pytest

from domain.governance import Origin, Verdict
from policy.governance.protected import protected
from policy.governance.provenance import provenance
from policy.governance.rules_checks import tests as checks_rule
from policy.governance.rules_shape import size
from policy.governance.scope import scope
from policy.scopes import ScopeReport, scope_report
from tests.policy.governance.changes import BOT, POLICY, change, check, commit, excluding, file, ours


def with_paths(**told):
    return POLICY.model_copy(update={"paths": POLICY.paths.model_copy(update=told)})


def with_size(**told):
    return POLICY.model_copy(update={"size": POLICY.size.model_copy(update=told)})


@pytest.mark.parametrize(
    ("told", "expected", "words"),
    [
        ({}, Verdict.PASS, "passed"),
        ({"checks": ()}, Verdict.UNDETERMINED, "no check"),
        ({"checks": (check(code=1),)}, Verdict.FAIL, "exit code 1"),
        ({"checks": (check(code=None, reason="timed out"),)}, Verdict.FAIL, "timed out"),
        ({"checks": (check(), check("make test", 2))}, Verdict.FAIL, "make test"),
        ({"checks": (check(code=1),), "baseline": (check(code=1),)}, Verdict.UNDETERMINED, "names no tests"),
        (
            {"checks": (check(code=1, failed_tests=("a",)),), "baseline": (check(code=1, failed_tests=("a", "b")),)},
            Verdict.WARN,
            "only tests that fail on the base too",
        ),
        (
            {"checks": (check(code=1, failed_tests=("a", "new")),), "baseline": (check(code=1, failed_tests=("a",)),)},
            Verdict.FAIL,
            "newly fails: new",
        ),
    ],
)
def test_the_repositorys_checks(told: dict, expected: Verdict, words: str) -> None:
    ruling = checks_rule(change(**told), POLICY)
    assert ruling.verdict is expected
    assert words in ruling.message


def test_acceptance_items_are_no_checks_of_the_repository() -> None:
    accepted = check().model_copy(update={"origin": Origin.ACCEPTANCE})
    assert checks_rule(change(checks=(accepted,)), POLICY).verdict is Verdict.UNDETERMINED


def test_checks_are_told_with_their_ends() -> None:
    ruling = checks_rule(change(checks=(check(tests_run=9), check("make", 1, failed_tests=("x",)))), POLICY)
    assert ruling.evidence == ("repository: pytest: exit code 0, 9 tests", "repository: make: exit code 1, failing: x")


def test_an_excluded_check_does_not_count_and_is_no_pass_either() -> None:
    policy = excluding(rule="tests", finding="make slow")
    assert checks_rule(change(checks=(check(), check("make slow", 1))), policy).verdict is Verdict.PASS
    assert checks_rule(change(checks=(check("make slow", 1),)), policy).verdict is Verdict.UNDETERMINED


@pytest.mark.parametrize(
    ("files", "outside"),
    [
        ((file("src/a.py"),), ()),
        ((file("docs/x.md"),), ("docs/x.md",)),
        ((file("src/b.py", "R", old_path="lib/b.py"),), ("lib/b.py",)),
        ((file("lib/b.py", "R", old_path="src/b.py"),), ("lib/b.py",)),
        ((file("src/link", "A", mode="120000"),), ("src/link",)),
        ((file("src/module", "A", mode="160000"),), ("src/module",)),
        ((file("src/link", "D", mode="000000"),), ()),
        ((file("src/../etc"),), ("src/../etc",)),
        ((file("/src/a"),), ("/src/a",)),
        ((file("SRC/a.py"),), ("SRC/a.py",)),
    ],
)
def test_a_change_stays_in_its_scope(files, outside) -> None:
    ruling = scope(change(files=files, allowed_scope=("src/*",)), POLICY)
    assert ruling.verdict is (Verdict.FAIL if outside else Verdict.PASS)
    assert all(path in ruling.message for path in outside)
    warned = scope(change(files=files, allowed_scope=("src/*",)), with_paths(scope="warn"))
    assert warned.verdict is (Verdict.WARN if outside else Verdict.PASS)


def test_without_a_scope_there_is_nothing_to_judge() -> None:
    assert scope(change(), POLICY).verdict is Verdict.SKIP


def test_an_excluded_path_may_lie_outside_of_the_scope() -> None:
    facts = change(files=(file("CHANGELOG.md"),), allowed_scope=("src/*",))
    assert scope(facts, excluding(rule="scope", paths="CHANGELOG.md")).verdict is Verdict.PASS


def test_the_scope_report_names_every_path_exactly_once() -> None:
    files = (file("src/a.py"), file("src/b.py", "R", old_path="lib/b.py"), file("src/l", "A", mode="120000"))
    assert scope_report(files, ("src/*",)) == ScopeReport(
        inside=("src/a.py", "src/b.py"), outside=("lib/b.py", "src/l")
    )
    assert scope_report(files, ()) == ScopeReport(inside=("lib/b.py", "src/a.py", "src/b.py", "src/l"), outside=())


PROTECTED = [
    ".github/workflows/ci.yml", ".github/actions/x/action.yml", "CODEOWNERS", ".github/CODEOWNERS", "SECURITY.md",
    "security.md", ".factory.yaml", ".factory/governance.yaml", ".gitmodules",
]  # fmt: skip


@pytest.mark.parametrize("path", PROTECTED)
def test_the_factory_may_not_touch_what_is_protected_and_a_person_is_told(path: str) -> None:
    assert protected(ours(files=(file(path),)), POLICY).verdict is Verdict.FAIL
    ruling = protected(change(files=(file(path),)), POLICY)
    assert ruling.verdict is Verdict.WARN
    assert path in ruling.message
    assert protected(ours(files=(file("x", "R", old_path=path),)), POLICY).verdict is Verdict.FAIL
    assert protected(ours(files=(file(path, "D"),)), POLICY).verdict is Verdict.FAIL


def test_an_ordinary_path_is_not_protected() -> None:
    assert protected(ours(), POLICY).verdict is Verdict.PASS
    assert protected(ours(files=(file("src/SECURITY.md.py"),)), POLICY).verdict is Verdict.PASS


@pytest.mark.parametrize(
    ("paths", "loose"),
    [
        (("uv.lock",), True),
        (("uv.lock", "pyproject.toml"), False),
        (("uv.lock", "libs/a/pyproject.toml"), False),
        (("libs/a/uv.lock", "pyproject.toml"), True),
        (("libs/a/uv.lock", "libs/a/pyproject.toml"), False),
        (("libs/a/uv.lock", "libs/ab/pyproject.toml"), True),
        (("package-lock.json", "pyproject.toml"), True),
        (("web/package-lock.json", "web/package.json"), False),
        (("uv.lock.md",), False),
    ],
)
def test_a_lock_file_changes_with_its_manifest(paths, loose) -> None:
    files = tuple(file(path) for path in paths)
    assert protected(ours(files=files), POLICY).verdict is (Verdict.FAIL if loose else Verdict.PASS)
    assert protected(change(files=files), POLICY).verdict is (Verdict.WARN if loose else Verdict.PASS)


def test_a_shared_package_waits_for_a_person() -> None:
    policy = with_paths(shared=("packages/shared/*",))
    facts = ours(files=(file("packages/shared/a.py"),), profile="reviewer")
    ruling = protected(facts, policy)
    assert ruling.verdict is Verdict.UNDETERMINED
    assert "a person has to decide" in ruling.message
    assert protected(change(files=facts.files), policy).verdict is Verdict.WARN
    assert protected(facts, POLICY).verdict is Verdict.PASS


def test_a_protected_path_can_be_excluded() -> None:
    facts = ours(files=(file("SECURITY.md"),))
    assert protected(facts, excluding(rule="protected", paths="SECURITY.md")).verdict is Verdict.PASS


@pytest.mark.parametrize(
    ("told", "expected", "words"),
    [
        ({}, Verdict.PASS, "1 file, 4 lines"),
        ({"files": tuple(file(f"f{n}") for n in range(201))}, Verdict.FAIL, "201 files"),
        ({"files": tuple(file(f"f{n}") for n in range(200))}, Verdict.PASS, "200 files"),
        ({"lines_added": 4999}, Verdict.PASS, "5000 lines"),
        ({"lines_added": 3000, "lines_removed": 3000}, Verdict.FAIL, "6000 lines"),
        ({"files": (file(size=5_000_001),)}, Verdict.FAIL, "5000001 bytes"),
        ({"files": (file(size=5_000_000),)}, Verdict.PASS, ""),
        ({"files": (file("x.png", "A", binary=True),)}, Verdict.FAIL, "new binary"),
        ({"files": (file("x.png", "M", binary=True),)}, Verdict.WARN, "changed binary"),
        ({"files": (file("x.png", "D", binary=True, size=0),)}, Verdict.PASS, ""),
        ({"files": (file("x.png", "A", binary=True), file("y", size=9_000_000))}, Verdict.FAIL, "and 1 more"),
    ],
)
def test_a_change_stays_readable(told: dict, expected: Verdict, words: str) -> None:
    ruling = size(change(**told), POLICY)
    assert ruling.verdict is expected
    assert words in ruling.message


def test_policy_says_what_a_new_binary_is() -> None:
    facts = change(files=(file("x.png", "A", binary=True),))
    assert size(facts, with_size(new_binary="warn")).verdict is Verdict.WARN
    assert size(facts, with_size(new_binary="pass")).verdict is Verdict.PASS
    assert size(facts, excluding(rule="size", paths="*.png")).verdict is Verdict.PASS


@pytest.mark.parametrize(
    ("told", "words"),
    [
        ({"author": "eve@example.org"}, "eve@example.org"),
        ({"committer": "eve@example.org"}, "not the factory"),
        ({"ticket_id": None}, "without Factory-Ticket"),
        ({"run_id": None}, "without Factory-Ticket"),
        ({"ticket_id": "T-2"}, "of ticket T-2, not T-1"),
    ],
)
def test_a_foreign_commit_on_the_factorys_branch_is_named(told: dict, words: str) -> None:
    stranger = commit(sha="c" * 40, subject="quick fix", **told)
    ruling = provenance(ours(commits=(commit(), stranger)), POLICY)
    assert ruling.verdict is Verdict.FAIL
    assert "cccccccccccc quick fix" in ruling.message
    assert words in ruling.message
    assert provenance(change(commits=(stranger,)), POLICY).verdict is Verdict.SKIP
    assert provenance(ours(commits=(stranger,)), excluding(rule="provenance", finding="c" * 40)).verdict is Verdict.PASS


def test_the_factorys_own_commits_pass_and_unread_ones_do_not() -> None:
    assert provenance(ours(), POLICY).verdict is Verdict.PASS
    assert provenance(ours(ticket_id=None), POLICY).verdict is Verdict.PASS
    assert provenance(ours(commits=(commit(author=BOT.upper()),)), POLICY).verdict is Verdict.PASS
    assert provenance(ours(commits=()), POLICY).verdict is Verdict.UNDETERMINED
