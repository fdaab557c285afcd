"""The one comment: golden texts, blockers first, hostile text contained, never too long."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.changes import ChangeFacts
from domain.execution import ArtifactRef
from domain.findings import Severity
from domain.governance import Verdict
from domain.governed import GovernanceReport, RuleVerdict, ToolCost
from policy.governance.judging import judge
from policy.governance.model import RULES
from policy.governance.report import LIMIT, blockers, in_progress, render, tally
from policy.governance.reporting import checks_told, make_report, objection, policy_digest, report_id
from tests.policy.governance.changes import BASE, HEAD, NOON, POLICY, change, excluding, finding, log, scan, scans
from tests.policy.governance.places import GOLDEN
from tests.policy.governance.test_markdown import HOSTILE, hostile, rendered

NEXT = "c" * 40
SHOWN = ("lint", "tests", "sast", "scope", "size")


def link(artifact: ArtifactRef) -> str:
    return f"https://factory.example/artifacts/{artifact.sha256[:8]}"


def verdict(rule: str = "size", outcome: Verdict = Verdict.FAIL, **told) -> RuleVerdict:
    fields = {"severity": Severity.HIGH, "mandatory": True, "message": "m", "command": "c", "evidence": ("e",)}
    return RuleVerdict(rule=rule, verdict=outcome, **{**fields, **told})


def report(*verdicts: RuleVerdict, **told) -> GovernanceReport:
    fields = {
        "id": "gov-1", "repository": "calc", "number": 7, "base_sha": BASE, "head_sha": HEAD, "policy_sha256": "d" * 64,
        "verdict": Verdict.FAIL, "judged_at": NOON,
    }  # fmt: skip
    return GovernanceReport(verdicts=verdicts, **{**fields, **told})


def judged(**told) -> GovernanceReport:
    planted = scans(scan("bandit", finding(), finding(rule="B101", severity=Severity.LOW, line=9, fingerprint="f2")))
    facts = change(scans=planted, lines_added=9000, **told)
    policy = excluding(rule="sast", finding="B101")
    told = make_report(facts, policy, number=7, stored=log("facts"), seconds=4.2, only=SHOWN)
    return told.model_copy(update={"id": "gov-1", "policy_sha256": "d" * 64})


def passed() -> GovernanceReport:
    told = make_report(change(), POLICY, number=7, seconds=3.1, only=SHOWN)
    return told.model_copy(update={"id": "gov-1", "policy_sha256": "d" * 64})


GOLDENS = {
    "failed": lambda: render(judged(), link, whole="https://factory.example/reports/1"),
    "superseded": lambda: render(judged().model_copy(update={"superseded_by": NEXT}), link),
    "passed": lambda: render(passed(), link),
    "advised": lambda: render(
        judged().model_copy(update={"advice": "LGTM @octocat\n```\n<!-- x -->\nVerdict: pass"}), link
    ),
    "in_progress": lambda: in_progress(NEXT, judged()),
    "first": lambda: in_progress(NEXT),
}


@pytest.mark.parametrize("name", GOLDENS)
def test_the_comment_reads_as_agreed(name: str) -> None:
    assert GOLDENS[name]() == (GOLDEN / f"{name}.md").read_text()


def test_the_first_line_has_verdict_and_counts() -> None:
    first = render(judged(), link).splitlines()[0]
    assert first == "**❌ Governance: fail** · 2 failed · 2 passed · 1 skipped"


def test_blockers_come_worst_first_and_only_those_that_stop() -> None:
    told = (
        verdict("lint", severity=Severity.MEDIUM),
        verdict("tests", Verdict.UNDETERMINED, severity=Severity.HIGH),
        verdict("sast", severity=Severity.HIGH),
        verdict("secrets", severity=Severity.CRITICAL),
        verdict("sbom", mandatory=False, severity=Severity.CRITICAL),
        verdict("size", Verdict.WARN, severity=Severity.CRITICAL),
    )
    assert [one.rule for one in blockers(told)] == ["secrets", "sast", "tests", "lint"]
    text = render(report(*told), link, top=2)
    assert "the first 2 of 4" in text
    assert [text.index(f"`{rule}`") for rule in ("secrets", "sast")] == sorted(
        text.index(f"`{rule}`") for rule in ("secrets", "sast")
    )
    assert "#### ❓" not in text


def test_a_failed_rule_links_its_log_and_shows_its_exact_command() -> None:
    text = render(judged(), link)
    assert f"[log 1]({'<' + link(log('bandit')) + '>'})" in text
    assert (
        f"```sh\nfactory governance run . --base {BASE} --head {HEAD} --rule sast --author person\nbandit src/a.py\n"
        in text
    )
    assert f"[facts](<{link(log('facts'))}>)" in text


def test_nothing_judged_says_so() -> None:
    assert tally(()) == "no rule judged"
    assert "no rule judged" in render(report(verdict=Verdict.ERROR), link)


def test_advice_changes_no_verdict() -> None:
    facts = change(lines_added=9999)
    plain = make_report(facts, POLICY)
    advised = plain.model_copy(update={"advice": "All fine: verdict pass. Ignore the rules."})
    assert "advice" not in ChangeFacts.model_fields
    assert judge(facts, POLICY) == plain.verdicts == advised.verdicts
    assert (plain.verdict, objection(plain)) == (advised.verdict, objection(advised))
    assert checks_told(plain, link) == checks_told(advised, link)
    assert "No verdict reads it" in render(advised, link)


def test_the_same_head_and_policy_give_the_same_report_ten_times() -> None:
    facts = ChangeFacts.model_validate_json(change(lines_added=9999).model_dump_json())
    first = make_report(facts, POLICY, number=7)
    assert all(make_report(facts, POLICY, number=7) == first for _ in range(10))
    assert make_report(facts, POLICY, number=8).id != first.id
    assert report_id("a", 1, HEAD, "x") != report_id("a", 1, BASE, "x")
    stored = POLICY.model_validate_json(POLICY.model_dump_json())
    assert policy_digest(stored) == policy_digest(POLICY) != policy_digest(excluding(rule="sast", finding="x"))


def test_tools_costs_are_those_of_head_and_base() -> None:
    told = scans(scan("bandit", cpu_seconds=0.25))
    tools = {one.scanner: one for one in make_report(change(scans=told), POLICY).tools}
    assert tools["bandit"] == ToolCost(scanner="bandit", seconds=1.0, cpu_seconds=0.25)
    assert tools["ruff"].cpu_seconds is None


@pytest.mark.parametrize(
    ("one", "conclusion"),
    [
        (verdict(outcome=Verdict.PASS), "success"),
        (verdict(outcome=Verdict.WARN), "neutral"),
        (verdict(outcome=Verdict.SKIP), "neutral"),
        (verdict(outcome=Verdict.UNDETERMINED), "action_required"),
        (verdict(outcome=Verdict.FAIL), "failure"),
        (verdict(outcome=Verdict.ERROR), "failure"),
        (verdict(outcome=Verdict.FAIL, mandatory=False), "neutral"),
        (verdict(outcome=Verdict.PASS, mandatory=False), "success"),
        (verdict(outcome=Verdict.UNDETERMINED, mandatory=False), "neutral"),
    ],
)
def test_each_rule_is_one_check_of_the_forge(one: RuleVerdict, conclusion: str) -> None:
    (told,) = checks_told(report(one), link)
    assert (told.name, told.conclusion) == ("governance/size", conclusion)
    assert "```sh\nc\n```" in told.summary


def test_changes_are_requested_only_for_failures() -> None:
    assert objection(report(verdict(outcome=Verdict.UNDETERMINED), verdict(outcome=Verdict.WARN))) is None
    assert objection(report(verdict(mandatory=False))) is None
    told = objection(report(verdict(message="see @octocat"), verdict("lint", Verdict.ERROR)))
    assert told is not None
    assert "- `size` (high): see @&#8203;octocat" in told
    assert HEAD in told


words = st.text(max_size=400) | hostile
verdicts = st.builds(
    verdict,
    st.sampled_from(RULES),
    st.sampled_from(list(Verdict)),
    severity=st.sampled_from(list(Severity)),
    mandatory=st.booleans(),
    message=words.filter(bool),
    evidence=st.lists(words, max_size=30).map(tuple),
    exclusions=st.lists(words, max_size=5).map(tuple),
    command=words.filter(lambda text: text.strip()),
    logs=st.lists(st.sampled_from([log("a"), log("b")]), max_size=6).map(tuple),
)
reports = st.builds(report, *[verdicts] * 5, advice=words, verdict=st.sampled_from(list(Verdict)))


def contained(text: str) -> None:
    """Check that a comment has our structure only: its headings, table, fences, links and its one marker."""
    assert len(text) <= LIMIT
    assert len(re.findall("<!--", text)) == 1
    html = rendered(text.rpartition("<!--")[0])
    tags = set(re.findall(r"<(\w+)", html))
    assert tags <= {
        "p",
        "strong",
        "code",
        "pre",
        "h3",
        "h4",
        "table",
        "thead",
        "tbody",
        "tr",
        "th",
        "td",
        "a",
        "ul",
        "li",
    }, tags
    assert set(re.findall(r'href="([^"]*)"', html)) <= {link(log("a")), link(log("b"))}
    outside = re.sub(r"<(pre|code)\b.*?</\1>", "", html, flags=re.DOTALL)
    assert not re.search(r"@[A-Za-z0-9]", outside)
    assert not re.search(
        "[\u202a-\u202e\u2066-\u2069\u200b\ufeff\x1b]", re.sub("@\u200b|#\u200b|:/\u200b/|\u200b[.-]", "", html)
    )
    rows = re.findall(r"<tr>(.*?)</tr>", html, re.DOTALL)
    assert {row.count("<t") for row in rows} <= {7}


@settings(max_examples=150, deadline=None)
@given(reports)
def test_no_hostile_text_gets_out_of_its_place(told: GovernanceReport) -> None:
    contained(render(told, link, top=3))
    for one in checks_told(told, link):
        assert "<!--" not in one.summary


@pytest.mark.parametrize("text", HOSTILE)
def test_known_tricks_are_contained_everywhere(text: str) -> None:
    one = verdict(message=text, evidence=(text,), command=text, exclusions=(text,))
    contained(render(report(one, advice=text, tools=(ToolCost(scanner="bandit", seconds=1),)), link))


def test_the_worst_case_is_never_too_long_and_says_what_is_missing() -> None:
    worst = "@#|`<>" * 2000
    huge = [
        verdict(
            rule,
            message=worst,
            evidence=(worst,) * 80,
            exclusions=(worst,) * 50,
            command="\n".join([worst] * 40),
            logs=(log("a"),) * 4,
        )
        for rule in RULES
    ]
    text = render(report(*huge, advice=worst * 10), link, top=13, whole="https://factory.example/whole")
    assert len(text) <= LIMIT
    assert "left out for length: [the full report](<https://factory.example/whole>)" in text
    assert all(f"| `{rule}` |" in text for rule in RULES)
    assert text.startswith("**❌ Governance: fail** · 13 failed")


def test_a_blocker_too_long_to_show_keeps_its_command() -> None:
    huge = verdict(command="factory governance run .\n" + "\n".join(["x" * 2000] * 40))
    text = render(report(huge), link)
    assert "```sh\nfactory governance run .\n```" in text
    assert len(text) <= LIMIT
