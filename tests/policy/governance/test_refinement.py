"""A repository's own file makes governance stricter and names exclusions; it loosens nothing and errs by the line."""

import json
import re
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import PolicyInvalid
from domain.findings import Severity
from policy.governance.model import RULES, GovernancePolicy
from resources.governance_texts import refined_policy
from tests.policy.governance.changes import POLICY, weighed

STRICT = """\
rules:
  lint: {severity: critical, fails_from: low, reads: ["*.pyx"]}
  sbom: {mandatory: true, enabled: true, scanners: [syft]}
exclusions:
  - rule: sast
    finding: B101
    paths: tests/*
    reason: assertions are what tests are made of
    expires: 2027-06-30
dependencies: {youngest: 30d, youngest_package: 60d, denied: {"pypi:left": "<2"}, pins: hashed}
licenses: {deny: [MPL-2.0]}
paths: {protected: [deploy/*], shared: [core/*], locks: {my.lock: my.toml}}
size: {max_files: 10, max_lines: 100, max_file_bytes: 1000, new_binary: fail}
"""


def test_without_a_file_or_with_an_empty_one_the_operators_policy_holds() -> None:
    for text in (None, "", "# nothing\n", "{}\n"):
        assert refined_policy(POLICY, text) == POLICY


def test_a_repository_makes_everything_stricter() -> None:
    policy = refined_policy(weighed("sbom", enabled=False), STRICT)
    assert (policy.rules["lint"].severity, policy.rules["lint"].fails_from) == (Severity.CRITICAL, Severity.LOW)
    assert policy.rules["lint"].reads == ("*.py", "*.pyi", "*.pyx")
    assert (policy.rules["sbom"].mandatory, policy.rules["sbom"].enabled) == (True, True)
    assert policy.rules["sbom"].scanners == ("syft",)
    assert [one.finding for one in policy.exclusions] == ["B101"]
    assert policy.dependencies.youngest == timedelta(days=30)
    assert policy.dependencies.denied == {"pypi:left": "<2"}
    assert policy.dependencies.pins == "hashed"
    assert "MPL-2.0" in policy.licenses.deny
    assert {"deploy/*", "SECURITY.md"} <= set(policy.paths.protected)
    assert (policy.paths.shared, policy.paths.locks["my.lock"]) == (("core/*",), ("my.toml",))
    assert (policy.size.max_files, policy.size.max_lines, policy.size.max_file_bytes) == (10, 100, 1000)
    assert GovernancePolicy.model_validate(policy.model_dump()) == policy


LOOSE = """\
rules:
  secrets: {severity: low, fails_from: critical}
dependencies: {youngest: 1s, youngest_package: 1s, pins: any, denied: {"pypi:bad": "<1"}}
paths: {locks: {uv.lock: anything}}
size: {max_files: 100000, max_lines: 10000000, max_file_bytes: 100000000, new_binary: pass}
"""


def test_what_would_loosen_changes_nothing() -> None:
    denied = POLICY.dependencies.model_copy(update={"denied": {"pypi:bad": "*"}})
    policy = POLICY.model_copy(update={"dependencies": denied})
    assert refined_policy(policy, LOOSE) == policy


def test_a_repository_may_deny_all_versions_where_the_operator_denies_some() -> None:
    denied = POLICY.dependencies.model_copy(update={"denied": {"pypi:bad": "<1"}})
    policy = refined_policy(
        POLICY.model_copy(update={"dependencies": denied}), 'dependencies: {denied: {"pypi:bad": "*"}}'
    )
    assert policy.dependencies.denied == {"pypi:bad": "*"}


