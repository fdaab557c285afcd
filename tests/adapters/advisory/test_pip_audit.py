"""pip-audit's reports, recorded from 2.10.1 and spoilt by hand; the program itself too."""

import json
import subprocess
from pathlib import Path

import pytest

from adapters.advisory.pip_audit import PINS, command, pins, read
from domain.changes import Dependency, Ecosystem
from domain.findings import ScanState
from domain.sandbox import Exit
from tests.support.needed import scanners
from tests.support.osv import CANARIES, osv_stand_in, record

CANARY = {
    "name": "jinja2",
    "version": "2.10",
    "vulns": [{"id": "PYSEC-2019-217", "fix_versions": ["2.10.1"], "aliases": [], "description": "A hole"}],
}
DEMO = {
    "name": "Demo_Pkg",
    "version": "1.0",
    "vulns": [{"id": "PYSEC-2026-1", "fix_versions": ["2.0"], "aliases": ["CVE-1"], "description": "A hole\nin it"}],
}
CLEAN = {"name": "requests", "version": "2.32.0", "vulns": []}
SKIPPED = {"name": "requests", "skip_reason": "Dependency not found on PyPI"}
REFUSED = "Traceback (most recent call last):\nrequests.exceptions.ConnectionError: HTTPConnectionPool(host='127.0.0.1', port=9)"


def asked(name: str = "demo-pkg", version: str | None = "1.0", **told) -> Dependency:
    return Dependency(
        **(
            {"ecosystem": Ecosystem.PYPI, "name": name, "version": version, "path": "requirements.txt", "line": 4}
            | told
        )
    )


def report(*rows) -> str:
    return json.dumps({"dependencies": list(rows), "fixes": []})


def ended(code: int | None = 0, **told) -> Exit:
    return Exit(code=code, seconds=1.0, **told)


def test_pins_begin_with_the_canary_and_name_each_once():
    told = [
        asked(),
        asked(path="b.txt"),
        asked("x", None),
        asked("y", origin="vcs"),
        asked("z", ecosystem=Ecosystem.NPM),
    ]
    assert pins(told) == "jinja2==2.10\ndemo-pkg==1.0\n"
    assert pins([]) == "jinja2==2.10\n"


def test_the_command_asks_one_source_and_installs_nothing():
    argv = command("/opt/x/pip-audit", "http://127.0.0.1:3128/osv/").argv
    assert argv[0] == "/opt/x/pip-audit"
    assert {"--no-deps", "--disable-pip"} <= set(argv)
    assert argv[-4:] == ("-s", "osv", "--osv-url", "http://127.0.0.1:3128/osv/v1/query")


def test_findings_are_those_of_the_change_not_the_canarys():
    found = read(ended(1), report(CANARY, DEMO, CLEAN), "", [asked(), asked("requests", "2.32.0")])
    assert found.known
    assert [(one.rule, one.package, one.version, one.line, one.text, one.hint) for one in found.findings] == [
        ("PYSEC-2026-1", "demo-pkg", "1.0", 4, "A hole in it", "use 2.0")
    ]


@pytest.mark.parametrize(
    ("end", "stdout", "stderr", "state"),
    [
        (ended(127), "", "", ScanState.MISSING),
        (ended(None, timed_out=True), report(CANARY, DEMO), "", ScanState.TIMED_OUT),
        (ended(1), "", REFUSED, ScanState.OFFLINE),
        (ended(2), "", "usage: pip-audit", ScanState.CRASHED),
        (ended(None, signal=9), report(CANARY, DEMO), "", ScanState.CRASHED),
        (ended(1, truncated=True), report(CANARY, DEMO), "", ScanState.CRASHED),
        (ended(0), report(), "", ScanState.CRASHED),
        (ended(0), "", "", ScanState.CRASHED),
        (ended(0), "{", "", ScanState.CRASHED),
        (ended(0), "[]", "", ScanState.CRASHED),
        (ended(0), '{"dependencies": [3]}', "", ScanState.CRASHED),
        (ended(0), '{"dependencies": [{"name": "x", "version": "1"}]}', "", ScanState.CRASHED),
        (ended(0), '{"dependencies": [{"name": "x", "version": "1", "vulns": [{"id": 3}]}]}', "", ScanState.CRASHED),
        (ended(0), "[" * 100_000, "", ScanState.CRASHED),
        (ended(0), report(SKIPPED), "", ScanState.CRASHED),
    ],
)
def test_a_report_that_proves_nothing_is_not_a_scan(end, stdout, stderr, state):
    found = read(end, stdout, stderr, [asked()])
    assert (found.state, found.known, found.findings, found.files_read) == (state, False, (), ())
    assert found.reason


@pytest.mark.parametrize(
    ("rows", "alive", "files_read"),
    [
        ((CANARY, DEMO), True, ("requirements.txt",)),
        ((CANARY | {"vulns": []}, DEMO), False, ("requirements.txt",)),
        ((DEMO,), False, ("requirements.txt",)),
        ((CANARY,), True, ()),
        ((CANARY, DEMO | {"skip_reason": "no"}), True, ()),
        ((CANARY, DEMO | {"version": "2.0"}), True, ()),
    ],
)
def test_only_what_it_audited_was_read_and_only_a_found_canary_is_life(rows, alive, files_read):
    found = read(ended(1), report(*rows), "", [asked()])
    assert (found.state, found.alive, found.files_read) == (ScanState.COMPLETED, alive, files_read)
    assert found.known is (alive and bool(files_read))


@pytest.mark.parametrize("odd", [asked("x", None), asked("x", origin="vcs")])
def test_a_file_with_a_package_it_cannot_audit_was_not_read(odd):
    assert read(ended(1), report(CANARY, DEMO), "", [asked(), odd]).files_read == ()


def test_the_program_itself_against_the_stand_in(tmp_path: Path):
    told = [asked(), asked("requests", "2.32.0", path="b.txt")]
    (tmp_path / PINS).write_text(pins(told))

    def run(address: str):
        argv = command(str(scanners() / "bin" / "pip-audit"), address).argv
        done = subprocess.run(argv, cwd=tmp_path, capture_output=True, text=True, timeout=300, check=False)
        return read(ended(done.returncode), done.stdout, done.stderr, told)

    with osv_stand_in([*CANARIES, record("PYSEC-2026-1", "PyPI", "demo-pkg", fixed="2.0")]) as server:
        found = run(server.address)
    assert found.known
    assert [one.rule for one in found.findings] == ["PYSEC-2026-1"]
    assert found.files_read == ("b.txt", "requirements.txt")
    assert run("http://127.0.0.1:9").state is ScanState.OFFLINE
    with osv_stand_in([]) as server:
        assert not run(server.address).known
