"""All rules together: same facts, same verdicts; nothing is lost, nothing unknown passes, nothing hostile is repeated raw."""

import random
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.changes import Author, ChangeFacts
from domain.findings import ScanState, Severity
from domain.governance import Verdict
from domain.governed import RuleVerdict
from policy.governance.judging import LONGEST_COMMAND, judge, overall
from policy.governance.model import RULES, Exclusion
from policy.governance.rules import RULESET
from policy.governance.shape import Ruling
from policy.governance.visible import LINES
from tests.policy.governance.changes import (
    BASE,
    HEAD,
    POLICY,
    SCANNERS,
    change,
    check,
    commit,
    excluding,
    file,
    finding,
    ours,
    scan,
    scans,
    weighed,
    workflow,
)


def by_rule(facts: ChangeFacts, policy=POLICY, **told) -> dict[str, RuleVerdict]:
    return {one.rule: one for one in judge(facts, policy, **told)}


def verdict(outcome: Verdict, mandatory: bool = True, rule: str = "size") -> RuleVerdict:
    return RuleVerdict(
        rule=rule,
        verdict=outcome,
        severity=Severity.LOW,
        mandatory=mandatory,
        message="m",
        command="c",
        evidence=("e",),
    )


def test_every_rule_of_the_policy_is_judged_in_the_reports_order() -> None:
    assert tuple(RULESET) == RULES
    assert tuple(one.rule for one in judge(change(), POLICY)) == RULES


def test_a_clean_change_passes() -> None:
    assert overall(judge(change(), POLICY)) is Verdict.PASS
    assert overall(judge(ours(allowed_scope=("src/*",)), POLICY)) is Verdict.PASS


PLANTED = {
    "lint": {"scans": scans(scan("ruff", finding("ruff", rule="F821")))},
    "tests": {"checks": (check(code=1),)},
    "sast": {"scans": scans(scan("bandit", finding()))},
    "secrets": {"scans": scans(scan("gitleaks", finding("gitleaks", rule="aws-key", severity=Severity.LOW)))},
    "scope": {"allowed_scope": ("docs/*",)},
    "protected": {"files": (file(), file("SECURITY.md", size=0)), "author": "factory", "commits": (commit(),)},
    "workflows": {"files": (file(), file(".github/workflows/ci.yml", size=0)), "workflows": (workflow(raised=("write-all",)),)},
    "size": {"lines_added": 9999},
    "provenance": {"author": "factory", "commits": (commit(author="eve@example.org"),)},
}  # fmt: skip


@pytest.mark.parametrize("rule", PLANTED)
def test_a_planted_defect_blocks_with_its_rule_alone_ten_times_alike(rule: str) -> None:
    facts = change(**PLANTED[rule])
    first = judge(facts, POLICY)
    assert [one.rule for one in first if one.verdict.rank > Verdict.WARN.rank] == [rule]
    assert overall(first) is Verdict.FAIL
    stored = ChangeFacts.model_validate_json(facts.model_dump_json())
    assert all(judge(stored, POLICY) == first for _ in range(10))
    told = {one.rule: one for one in first}[rule]
    assert told.evidence
    again = f"factory governance run . --base {BASE} --head {HEAD} --rule {rule} --author {facts.author}"
    assert told.command.splitlines()[0] == again


def test_the_tools_own_commands_and_logs_are_told() -> None:
    told = by_rule(change())["sast"]
    assert told.command.splitlines()[1:] == ["bandit src/a.py", "ruff-security src/a.py", "semgrep src/a.py"]
    assert [one.name for one in told.logs] == ["bandit", "ruff-security", "semgrep"]
    assert (told.seconds, told.files_read) == (1.5, 1)
    assert by_rule(change())["tests"].command.splitlines()[1:] == ["pytest"]


@pytest.mark.parametrize(
    ("command", "shown"),
    [
        ("bandit " + "x" * LONGEST_COMMAND, f"# bandit: a command of {LONGEST_COMMAND + 7} characters, in its log"),
        ("bandit 'a\nrm -rf b'", "# bandit: bandit 'a rm -rf b'"),
        ("bandit a\u202eb", "# bandit: bandit a\\u202eb"),
        ("", None),
    ],
)  # fmt: skip
def test_a_command_that_cannot_be_shown_as_it_was_is_a_comment(command: str, shown: str | None) -> None:
    lines = by_rule(change(scans=scans(scan("bandit", command=command))))["sast"].command.splitlines()
    assert lines[1:] == [*([shown] if shown else []), "ruff-security src/a.py", "semgrep src/a.py"]


