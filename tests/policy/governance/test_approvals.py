"""What people approved of a change stops it no more; everything else they said nothing of does."""

from datetime import timedelta

import pytest

from domain.changes import AdvisorySource, Approved, Author, Dependency, Ecosystem, Known, Package, WorkflowChange
from domain.governance import Verdict
from policy.actions import Content, Grant, paths_of
from policy.governance.approvals import approved
from policy.governance.protected import protected
from policy.governance.rules_checks import tests as judge_tests
from policy.governance.rules_dependencies import dependencies, vulnerabilities
from policy.governance.scope import scope
from policy.governance.workflows import workflows
from policy.scopes import scope_report
from resources.policy_files import load_policy
from tests.policy.governance.changes import NOON, POLICY, change, file, ours, scan

ACTIONS = load_policy().actions
OWNERS, SHARED, FLOW = ".github/CODEOWNERS", "libs/core/a.py", ".github/workflows/a.yml"
BUILT_ON = POLICY.model_copy(update={"paths": POLICY.paths.model_copy(update={"shared": ("libs/core/*",)})})


def yes(action: str, *paths: str, actor: str = "ann") -> Approved:
    return Approved(action=action, actor=actor, at=NOON, paths=paths)


def grant(action: str) -> Grant:
    return Grant(action=action, subject="T-1-r1", actor="ann", reason="looked at it", at=NOON)


@pytest.mark.parametrize(
    ("told", "verdict"),
    [
        ((), Verdict.FAIL),
        ((yes("iam", OWNERS),), Verdict.WARN),
        ((yes("iam", "other"),), Verdict.FAIL),
        ((yes("iam"),), Verdict.FAIL),
    ],
)
def test_an_approved_protected_path_is_told_and_not_stopped(told, verdict) -> None:
    ruling = protected(ours(files=(file(OWNERS),), approved=told), POLICY)
    assert ruling.verdict is verdict
    assert ("approved by ann" in ruling.evidence[0]) is (verdict is Verdict.WARN)


def test_one_approval_covers_no_second_path() -> None:
    ruling = protected(ours(files=(file(OWNERS), file("SECURITY.md")), approved=(yes("iam", OWNERS),)), POLICY)
    assert ruling.verdict is Verdict.FAIL
    assert ruling.evidence[0].startswith("SECURITY.md: protected")


@pytest.mark.parametrize(
    ("profile", "told", "verdict"),
    [
        (None, (), Verdict.FAIL),
        ("developer", (yes("shared_edit", SHARED),), Verdict.FAIL),
        ("reviewer", (), Verdict.UNDETERMINED),
        ("reviewer", (yes("iam", SHARED),), Verdict.UNDETERMINED),
        ("reviewer", (yes("shared_edit", SHARED),), Verdict.WARN),
    ],
)
def test_a_shared_package_takes_the_reviewer_and_a_persons_yes(profile, told, verdict) -> None:
    facts = ours(files=(file(SHARED),), profile=profile, approved=told)
    assert protected(facts, BUILT_ON).verdict is verdict
    assert protected(facts.model_copy(update={"author": Author.PERSON}), BUILT_ON).verdict is Verdict.WARN


def test_approved_rights_of_a_workflow_are_told() -> None:
    worse = WorkflowChange(path=FLOW, raised=("contents: write",))
    facts = ours(files=(file(FLOW),), workflows=(worse,))
    assert workflows(facts, POLICY).verdict is Verdict.FAIL
    agreed = facts.model_copy(update={"approved": (yes("workflow_broadening", FLOW),)})
    assert workflows(agreed, POLICY).verdict is Verdict.WARN
    assert "approved by ann" in workflows(agreed, POLICY).evidence[0]
    theirs = agreed.model_copy(update={"author": Author.PERSON})
    assert workflows(theirs, POLICY).verdict is Verdict.FAIL


def test_a_grant_covers_the_paths_of_its_action_in_this_change_and_no_other() -> None:
    package = Dependency(ecosystem=Ecosystem.PYPI, name="demo", version="1.0", path="requirements.txt")
    content = Content(
        files=(file(OWNERS), file(FLOW), file("src/a.py"), file(SHARED)),
        dependencies=(package,),
        shared=("libs/core/*",),
    )
    grants = [grant(one) for one in ("iam", "workflow_broadening", "new_dependency", "shared_edit", "nothing")]
    told = {one.action: one.paths for one in approved(grants, content, ACTIONS)}
    assert told == {
        "iam": (OWNERS,), "workflow_broadening": (FLOW,), "new_dependency": ("requirements.txt",),
        "shared_edit": (SHARED,), "nothing": (),
    }  # fmt: skip
    assert paths_of("iam", Content(files=()), ACTIONS) == ()


