"""What governance let through is found after the merge, and counted; the target for critical ones is 0."""

import pytest

from domain.findings import Severity
from domain.governance import Verdict
from policy.governance.escapes import Escapes, escapes_of
from tests.policy.governance.test_report import report, verdict
from tests.support.factory import make_world

SHA = "c" * 40


def merged_report(*rules, sha=SHA, number=1):
    return report(*rules).model_copy(update={"repository": "calc", "number": number, "head_sha": sha})


def rule(name, outcome=Verdict.FAIL, severity=Severity.CRITICAL, mandatory=True):
    return verdict(name, outcome).model_copy(update={"severity": severity, "mandatory": mandatory})


@pytest.mark.parametrize(
    ("rules", "escaped", "critical"),
    [
        ([rule("secrets", Verdict.PASS)], 0, 0),
        ([rule("secrets")], 1, 1),
        ([rule("secrets", Verdict.ERROR), rule("lint", severity=Severity.MEDIUM)], 2, 1),
        ([rule("secrets", mandatory=False)], 0, 0),
        ([rule("secrets", Verdict.UNDETERMINED)], 0, 0),
    ],
)
def test_failed_mandatory_rules_on_merge_commits_count(rules, escaped, critical):
    told = escapes_of([merged_report(*rules)], {("calc", 1): SHA})
    assert told == Escapes(rescanned=1, escaped=escaped, escaped_critical=critical)


@pytest.mark.parametrize("merged", [{}, {("calc", 1): "d" * 40}, {("calc", 2): SHA}, {("other", 1): SHA}])
def test_reports_on_anything_else_do_not(merged):
    assert escapes_of([merged_report(rule("secrets"))], merged) == Escapes()


@pytest.fixture
def ship(call, tmp_path):
    """Return a function that has a command's change merged and rescanned."""

    def shipped(command):
        world = make_world(tmp_path, autonomy="autonomous")
        ticket = world.file(title="Tidy calc", commands=[command])
        assert world.run(ticket) is None
        assert call("ship", ticket.id, "--reason", "fine").code == 0
        return call("governance", "rescan", "--json")

    return shipped


def test_a_clean_merge_leaves_the_count_at_zero(ship, call):
    said = ship("printf '\\n\\ndef more():\\n    return double(1)\\n' >> calc.py")
    assert said.code == 0, said.err
    assert (said.document["rescanned"], said.document["escaped"]) == (1, 0)
    assert [one["verdict"] for one in said.document["judged"]] == ["pass"]
    assert call("governance", "rescan", "--json").document["judged"] == []


def test_a_secret_that_was_merged_is_found_and_the_metric_rises(ship, call):
    said = ship("""printf 'password = "%s"\\n' hunter2-of-mine-77 > deploy.cfg""")
    assert said.code == 1
    assert (said.document["escaped_critical"], said.document["judged"][0]["verdict"]) == (1, "fail")
    kpi = call("kpi", "--json").document
    assert (kpi["rescanned"], kpi["escaped_critical"]) == (1, 1)
    again = call("governance", "rescan", "calc#1", "--json").document
    assert (again["rescanned"], again["escaped_critical"]) == (1, 1)


@pytest.mark.parametrize("what", ["calc#1", "nothing", "calc#99999999999999999999", "../x#1", "#"])
def test_only_what_was_merged_can_be_judged_so(call, tmp_path, what):
    make_world(tmp_path)
    said = call("governance", "rescan", what, "--json")
    assert (said.code, said.document["error"]["code"]) == (1, "input.not_found")