def test_only_the_named_rules_are_judged() -> None:
    assert list(by_rule(change(), only=("size", "lint"))) == ["lint", "size"]


def broken(facts, policy):
    raise RuntimeError("hostile\u202e\n<b> text")


def wrong(facts, policy):
    return None


@pytest.mark.parametrize("rule", [broken, wrong])
def test_a_rule_that_breaks_is_an_error_and_the_others_still_speak(rule) -> None:
    told = by_rule(change(), ruleset={**RULESET, "size": rule})
    assert told["size"].verdict is Verdict.ERROR
    assert "the rule itself failed" in told["size"].message
    assert told["size"].message.isprintable()
    assert told["lint"].verdict is Verdict.PASS
    assert overall(tuple(told.values())) is Verdict.ERROR


def test_what_stops_always_has_evidence() -> None:
    silent = {"size": lambda facts, policy: Ruling(Verdict.FAIL, "too much")}
    assert by_rule(change(), ruleset=silent)["size"].evidence == ("too much",)
    nameless = {"size": lambda facts, policy: Ruling(Verdict.FAIL, "")}
    assert by_rule(change(), ruleset=nameless)["size"].message == "fail"


def test_evidence_is_bounded_and_visible() -> None:
    many = tuple(f"src/a\u200b{at}.py: \x1b[31m{'x' * 5000}" for at in range(1000))
    told = by_rule(
        change(), ruleset={"size": lambda facts, policy: Ruling(Verdict.WARN, "m\n\ud800" + "y" * 9999, many)}
    )["size"]
    assert len(told.evidence) == LINES + 1
    assert told.evidence[-1] == f"and {1000 - LINES} more"
    assert all(len(line) < 330 and line.isprintable() for line in (*told.evidence, told.message))
    assert told.evidence[0].startswith("src/a\\u200b0.py: \\x1b[31mxxx")


def test_a_rule_that_is_switched_off_is_told_and_not_run() -> None:
    told = by_rule(change(lines_added=9999), weighed("size", enabled=False))["size"]
    assert (told.verdict, told.message) == (Verdict.SKIP, "switched off by policy")


def test_an_advisory_rule_only_warns() -> None:
    facts = change(lines_added=9999)
    assert overall(judge(facts, weighed("size", mandatory=False))) is Verdict.WARN
    assert overall(judge(facts, POLICY)) is Verdict.FAIL


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ((), Verdict.ERROR),
        ((verdict(Verdict.SKIP),), Verdict.ERROR),
        ((verdict(Verdict.SKIP), verdict(Verdict.PASS)), Verdict.PASS),
        ((verdict(Verdict.PASS), verdict(Verdict.WARN)), Verdict.WARN),
        ((verdict(Verdict.WARN), verdict(Verdict.UNDETERMINED)), Verdict.UNDETERMINED),
        ((verdict(Verdict.UNDETERMINED), verdict(Verdict.FAIL)), Verdict.FAIL),
        ((verdict(Verdict.FAIL), verdict(Verdict.ERROR)), Verdict.ERROR),
        ((verdict(Verdict.PASS), verdict(Verdict.UNDETERMINED, mandatory=False)), Verdict.WARN),
        ((verdict(Verdict.PASS, mandatory=False),), Verdict.PASS),
        ((verdict(Verdict.ERROR, mandatory=False),), Verdict.WARN),
    ],
)
def test_the_worst_mandatory_verdict_is_the_whole(told, expected) -> None:
    assert overall(told) is expected
    assert overall(tuple(reversed(told))) is expected


def test_used_exclusions_are_told_with_reason_and_last_day_and_expired_ones_too() -> None:
    facts = change(scans=scans(scan("bandit", finding())))
    used = by_rule(facts, excluding(rule="sast", finding="B602", paths=["src/*"]))["sast"]
    assert used.verdict is Verdict.PASS
    assert used.exclusions == ("until 2027-01-01 lets through B602 in src/*: known and looked at",)
    expired = by_rule(facts, excluding(rule="sast", finding="B602", expires="2026-11-20"))["sast"]
    assert expired.verdict is Verdict.FAIL
    assert expired.exclusions == ("expired on 2026-11-20, no longer lets through B602: known and looked at",)
    assert by_rule(change(), excluding(rule="sast", finding="B602"))["sast"].exclusions == ()