def test_flags_are_only_raised() -> None:
    lax = POLICY.model_copy(
        update={
            "paths": POLICY.paths.model_copy(update={"scope": "warn"}),
            "dependencies": POLICY.dependencies.model_copy(update={"lookalikes": False, "new_needs_person": False}),
        }
    )
    policy = refined_policy(lax, "paths: {scope: enforce}\ndependencies: {lookalikes: true, new_needs_person: true}\n")
    assert (policy.paths.scope, policy.dependencies.lookalikes, policy.dependencies.new_needs_person) == (
        "enforce",
        True,
        True,
    )
    assert refined_policy(lax, "") == lax


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("rules:\n  lint: {mandatory: false}\n", 2, "rules.lint.mandatory"),
        ("rules:\n  lint:\n    enabled: false\n", 3, "rules.lint.enabled"),
        ("rules:\n  lint:\n    severity: awful\n", 3, "rules.lint.severity"),
        ("rules:\n  nonsense: {severity: low}\n", 2, "no such rule; known are lint"),
        ("exclusions:\n  - {rule: lint, finding: F401, reason: too short, expires: 2027-01-01}\n", 2, "reason"),
        ("exclusions:\n  - rule: lint\n    finding: F401\n    reason: long enough a reason\n    expires: soon\n", 5, "expires"),
        ("exclusions:\n  - rule: lint\n    finding: F401\n    reason: long enough a reason\n", 2, "expires: Field required"),
        ("exclusions:\n  - {rule: lint, reason: long enough a reason, expires: 2027-01-01}\n", 2, "name paths or a finding"),
        ("exclusions:\n  - rule: nothing\n    finding: x\n    reason: long enough a reason\n    expires: 2027-01-01\n", 2, "no such rule"),
        ("\n\nunknown: 1\n", 3, "unknown: Extra inputs"),
        ("licenses:\n  allow: [MIT]\n", 2, "licenses.allow"),
        ("paths:\n  scope: warn\n", 2, "paths.scope"),
        ("size: {max_files: 0}\n", 1, "greater than 0"),
        ("size: {max_files: many}\n", 1, "integer"),
        ("dependencies:\n  youngest: never\n", 2, "duration"),
        ("[]\n", 1, "dictionary"),
        ("text\n", 1, "dictionary"),
        ("a: b: c\n", 1, "mapping values"),
        ("rules:\n  lint: {}\n  lint: {}\n", 3, "given twice"),
        ("x: &a [1]\n<<: {y: 1}\n", 2, "merge keys"),
        ("{" * 5000, 1, ""),
        ("x" * 300_000, 1, "more than 262144 bytes"),
        ("a: \0", 1, ""),
        ("exclusions: [" + "{}," * 300 + "]", 1, "Field required"),
        (f"exclusions: [{'{rule: lint, finding: x, reason: long enough a reason, expires: 2027-01-01},' * 201}]", 1, "at most 200"),
    ],
)  # fmt: skip
def test_a_wrong_file_is_refused_by_its_line(text: str, line: int, words: str) -> None:
    with pytest.raises(PolicyInvalid) as caught:
        refined_policy(POLICY, text)
    first = caught.value.details["errors"][0]
    assert re.search(rf"^\.factory/governance\.yaml:? ?(?:line )?{line}:", first), first
    assert any(words in one for one in caught.value.details["errors"])
    assert len(str(caught.value)) < 20_000


refinements = st.fixed_dictionaries(
    {},
    optional={
        "rules": st.dictionaries(
            st.sampled_from(RULES),
            st.fixed_dictionaries({}, optional={"severity": st.sampled_from(["low", "critical"]), "fails_from": st.sampled_from(["low", "high"])}),
        ),
        "size": st.fixed_dictionaries({}, optional={"max_files": st.integers(1, 999), "new_binary": st.sampled_from(["fail", "warn", "pass"])}),
    },
)  # fmt: skip


@given(refinements)
def test_no_file_ever_lowers_anything(told) -> None:
    policy = refined_policy(POLICY, json.dumps(told))
    for name, rule in policy.rules.items():
        assert rule.severity.rank >= POLICY.rules[name].severity.rank
        assert rule.fails_from.rank <= POLICY.rules[name].fails_from.rank
        assert rule.mandatory or not POLICY.rules[name].mandatory
    assert policy.size.max_files <= POLICY.size.max_files
    assert policy.size.new_binary == "fail"
