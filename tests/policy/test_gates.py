"""Gates decide on facts alone; unknown never passes."""

import json

import pytest

from domain.governance import FileChange, GateVerdict, Origin, SecretFinding, Validation, Verdict
from domain.repositories import RepositorySettings
from policy.gates import GATES, RULES, judge, overall
from resources.policy_files import load_policy
from tests.policy.facts import check, validation

POLICY = load_policy().gates
SETTINGS = RepositorySettings(scope=("src/*",))


def verdict(rule: str, facts=None, settings=SETTINGS, policy=POLICY) -> GateVerdict:
    return {one.rule: one for one in judge(facts or validation(), settings, policy)}[rule]


def test_every_gate_has_its_name_in_the_list_in_order() -> None:
    assert tuple(one.rule for one in judge(validation(), SETTINGS, POLICY)) == RULES
    assert len(RULES) == len(GATES)


def test_a_sound_change_passes_all() -> None:
    assert overall(judge(validation(), SETTINGS, POLICY)) is Verdict.PASS


def test_no_gate_at_all_is_an_error_not_a_pass() -> None:
    assert overall(()) is Verdict.ERROR


@pytest.mark.parametrize(
    ("rule", "facts", "expected"),
    [
        ("replay", {"replayed_tree_sha": "b" * 40}, Verdict.FAIL),
        ("tests", {"checks": ()}, Verdict.UNDETERMINED),
        ("tests", {"checks": (check(code=1),)}, Verdict.FAIL),
        ("tests", {"checks": (check(code=1),), "baseline": (check(code=0),)}, Verdict.FAIL),
        ("tests", {"checks": (check(code=1),), "baseline": (check(code=1),)}, Verdict.UNDETERMINED),
        (
            "tests",
            {"checks": (check(code=1, failed=()),), "baseline": (check(code=1, failed=("a",)),)},
            Verdict.UNDETERMINED,
        ),
        (
            "tests",
            {"checks": (check(code=1, failed=("a",)),), "baseline": (check(code=1, failed=("a", "b")),)},
            Verdict.WARN,
        ),
        (
            "tests",
            {"checks": (check(code=1, failed=("a", "c")),), "baseline": (check(code=1, failed=("a",)),)},
            Verdict.FAIL,
        ),
        ("tests", {"checks": (check(code=1, origin=Origin.TICKET),), "baseline": (check(code=1),)}, Verdict.FAIL),
        ("acceptance", {"checks": (check(origin=Origin.ACCEPTANCE, code=1),)}, Verdict.FAIL),
        ("acceptance", {"checks": (check(origin=Origin.ACCEPTANCE),)}, Verdict.PASS),
        ("acceptance", {}, Verdict.SKIP),
        ("scope", {"files": (FileChange(path="docs/x", status="A"),)}, Verdict.FAIL),
        ("scope", {"files": (FileChange(path="src/x", old_path="docs/x", status="R"),)}, Verdict.FAIL),
        ("size", {"files": (FileChange(path="src/x", status="A", size=POLICY.max_file_bytes + 1),)}, Verdict.FAIL),
        ("size", {"lines_added": POLICY.max_lines + 1}, Verdict.FAIL),
        ("size", {"files": (FileChange(path="src/x", status="A", binary=True),)}, Verdict.WARN),
        ("secrets", {"secrets": None}, Verdict.UNDETERMINED),
        ("secrets", {"secrets": (SecretFinding(path="a", line=1, kind="AWS"),)}, Verdict.FAIL),
    ],
)
def test_gate(rule: str, facts: dict, expected: Verdict) -> None:
    assert verdict(rule, validation(**facts)).verdict is expected


def test_no_scope_means_everything_is_in_scope() -> None:
    assert verdict("scope", settings=RepositorySettings()).verdict is Verdict.SKIP


@pytest.mark.parametrize(
    ("repository", "ticket", "path", "expected"),
    [
        ((), ("src/*",), "src/a.py", Verdict.PASS),
        ((), ("src/*",), "docs/x", Verdict.FAIL),
        (("src/*",), ("docs/*",), "docs/x", Verdict.FAIL),
        (("src/*",), ("docs/*",), "src/a.py", Verdict.FAIL),
        (("*",), ("docs/*", "src/*.py"), "src/deep/a.py", Verdict.PASS),
        ((), ("src",), "src/a.py", Verdict.FAIL),
        ((), ("[", "../*", "/*"), "src/a.py", Verdict.FAIL),
        ((), ("SRC/*",), "src/a.py", Verdict.FAIL),
        ((), (), "anything", Verdict.SKIP),
    ],
)
def test_a_change_keeps_to_the_scope_of_repository_and_ticket(repository, ticket, path, expected) -> None:
    facts = validation(files=(FileChange(path=path, status="M"),), allowed_scope=ticket)
    assert verdict("scope", facts, RepositorySettings(scope=repository)).verdict is expected


def test_a_file_moved_out_of_the_tickets_scope_is_outside_of_it() -> None:
    facts = validation(files=(FileChange(path="b/x", old_path="a/x", status="R"),), allowed_scope=("a/*",))
    assert "b/x" in verdict("scope", facts, RepositorySettings()).message


def test_a_validation_stored_before_tickets_had_a_scope_still_loads() -> None:
    stored = json.loads(validation().model_dump_json())
    del stored["allowed_scope"]
    assert Validation.model_validate(stored).allowed_scope == ()


def test_newly_failing_tests_are_named() -> None:
    facts = validation(checks=(check(code=1, failed=("new",)),), baseline=(check(code=1, failed=("old",)),))
    assert "new" in verdict("tests", facts).message


def test_an_advisory_rule_is_shown_but_does_not_block() -> None:
    facts = validation(checks=(check(code=1),))
    relaxed = POLICY.model_copy(update={"advisory": ("tests",)})
    verdicts = judge(facts, SETTINGS, relaxed)
    assert overall(verdicts) is Verdict.WARN
    assert overall(judge(facts, SETTINGS, POLICY)) is Verdict.FAIL


def test_every_gate_speaks_even_when_one_fails() -> None:
    assert len(judge(validation(checks=(check(code=1),)), SETTINGS, POLICY)) == len(RULES)