def test_two_exclusions_of_the_same_finding_are_both_told() -> None:
    rules = [
        Exclusion(rule="sast", finding="B602", reason=f"reason {at} for it", expires=date(2027, 1, at)) for at in (2, 1)
    ]
    policy = POLICY.model_copy(update={"exclusions": tuple(rules)})
    told = by_rule(change(scans=scans(scan("bandit", finding()))), policy)["sast"]
    assert [line[:16] for line in told.exclusions] == ["until 2027-01-01", "until 2027-01-02"]


def shuffled(facts: ChangeFacts, seed: int) -> ChangeFacts:
    rng = random.Random(seed)

    def mixed(values):
        return None if values is None else tuple(rng.sample(values, len(values)))

    lists = {name: mixed(value) for name, value in facts if isinstance(value, tuple)}
    lists["scans"] = tuple(one.model_copy(update={"findings": mixed(one.findings)}) for one in lists["scans"])
    return facts.model_copy(update=lists)


finds = st.lists(
    st.builds(
        finding,
        st.sampled_from(SCANNERS),
        rule=st.sampled_from(["B1", "B2"]),
        severity=st.sampled_from(list(Severity)),
        line=st.integers(1, 3),
        fingerprint=st.sampled_from(["a", "b"]),
    ),
    max_size=8,
)
ends = st.sampled_from([{}, {"state": ScanState.CRASHED}, {"alive": False}, {"files_read": ()}])
scanned = st.builds(
    lambda found, told: tuple(scan(n, *(f for f in found if f.scanner == n), **told.get(n, {})) for n in SCANNERS),
    finds,
    st.dictionaries(st.sampled_from(SCANNERS), ends, max_size=3),
)
changes = st.builds(
    change,
    files=st.lists(st.sampled_from([file(), file("SECURITY.md"), file("uv.lock"), file("x.bin", "A", binary=True)]), unique=True).map(tuple),
    scans=scanned,
    base_scans=scanned,
    checks=st.lists(st.sampled_from([check(), check("make", 1), check("tox", 1, failed_tests=("b", "a"))])).map(tuple),
    commits=st.lists(st.sampled_from([commit(), commit(author="eve@x")])).map(tuple),
    author=st.sampled_from(Author),
    allowed_scope=st.sampled_from([(), ("src/*", "*.md")]),
)  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(changes, st.integers())
def test_judging_does_not_depend_on_the_order_of_facts_and_is_stable(facts, seed) -> None:
    first = judge(facts, POLICY)
    assert judge(shuffled(facts, seed), POLICY) == first
    assert all(judge(facts, POLICY) == first for _ in range(9))


@settings(max_examples=60, deadline=None)
@given(changes, st.sampled_from(SCANNERS), ends.filter(bool))
def test_no_change_with_an_unknown_scan_passes(facts, scanner, end) -> None:
    spoiled = tuple(one.model_copy(update=end) if one.scanner == scanner else one for one in facts.scans)
    assert overall(judge(facts.model_copy(update={"scans": spoiled}), POLICY)).rank >= Verdict.UNDETERMINED.rank


def test_facts_that_were_not_gathered_never_pass() -> None:
    for told in ({"scans": ()}, {"dependencies": None}, {"checks": ()}, {"unreadable_manifests": ("setup.py",)}):
        assert overall(judge(change(**told), POLICY)).rank >= Verdict.UNDETERMINED.rank, told


def test_rules_that_were_asked_for_and_have_nothing_to_judge_are_no_error() -> None:
    idle = judge(change(), POLICY, ("workflows", "provenance"))
    assert overall(idle, ("workflows", "provenance")) is Verdict.SKIP
    assert overall(idle) is Verdict.ERROR


def test_a_rule_that_was_asked_for_and_is_switched_off_is_an_error() -> None:
    off = judge(change(), weighed("workflows", enabled=False), ("workflows", "provenance"))
    assert overall(off, ("workflows", "provenance")) is Verdict.ERROR
