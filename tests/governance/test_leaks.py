"""Canary secrets in each place that something is written down in are found; what leaks is told without its value."""

import json

import pytest

from adapters.scanner.leaks import secrets_of
from adapters.scanner.quoting import masked, secret_values, without_source
from domain.execution import EventDraft, Step
from domain.findings import Finding, Leak, Severity
from domain.governance import Verdict
from policy.governance.rules_scans import secrets
from resources.desks import review_desk
from resources.governance.leaks import OURS, Unsearched, leaks_of
from resources.governance.pulls import subject_of_pull
from resources.governance.source import Source, mirror_of
from resources.governance.verdict import govern
from tests.policy.governance.changes import POLICY, change, excluding
from tests.support.factory import make_world
from tests.support.repositories import commit

AWS = "AKIA" + "QYLPMN5HFIQR7XYB"
TOKEN = "gh" + "p_" + "R8kQ2vXw7LzNc4TbYd9MhJf3GsPa6UeV1Ko5"
PEM = "-----BEGIN " + "RSA PRIVATE KEY-----"


@pytest.fixture
def world(tmp_path, monkeypatch):
    monkeypatch.setenv("FACTORY_ALERT_COMMAND", json.dumps(["sh", "-c", f"cat >> {tmp_path}/alerts"]))
    return make_world(tmp_path, autonomy="autonomous")


def delivered(world, **front):
    """Run a ticket to its pull request; return the source of its head."""
    ticket = world.file(**front)
    assert world.run(ticket) is None
    return ticket


def source_of(world, ticket):
    repository = world.factory.lookup.repository("calc")
    desk = review_desk(world.factory, repository)
    pull = desk.pull(repository, world.factory.lookup.pull_request(ticket.id).number)
    subject = subject_of_pull(world.factory, repository, pull, desk.obtain(repository, pull), ("secrets",))
    return Source(mirror_of(world.factory.settings, repository.remote), subject)


def places(world, ticket):
    return [one.place for one in leaks_of(world.factory, source_of(world, ticket))]


def test_a_clean_run_has_none(world):
    ticket = delivered(world)
    assert places(world, ticket) == []
    assert govern(world.factory, source_of(world, ticket).subject, print_nothing).verdicts[0].rule == "secrets"


def print_nothing(_line: str) -> None: ...


def plant_event(world, lease):
    draft = EventDraft(name="sandbox_removed", payload={"backend": AWS, "sandbox": "x"})
    world.factory.run_ledger.record_event(draft, lease=lease.ref, now=world.factory.now())
    return f"events of {lease.ticket_id}"


def plant_artifact(kind, name):
    def plant(world, lease):
        ref = world.factory.artifacts.put(f"line\n{TOKEN}\n".encode(), kind=kind, name=name)
        world.factory.evidence.add_artifact(lease.ref, ref, now=world.factory.now())
        return f"{kind} {name} of {lease.run_id}"

    return plant


@pytest.mark.parametrize(
    "plant", [plant_event, plant_artifact("log", "verify.log"), plant_artifact("transcript", "transcript.jsonl")]
)
def test_a_canary_that_was_written_down_is_found_blocks_and_alerts(world, plant):
    ticket = world.file()
    lease = world.dispatch(ticket)
    presented = world.present(lease)
    world.steps(presented, tuple(Step)[:-2])
    place = plant(world, lease)
    world.steps(presented, tuple(Step)[-2:])
    assert places(world, ticket) == [place]
    report = govern(world.factory, source_of(world, ticket).subject, print_nothing)
    (verdict,) = report.verdicts
    assert (verdict.verdict, place in verdict.message) == (Verdict.FAIL, True)
    alerts = (world.factory.settings.home.parent / "alerts").read_text()
    assert ("secret_leaked" in alerts, place in alerts) == (True, True)
    assert not {AWS, TOKEN} & {word for one in (*stored(world), alerts) for word in (AWS, TOKEN) if word in one}


def stored(world):
    """Return reports and facts that were stored of governance."""
    return [json.dumps(one.model_dump(mode="json")) for one in world.factory.governance.reports(limit=10)]


def test_a_canary_in_the_manifest_is_found(world):
    ticket = delivered(world, body=f"Deploy with {AWS}, please.")
    assert places(world, ticket)[0] == f"manifest of {ticket.id}"


def test_a_canary_in_a_commit_message_is_found_and_one_that_the_base_has_is_no_news(tmp_path):
    known = make_world(tmp_path / "known", files={"calc.py": f"KEY = '{AWS}'\ndef double(x):\n    return x * 2\n", "test_calc.py": TEST}, autonomy="autonomous")  # fmt: skip
    assert places(known, delivered(known, title=f"Drop {AWS}")) == []
    fresh = make_world(tmp_path / "fresh", autonomy="autonomous")
    told = places(fresh, delivered(fresh, title=f"Drop {AWS}"))
    assert any(one.startswith("commit ") for one in told)


TEST = "import unittest\nimport calc\n\n\nclass Double(unittest.TestCase):\n    def test_it(self):\n        self.assertEqual(calc.double(2), 4)\n"


