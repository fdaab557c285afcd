"""Unknown never passes: scanners that are missing, crash, hang, lie or are switched off; and replays."""

import json
from pathlib import Path

import pytest

from domain.governance import Verdict
from policy.governance.rules import RULESET
from policy.governance.shape import Ruling
from tests.support.repositories import git

CALC = "def double(x):\n    return 2 * x\n"
FAKES = {
    "crashes": "#!/bin/sh\nexit 70\n",
    "dies": "#!/bin/sh\nkill -SEGV $$\n",
    "hangs": "#!/bin/sh\nsleep 600\n",
    "says nothing": "#!/bin/sh\nexit 0\n",
    "says that all is well": '#!/bin/sh\necho \'{"errors": [], "metrics": {"_totals": {}}, "results": []}\'\n',
    "is not JSON": "#!/bin/sh\necho 'Traceback (most recent call last):'\nexit 1\n",
    "never stops talking": "#!/bin/sh\nyes '{' | head -c 70000000\n",
}


def put(tmp_path: Path, monkeypatch, script: str) -> None:
    fake = tmp_path / "fake-bandit"
    fake.write_text(script)
    fake.chmod(0o755)
    monkeypatch.setenv("FACTORY_SCANNERS", json.dumps({"bandit": {"executable": str(fake), "timeout": 3}}))


@pytest.mark.parametrize("kind", FAKES)
def test_a_scanner_that_says_nothing_of_use_is_undetermined(judge, tmp_path, monkeypatch, kind):
    judge.change({"calc.py": CALC})
    assert judge.run("sast").code == 0
    put(tmp_path, monkeypatch, FAKES[kind])
    said = judge.run("sast")
    assert (said.code, said.rule("sast")["verdict"]) == (3, "undetermined")
    assert "bandit" in said.rule("sast")["message"]


def test_a_missing_one_is_undetermined_and_doctor_tells_what_to_do(judge, tmp_path, monkeypatch):
    judge.change({"calc.py": CALC})
    monkeypatch.setenv("FACTORY_SCANNERS", json.dumps({"bandit": {"executable": "/nowhere/bandit"}}))
    assert "bandit missing" in judge.run("sast").rule("sast")["message"]
    monkeypatch.delenv("FACTORY_SCANNERS")
    monkeypatch.setenv("FACTORY_SCANNERS_DIR", str(tmp_path / "empty"))
    said = judge.run()
    assert (said.code, said.document["verdict"]) == (3, "undetermined")
    told = next(one for one in judge.call("doctor", "--json").document["checks"] if one["name"] == "scanners")
    assert "bandit" in told["detail"]
    assert "install-scanners" in told["remedy"]


def test_one_that_is_switched_off_did_not_run(judge, monkeypatch):
    judge.change({"calc.py": CALC})
    monkeypatch.setenv("FACTORY_SCANNERS", json.dumps({"bandit": {"enabled": False}}))
    said = judge.run("sast")
    assert said.code == 3
    assert "bandit did not run" in said.rule("sast")["message"]


def test_checks_that_cannot_be_run_do_not_pass(judge):
    base = judge.change({"Makefile": "all:\n"})
    judge.change({"calc.py": CALC})
    said = judge.run("tests", base=base)
    assert said.code == 3
    assert "no verify command" in said.err


SWITCHED_OFF = {
    ".factory/governance.yaml": "rules: {sast: {enabled: false}}\nexclusions:\n"
    "  - {rule: sast, paths: ['*'], reason: because I say so, expires: 2099-01-01}\n",
    ".factory.yaml": "verify: ['true']\n",
    "pyproject.toml": "[tool.bandit]\nexclude_dirs = ['.']\n[tool.ruff]\nexclude = ['*']\n",
    ".bandit": "[bandit]\nexclude = /\n",
    ".semgrepignore": "*\n",
    ".gitattributes": "*.py binary -diff linguist-generated\n",
    ".gitignore": "*\n",
    "Makefile": "test:\n\ttrue\n",
}


def test_the_changes_own_configuration_and_policy_change_nothing(judge):
    (judge.source / "calc.py").write_text("import pickle\n\n\ndef load(b):\n    return pickle.loads(b)  # nosec\n")
    git(judge.source, "add", "-f", "calc.py")
    for name, text in SWITCHED_OFF.items():
        path = judge.source / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
        git(judge.source, "add", "-f", name)
    git(judge.source, "commit", "-q", "-m", "switch it off")
    said = judge.run("sast")
    assert said.rule("sast")["verdict"] == "fail"


def test_the_bases_own_policy_counts_and_a_broken_one_stops_everything(judge):
    base = judge.change({".factory/governance.yaml": "size: {max_files: 1}\n"})
    judge.change({"a.txt": "a\n", "b.txt": "b\n"})
    assert judge.run("size", base=base).code == 1
    broken = judge.change({".factory/governance.yaml": "size: {max_files: many}\n"})
    judge.change({"c.txt": "c\n"})
    said = judge.run("size", base=broken)
    assert said.code == 1
    assert "governance.yaml:1" in said.document["error"]["message"]


def test_a_stored_report_is_judged_again_to_the_same_verdicts(judge, tmp_path):
    judge.change({"calc.py": "import pickle\n" + CALC})
    judge.run()
    stored = judge.call("governance", "list", "--json").document["reports"]
    assert [one["repository"] for one in stored] == ["shop"]
    name = stored[0]["id"]
    assert all(judge.call("governance", "replay", name).code == 0 for _ in range(10))
    shown = judge.call("governance", "show", name, "--json").document
    assert shown["id"] == name
    assert judge.call("governance", "show", name, "--markdown").out.startswith("**")
    facts = tmp_path / "home" / "artifacts" / shown["facts"]["sha256"][:2] / f"{shown['facts']['sha256']}.json"
    facts.write_text(facts.read_text().replace("calc.py", "calk.py"))
    said = judge.call("governance", "replay", name, "--json")
    assert (said.code, said.document["error"]["code"]) == (1, "input.not_found")


def test_a_replay_that_differs_names_the_difference(judge, monkeypatch):
    judge.change({"a.bin": bytes(range(256))})
    judge.run()
    name = judge.call("governance", "list", "--json").document["reports"][0]["id"]
    monkeypatch.setitem(RULESET, "size", _pass)
    said = judge.call("governance", "replay", name, "--json")
    assert (said.code, said.document["equal"]) == (1, False)
    assert any(one.startswith("size: fail, now pass") for one in said.document["differences"])


def _pass(_facts, _policy):
    return Ruling(Verdict.PASS, "whatever")


def test_a_report_on_one_rule_is_not_kept_as_the_whole(judge):
    judge.change({"calc.py": CALC})
    judge.run("size")
    assert judge.call("governance", "list", "--json").document["reports"] == []
