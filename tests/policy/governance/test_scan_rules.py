"""Lint, static analysis and secrets: new findings stop, old ones are told, silence counts only when it means something."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.findings import ScanState, Severity
from domain.governance import Verdict
from policy.governance.rules_scans import lint, sast, secrets
from policy.governance.sightings import place
from tests.policy.governance.changes import CODE, POLICY, change, excluding, file, finding, scan, scans, weighed

RULES = {"lint": (lint, "ruff"), "sast": (sast, "bandit"), "secrets": (secrets, "gitleaks")}
UNKNOWN = {
    "missing": {"state": ScanState.MISSING, "reason": "no program bandit"},
    "crashed": {"state": ScanState.CRASHED},
    "timed out": {"state": ScanState.TIMED_OUT},
    "offline": {"state": ScanState.OFFLINE},
    "planted": {"alive": False},
    "did not read 1 of 1": {"files_read": ()},
}


@pytest.mark.parametrize("name", RULES)
def test_a_planted_defect_stops_and_its_clean_twin_passes(name: str) -> None:
    rule, scanner = RULES[name]
    ruling = rule(change(scans=scans(scan(scanner, finding(scanner)))), POLICY)
    assert ruling.verdict is Verdict.FAIL
    assert f"{CODE}:3: B602 (high, {scanner}): a shell reads what a caller wrote -> pass a list" in ruling.evidence
    assert rule(change(), POLICY).verdict is Verdict.PASS


@pytest.mark.parametrize("name", RULES)
@pytest.mark.parametrize("words", UNKNOWN)
def test_silence_of_a_scanner_that_did_not_look_never_passes(name: str, words: str) -> None:
    rule, scanner = RULES[name]
    ruling = rule(change(scans=scans(scan(scanner, **UNKNOWN[words]))), POLICY)
    assert ruling.verdict is Verdict.UNDETERMINED
    assert scanner in ruling.message
    assert words in ruling.message
    assert UNKNOWN[words].get("reason", "") in ruling.message


@pytest.mark.parametrize("name", RULES)
def test_a_scanner_that_policy_names_and_nobody_ran_never_passes(name: str) -> None:
    rule, scanner = RULES[name]
    left = tuple(one for one in scans() if one.scanner != scanner)
    assert f"{scanner} did not run" in rule(change(scans=left), POLICY).message
    assert rule(change(scans=left), POLICY).verdict is Verdict.UNDETERMINED
    assert rule(change(scans=()), POLICY).verdict is Verdict.UNDETERMINED


def test_a_rule_without_a_scanner_never_passes() -> None:
    ruling = sast(change(), weighed("sast", scanners=()))
    assert (ruling.verdict, ruling.message) == (Verdict.UNDETERMINED, "policy names no scanner for it")


def test_what_another_scanner_found_stops_even_when_one_is_unknown() -> None:
    ruling = sast(change(scans=scans(scan("bandit", alive=False), scan("semgrep", finding("semgrep")))), POLICY)
    assert ruling.verdict is Verdict.FAIL
    assert "bandit did not find the defect" in ruling.message


def test_a_finding_of_the_base_never_blocks_and_is_told() -> None:
    told = scans(scan("bandit", finding()))
    ruling = sast(change(scans=told, base_scans=told), POLICY)
    assert ruling.verdict is Verdict.PASS
    assert "1 known before" in ruling.message
    assert any(line.startswith("known before: src/a.py:3: B602") for line in ruling.evidence)


def test_only_as_many_findings_are_old_as_the_base_has() -> None:
    twice = scans(scan("bandit", finding(line=3), finding(line=9)))
    once = scans(scan("bandit", finding(line=3)))
    assert sast(change(scans=twice, base_scans=once), POLICY).verdict is Verdict.FAIL
    assert sast(change(scans=once, base_scans=twice), POLICY).verdict is Verdict.PASS


def test_the_same_fingerprint_of_another_scanner_is_not_known_before() -> None:
    facts = change(scans=scans(scan("bandit", finding())), base_scans=scans(scan("semgrep", finding("semgrep"))))
    assert sast(facts, POLICY).verdict is Verdict.FAIL


def test_what_may_be_old_because_the_base_could_not_be_scanned_is_undetermined() -> None:
    broken = scans(scan("bandit", state=ScanState.CRASHED))
    facts = change(scans=scans(scan("bandit", finding())), base_scans=broken)
    ruling = sast(facts, POLICY)
    assert ruling.verdict is Verdict.UNDETERMINED
    assert "1 finding may be new" in ruling.message
    assert sast(facts.model_copy(update={"files": (file(status="A"),)}), POLICY).verdict is Verdict.FAIL


def test_a_head_without_findings_needs_no_scan_of_the_base() -> None:
    assert sast(change(base_scans=()), POLICY).verdict is Verdict.PASS


@pytest.mark.parametrize(
    ("severity", "expected"), [("low", Verdict.WARN), ("medium", Verdict.FAIL), ("critical", Verdict.FAIL)]
)
def test_findings_below_the_rules_floor_only_warn(severity: str, expected: Verdict) -> None:
    facts = change(scans=scans(scan("bandit", finding(severity=Severity(severity)))))
    assert sast(facts, POLICY).verdict is expected


def test_the_worst_finding_is_named_first() -> None:
    low = finding(severity=Severity.LOW, rule="B101", path="a.py", fingerprint="x")
    ruling = sast(change(scans=scans(scan("bandit", low, finding()))), POLICY)
    assert ruling.message.startswith("1 new finding (1 high), first src/a.py:3: B602")


def test_an_exclusion_lets_its_finding_through_until_its_last_day() -> None:
    facts = change(scans=scans(scan("bandit", finding())))
    assert sast(facts, excluding(rule="sast", finding="b602")).verdict is Verdict.PASS
    assert sast(facts, excluding(rule="sast", paths="src/*")).verdict is Verdict.PASS
    assert sast(facts, excluding(rule="sast", finding="B602", expires="2026-11-21")).verdict is Verdict.PASS
    for other in (
        {"rule": "sast", "finding": "B602", "expires": "2026-11-20"},
        {"rule": "sast", "finding": "B101"},
        {"rule": "sast", "finding": "B602", "paths": ["tests/*"]},
        {"rule": "lint", "finding": "B602"},
    ):
        assert sast(facts, excluding(**other)).verdict is Verdict.FAIL


def test_no_exclusion_lets_the_unknown_through() -> None:
    facts = change(scans=scans(scan("bandit", state=ScanState.CRASHED)))
    assert sast(facts, excluding(rule="sast", paths="*")).verdict is Verdict.UNDETERMINED


def test_a_changed_file_that_no_scanner_was_given_is_unknown() -> None:
    facts = change(files=(file(), file("src/b.py")))
    for rule in (lint, sast, secrets):
        assert rule(facts, POLICY).verdict is Verdict.UNDETERMINED
        assert "no scanner was given src/b.py" in rule(facts, POLICY).message
    assert sast(change(files=(file(), file("notes.txt"))), POLICY).verdict is Verdict.PASS
    assert secrets(change(files=(file(), file("notes.txt"))), POLICY).verdict is Verdict.UNDETERMINED
    assert secrets(facts, excluding(rule="secrets", paths="src/b.py")).verdict is Verdict.PASS


@pytest.mark.parametrize(
    "told", [{"status": "D"}, {"binary": True}, {"size": 0}, {"mode": "120000"}, {"mode": "160000"}]
)
def test_what_has_no_text_need_not_be_read(told: dict) -> None:
    assert secrets(change(files=(file(), file(**{"path": "src/b.py", **told}))), POLICY).verdict is Verdict.PASS


def test_nothing_to_read_is_no_pass_but_a_skip_and_only_when_the_scanner_lives() -> None:
    empty = tuple(scan(name, files_given=(), files_read=()) for name in ("ruff",))
    deleted = (file(status="D"),)
    assert lint(change(files=deleted, scans=empty), POLICY).verdict is Verdict.SKIP
    dead = (empty[0].model_copy(update={"alive": False}),)
    assert lint(change(files=deleted, scans=dead), POLICY).verdict is Verdict.UNDETERMINED


def test_each_scan_says_what_it_read() -> None:
    assert "bandit 1: completed, exit code 0, 1 of 1 files read, 0 findings" in sast(change(), POLICY).evidence
    timed_out = sast(change(scans=scans(scan("bandit", state=ScanState.TIMED_OUT, exit_code=None, version=""))), POLICY)
    assert "bandit: timed out, did not end, 1 of 1 files read, 0 findings" in timed_out.evidence
    assert sast(change(), POLICY).files_read == 1


def test_a_finding_of_a_package_names_it() -> None:
    told = finding(package="jinja2", version="2.10", line=None, hint="")
    assert place(told) == "src/a.py: B602 (high, bandit) jinja2 2.10: a shell reads what a caller wrote"
    assert "jinja2:" in place(finding(package="jinja2"))


@given(
    which=st.sampled_from(list(RULES)),
    words=st.sampled_from(list(UNKNOWN)),
    old=st.booleans(),
    found=st.lists(st.sampled_from(list(Severity)), max_size=4),
    paths=st.sampled_from(["*", "src/*", "nothing"]),
)
def test_an_unknown_scan_never_passes_whatever_else_is_true(which, words, old, found, paths) -> None:
    rule, scanner = RULES[which]
    told = [finding(scanner, severity=one, fingerprint=str(at)) for at, one in enumerate(found)]
    bad = scans(scan(scanner, *told, **UNKNOWN[words]))
    facts = change(scans=bad, base_scans=scans(scan(scanner, *told)) if old else ())
    assert rule(facts, excluding(rule=which, paths=[paths])).verdict.rank >= Verdict.UNDETERMINED.rank