def test_a_path_lies_in_the_ticket_s_scope_and_the_repository_s() -> None:
    facts = ours(
        files=(file("src/a.py"), file("docs/a.md")), repository_scope=("src/*", "docs/*"), allowed_scope=("src/*",)
    )
    ruling = scope(facts, POLICY)
    assert (ruling.verdict, ruling.evidence[0].partition(":")[0]) == (Verdict.FAIL, "docs/a.md")
    only = facts.model_copy(update={"allowed_scope": (), "repository_scope": ("src/*",)})
    assert scope(only, POLICY).verdict is Verdict.FAIL
    assert scope(only.model_copy(update={"author": Author.PERSON}), POLICY).verdict is Verdict.SKIP


@pytest.mark.parametrize(
    ("told", "outside"),
    [
        ({"path": "src/b.py", "status": "R", "old_path": "lib/b.py"}, {"lib/b.py"}),
        ({"path": "lib/b.py", "status": "R", "old_path": "src/b.py"}, {"lib/b.py"}),
        ({"path": "src/l", "status": "A", "mode": "120000"}, {"src/l"}),
        ({"path": "src/m", "status": "A", "mode": "160000"}, {"src/m"}),
        ({"path": "src/t", "status": "T", "mode": "120000"}, {"src/t"}),
        ({"path": "src/../lib/x.py", "status": "A"}, {"src/../lib/x.py"}),
        ({"path": "/src/x.py", "status": "A"}, {"/src/x.py"}),
        ({"path": "src/l", "status": "D", "mode": "120000"}, set()),
    ],
)
@pytest.mark.parametrize(("mode", "verdict"), [("enforce", Verdict.FAIL), ("warn", Verdict.WARN)])
def test_ways_out_of_a_scope(told, outside, mode, verdict) -> None:
    changed = file(**told)
    policy = POLICY.model_copy(update={"paths": POLICY.paths.model_copy(update={"scope": mode})})
    report = scope_report([changed], ("src/*",), ("src/*",))
    assert set(report.outside) == outside
    assert len(report.inside) + len(report.outside) == len({changed.path, changed.old_path} - {None})
    ruling = scope(ours(files=(changed,), allowed_scope=("src/*",)), policy)
    assert ruling.verdict is (verdict if outside else Verdict.PASS)


def test_why_no_checks_could_run_is_told() -> None:
    ruling = judge_tests(change(checks=(), checks_problem="[sandbox.isolation] nothing isolates here"), POLICY)
    assert ruling.verdict is Verdict.UNDETERMINED
    assert ruling.message.endswith("nothing isolates here")


DEMO = Dependency(ecosystem=Ecosystem.NPM, name="demo", version="1.0.0", path="package.json")


@pytest.mark.parametrize(
    ("source", "verdict"),
    [
        (None, Verdict.PASS),
        (AdvisorySource(place="records", as_of=NOON - timedelta(days=29), is_whole=True), Verdict.PASS),
        (AdvisorySource(place="records", as_of=NOON - timedelta(days=31), is_whole=True), Verdict.UNDETERMINED),
        (AdvisorySource(place="records", is_whole=True), Verdict.UNDETERMINED),
        (AdvisorySource(place="server", as_of=NOON - timedelta(days=900)), Verdict.PASS),
    ],
)
@pytest.mark.parametrize("ecosystem", list(Ecosystem))
def test_old_advisories_are_unknown_ones(known_package, source, verdict, ecosystem) -> None:
    dependency = DEMO.model_copy(update={"ecosystem": ecosystem})
    facts = change(
        dependencies=(dependency,), packages=(known_package(dependency),), advisories=source,
        scans=(scan("pip-audit", files_given=("package.json",), files_read=("package.json",)),),
    )  # fmt: skip
    assert vulnerabilities(facts, POLICY).verdict is verdict


def test_an_agreed_new_dependency_is_no_finding(known_package) -> None:
    facts = ours(dependencies=(DEMO,), packages=(known_package(DEMO),))
    assert dependencies(facts, POLICY).verdict is Verdict.WARN
    agreed = facts.model_copy(update={"approved": (yes("new_dependency", "package.json"),)})
    assert dependencies(agreed, POLICY).verdict is Verdict.PASS


@pytest.fixture
def known_package():
    def make(one: Dependency) -> Package:
        long_ago = NOON - timedelta(days=900)
        return Package(
            ecosystem=one.ecosystem, name=one.name, version=one.version, known=Known.FOUND, version_known=Known.FOUND,
            published_at=long_ago, first_published_at=long_ago, newest=one.version, license="MIT", advisories=(),
        )  # fmt: skip

    return make