def test_a_secret_of_the_factory_itself_is_found_whatever_its_shape(world, monkeypatch):
    monkeypatch.setenv("FACTORY_SECRET_MODEL", "correct horse battery")
    ticket = delivered(world, body="say: correct horse battery")
    leaks = leaks_of(world.factory, source_of(world, ticket))
    assert {one.kind for one in leaks} == {OURS}


def test_what_is_missing_or_too_large_leaves_it_open(world, monkeypatch):
    ticket = delivered(world)
    monkeypatch.setattr("resources.governance.leaks.EACH_BYTES", 1)
    with pytest.raises(Unsearched):
        places(world, ticket)
    report = govern(world.factory, source_of(world, ticket).subject, print_nothing)
    assert (report.verdict, "could not be searched" in report.verdicts[0].message) == (Verdict.UNDETERMINED, True)


LEAK = Leak(place="log verify.log of T-1-r1", line=3, kind="AWS Access Key")


@pytest.mark.parametrize(
    ("leaks", "verdict"), [((), Verdict.PASS), (None, Verdict.UNDETERMINED), ((LEAK,), Verdict.FAIL)]
)
def test_the_rule_on_leaks(leaks, verdict):
    ruling = secrets(change(leaks=leaks), POLICY)
    assert ruling.verdict is verdict


def test_a_leak_that_people_looked_at_can_be_excluded():
    policy = excluding(rule="secrets", paths="log verify.log*", finding="AWS Access Key")
    assert secrets(change(leaks=(LEAK,)), policy).verdict is Verdict.PASS


@pytest.mark.parametrize("secret", [AWS, TOKEN, PEM])
@pytest.mark.parametrize("before", [0, 100, 7_990, 7_999, 50_000])
def test_long_lines_hide_nothing(secret, before):
    found = list(secrets_of("x\n" + "y " * (before // 2) + secret + " z" * 9_000))
    assert {one.line for one in found} == {2}
    assert secret not in repr(found)


def test_much_text_is_looked_through_line_by_line():
    text = "word " * 400_000
    assert list(secrets_of(text)) == []


REPORT = {
    "results": [{"code": f"4 key = '{AWS}'", "issue_text": "Possible hardcoded password: 'hunter22'", "line_number": 4}],
    "fix": {"edits": [{"content": AWS}]}, "extra": {"lines": AWS, "metavars": {"$X": {"abstract_content": AWS}}},
}  # fmt: skip


def test_reports_are_stored_without_what_they_quote():
    told = without_source(json.dumps(REPORT))
    assert told is not None
    assert (AWS in told, "hunter22" in told) == (False, False)
    assert json.loads(told)["results"][0]["line_number"] == 4


@pytest.mark.parametrize("text", ["", "no json", "[" * 100_000, "{'a': 1}"])
def test_what_is_no_json_is_no_report(text):
    assert without_source(text) is None


def finding(rule: str) -> Finding:
    return Finding(scanner="x", rule=rule, severity=Severity.HIGH, path="a.py", line=1, text="t", fingerprint="f")


@pytest.mark.parametrize(
    ("scanner", "rule", "line"),
    [
        ("bandit", "B105", 'password = "hunter22"'),
        ("ruff-security", "S105", "password = 'hunter22'"),
        ("gitleaks", "any", "key: hunter22"),
        ("detect-secrets", "secret-keyword", "key=hunter22"),
        ("detect-secrets", "x", "Authorization hunter2hunter22abc"),
    ],
)
def test_a_value_that_one_scanner_saw_is_masked_in_what_all_wrote(scanner, rule, line):
    values = set(secret_values(scanner, [finding(rule)], lambda _path: [line]))
    assert "hunter22" not in masked(f"another said {line}", values)


def test_other_findings_mask_nothing():
    assert list(secret_values("bandit", [finding("B602")], lambda _path: ["run('ls -l', shell=True)"])) == []


def test_the_stored_logs_of_a_change_with_secrets_have_none(judge, tmp_path):
    source = (
        f'import subprocess\n\npassword = "hunter2-of-mine"\nkey = "{AWS}"\nsubprocess.call("ls {TOKEN}", shell=True)\n'
    )
    judge.change({"calc.py": source, "deploy.cfg": f"token = {TOKEN}\n"})
    said = judge.run()
    assert said.rule("secrets")["verdict"] == "fail"
    kept = [path for path in (tmp_path / "home").rglob("*") if path.is_file() and "checkouts" not in path.parts]
    assert [path for path in kept if path.suffix == ".log"]
    for secret in ("hunter2-of-mine", AWS, TOKEN):
        assert [path for path in kept if secret.encode() in path.read_bytes()] == []
        assert secret not in said.out + said.err


def test_commits_are_searched_of_any_change(judge):
    commit(judge.source, {"a.txt": "a\n"}, f"use {AWS}")
    said = judge.run("secrets")
    assert said.code == 1
    assert "commit " in said.rule("secrets")["message"]
