"""One planted defect a rule blocks with that rule; its clean twin does not."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from tests.adapters.registry.answers import npm_registry, python_index
from tests.adapters.registry.servers import registry_stand_in
from tests.support.osv import CANARIES, osv_stand_in, record

AWS = "AKIA" + "QYLPMN5HFIQR7XYB"
WORKFLOW = "on: push\njobs: {a: {runs-on: x, steps: [{run: make}]}}\n"
RAISED = "on: pull_request_target\npermissions: write-all\njobs: {a: {runs-on: x, steps: [{run: make}]}}\n"
CALC = "def double(x):\n    return x * 2\n"

DEFECTS = [
    ("lint", {"calc.py": CALC + "\n\ndef total():\n    return undefined_name\n"}),
    ("lint", {"calc.py": CALC + "\n\ndef total():\n    return undefined_name  # noqa\n"}),
    ("tests", {"calc.py": CALC.replace("2", "3")}),
    ("sast", {"calc.py": "import pickle\n\n" + CALC + "\n\ndef load(b):\n    return pickle.loads(b)\n"}),
    (
        "sast",
        {"calc.py": "import pickle\n\n" + CALC + "\n\ndef load(b):\n    return pickle.loads(b)  # nosec nosemgrep\n"},
    ),
    ("secrets", {"deploy.cfg": f'key = "{AWS}"\n'}),
    ("secrets", {"deploy.cfg": f'key = "{AWS}"  # gitleaks:allow pragma: allowlist secret\n'}),
    ("workflows", {".github/workflows/a.yml": RAISED}),
    ("protected", {"SECURITY.md": "Tell nobody.\n"}),
    ("protected", {"docs/CODEOWNERS": "* @me\n"}),
    ("protected", {"uv.lock": "version = 1\n"}),
    ("size", {"tool.bin": bytes(range(256)) * 8}),
    ("size", {"a.txt": "line\n" * 6000}),
]
TWINS = {
    "lint": {"calc.py": CALC + "\n\ndef total():\n    return double(1)\n"},
    "tests": {"calc.py": CALC.replace("x * 2", "2 * x")},
    "sast": {"calc.py": "import json\n\n" + CALC + "\n\ndef load(b):\n    return json.loads(b)\n"},
    "secrets": {
        "deploy.cfg": 'key = "from the provider"\n',
        "form.json": '{\n "password": null,\n "token": true\n}\n',
        "keys.py": "API_KEY_HEADER = 'X-API-Key'\nPASSWORD = None\n",
    },
    "protected": {"pyproject.toml": "[project]\nname = 'shop'\n", "uv.lock": "version = 1\n"},
    "workflows": {".github/workflows/a.yml": WORKFLOW},
    "size": {"a.txt": "line\n" * 60},
}  # fmt: skip


@pytest.mark.parametrize(("rule", "files"), DEFECTS)
def test_a_planted_defect_blocks_with_its_rule(judge, rule, files):
    judge.change(files)
    said = judge.run(rule)
    assert (said.code, said.document["verdict"], said.rule(rule)["verdict"]) == (1, "fail", "fail")
    assert said.rule(rule)["command"].startswith("factory governance run . --base ")


@pytest.mark.parametrize("rule", TWINS)
def test_its_clean_twin_passes(judge, rule):
    judge.change(TWINS[rule])
    said = judge.run(rule)
    assert (said.code, said.document["verdict"]) == (0, "pass"), said.rule(rule)


def test_what_the_factory_may_not_change_by_the_way_a_person_is_warned_of(judge):
    judge.change({"SECURITY.md": "Tell nobody.\n"})
    said = judge.run("protected", words=("--author", "person"))
    assert (said.code, said.rule("protected")["verdict"]) == (0, "warn")
    assert said.rule("protected")["command"].splitlines()[0].endswith("--rule protected --author person")


def test_a_commit_that_says_it_is_the_factorys_and_is_not(judge):
    judge.change({"calc.py": CALC + "# twice\n"}, "Say twice")
    assert judge.run("provenance").rule("provenance")["verdict"] == "skip"
    judge.change({"calc.py": CALC + "# two times\n"}, "Say two times\n\nFactory-Ticket: T-1\nFactory-Run: run-1\n")
    said = judge.run("provenance")
    assert (said.code, said.rule("provenance")["verdict"]) == (1, "fail")
    assert judge.run("provenance", words=("--author", "person")).code == 0


def test_a_clean_change_passes_every_rule_and_looks_as_it_was_promised(judge):
    head = judge.change(TWINS["lint"])
    said = judge.run()
    assert said.code == 0, said.out
    assert set(said.document) == {"verdict", "base_sha", "head_sha", "verdicts"}
    assert said.document["head_sha"] == head
    assert all(
        list(one) == ["rule", "verdict", "severity", "mandatory", "message", "evidence", "command", "files_read", "seconds"]
        for one in said.document["verdicts"]
    )  # fmt: skip
    assert len(said.document["verdicts"]) == 13


def test_what_the_base_has_too_is_not_the_changes_fault_even_when_it_moves_and_is_renamed(judge):
    old = "import pickle\n\n\ndef load(b):\n    return pickle.loads(b)\n"
    base = judge.change({"old.py": old})
    (judge.source / "old.py").unlink()
    judge.change({"new.py": "# a line above\n" + old})
    assert judge.run("sast", base=base).code == 0
    judge.change({"new.py": "# a line above\n" + old + "\n\ndef again(b):\n    return pickle.loads(b)\n"})
    assert judge.run("sast", base=base).code == 1


@pytest.mark.parametrize("place", ["bubblewrap"])
@pytest.mark.bubblewrap
def test_in_a_sandbox_that_isolates_the_verdicts_are_the_same(judge, monkeypatch, place):
    monkeypatch.setenv("FACTORY_SANDBOX", place)
    judge.change(dict(DEFECTS[3][1]))
    judge.change(TWINS["secrets"])
    assert {one["rule"]: one["verdict"] for one in judge.run().document["verdicts"]}["sast"] == "fail"
    judge.change(TWINS["sast"])
    assert judge.run("sast", "lint", "secrets", "tests").document["verdict"] == "pass"


HOLE = record("PYSEC-2026-1", "PyPI", "demo", fixed="2.0", database_specific={"severity": "HIGH"})


@pytest.fixture
def outside(monkeypatch):
    """Registries and an OSV server on loopback, as pip and settings of this machine name them."""
    with registry_stand_in(python_index() | npm_registry()) as registry, osv_stand_in([*CANARIES, HOLE]) as osv:
        monkeypatch.setenv("PIP_INDEX_URL", f"{registry.address}/simple")
        monkeypatch.setenv("NPM_CONFIG_REGISTRY", registry.address)
        monkeypatch.setenv("FACTORY_ADVISORIES", osv.address)
        yield osv


@pytest.mark.parametrize(
    ("rule", "files", "code"),
    [
        ("dependencies", {"requirements.txt": "hallucinated==1.0\n"}, 1),
        ("dependencies", {"requirements.txt": "reqeusts==1.0\n"}, 1),
        ("dependencies", {"requirements.txt": "demo==1.5\n"}, 1),
        ("dependencies", {"requirements.txt": "demo==2.0\n"}, 0),
        ("dependencies", {"package.json": json.dumps({"dependencies": {"hallucinated": "1.0.0"}})}, 1),
        ("vulnerabilities", {"requirements.txt": "demo==1.0\n"}, 1),
        ("vulnerabilities", {"requirements.txt": "demo==2.0\n"}, 0),
        ("licenses", {"requirements.txt": "demo==2.0\n"}, 0),
        ("licenses", {"requirements.txt": "-r gone.txt\n"}, 3),
        ("sbom", {"requirements.txt": "demo==2.0\n"}, 0),
    ],
)
def test_what_a_change_installs(judge, outside, rule, files, code):
    judge.change(files)
    said = judge.run(rule)
    assert said.code == code, said.rule(rule)


def test_a_licence_that_the_base_denies(judge, outside):
    base = judge.change({".factory/governance.yaml": "licenses: {deny: [MIT]}\n"})
    judge.change({"requirements.txt": "demo==2.0\n"})
    assert judge.run("licenses", base=base).rule("licenses")["verdict"] == "fail"


def test_without_a_source_of_advisories_vulnerabilities_are_not_known(judge, outside, monkeypatch):
    monkeypatch.delenv("FACTORY_ADVISORIES")
    judge.change({"requirements.txt": "demo==2.0\n"})
    assert judge.run("vulnerabilities").code == 3


@pytest.mark.parametrize(("version", "days", "code"), [("1.0", 1, 1), ("2.0", 1, 0), ("2.0", 40, 3)])
def test_a_folder_of_advisories_is_a_source_too_while_it_is_fresh(
    judge, outside, tmp_path, monkeypatch, version, days, code
):
    changed = {"modified": (datetime.now(UTC) - timedelta(days=days)).isoformat()}
    (tmp_path / "records").mkdir()
    for one in (*CANARIES, HOLE):
        (tmp_path / "records" / f"{one['id']}.json").write_text(json.dumps(one | changed))
    monkeypatch.setenv("FACTORY_ADVISORIES", str(tmp_path / "records"))
    judge.change({"requirements.txt": f"demo=={version}\n"})
    said = judge.run("vulnerabilities")
    assert said.code == code, said.rule("vulnerabilities")
    assert outside.asked == []


def test_an_advisory_server_that_is_gone_leaves_it_open(judge, outside, monkeypatch):
    monkeypatch.setenv("FACTORY_ADVISORIES", "http://127.0.0.1:9")
    judge.change({"requirements.txt": "demo==2.0\n"})
    assert judge.run("vulnerabilities").code == 3


def test_a_switched_off_second_opinion_leaves_it_open(judge, outside, monkeypatch):
    monkeypatch.setenv("FACTORY_SCANNERS", json.dumps({"pip-audit": {"enabled": False}}))
    judge.change({"requirements.txt": "demo==2.0\n"})
    said = judge.run("vulnerabilities")
    assert (said.code, said.rule("vulnerabilities")["message"]) == (3, "pip-audit did not run")
