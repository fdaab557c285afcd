"""Reading what programs wrote: recorded reports as they were, cut short, swollen and forged."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.scanner.catalogue import SCANNERS
from adapters.scanner.contract import Reading, ReportUnreadable, Written
from domain.sandbox import Exit
from tests.adapters.scanner.record import RECORDED, TREE

NAMES = sorted(SCANNERS)
SECRET = "hunter2" + "-Tr0ub4dor"
EXPECTED = {
    "ruff": {("F401", "pkg/a file.py", 1), ("F821", "pkg/a file.py", 7), ("invalid-syntax", "broken.py", 1),
             ("invalid-syntax", "broken.py", 2)},
    "ruff-security": {("S602", "pkg/a file.py", 5), ("S301", "pkg/a file.py", 6), ("S306", "pkg/a file.py", 7),
                      ("invalid-syntax", "broken.py", 1), ("invalid-syntax", "broken.py", 2)},
    "bandit": {("B403", "pkg/a file.py", 1), ("B602", "pkg/a file.py", 5), ("B301", "pkg/a file.py", 6),
               ("B306", "pkg/a file.py", 7)},
    "semgrep": {("python-shell-command", "pkg/a file.py", 5), ("python-unpickle", "pkg/a file.py", 6),
                ("python-temporary-name", "pkg/a file.py", 7), ("javascript-markup-unescaped", "web.js", 1)},
    "gitleaks": set(),
    "detect-secrets": set(),
}  # fmt: skip
PYTHON = {"empty.py", "pkg/a file.py"}
READ = {"semgrep": PYTHON | {"web.js"}, "gitleaks": set(TREE), "detect-secrets": set(TREE)}


def lines(path: str) -> Sequence[str]:
    return TREE.get(path, "").splitlines()


def recorded(name: str) -> dict[str, Any]:
    return json.loads((RECORDED / f"{name}.json").read_text())


def read(name: str, **told: Any) -> Reading:
    one = recorded(name) | told
    end = Exit(
        code=one["code"], seconds=1.0, **{key: one[key] for key in one.keys() & Exit.model_fields.keys() - {"code"}}
    )
    return SCANNERS[name].read(Written(end, one["stdout"], one["stderr"]), lines)


def changed(report: Any, value: Any, *path: Any) -> str:
    """Return the report as JSON with another value at a place in it."""
    place = report
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    return json.dumps(report)


@pytest.mark.parametrize("name", NAMES)
def test_a_recorded_report_is_read(name) -> None:
    reading = read(name)
    assert {(one.rule, one.path, one.line) for one in reading.findings} == EXPECTED[name]
    assert set(reading.files_read) == READ.get(name, PYTHON)
    assert all(one.scanner == name and one.hint and "\n" not in one.text for one in reading.findings)
    assert len({one.fingerprint for one in reading.findings}) == len(reading.findings)


@pytest.mark.parametrize("name", NAMES)
def test_a_report_cut_anywhere_is_unreadable(name) -> None:
    whole = recorded(name)["stdout"].rstrip()
    for cut in {0, 1, 2, *range(3, len(whole), max(len(whole) // 60, 1)), len(whole) - 1} - {len(whole)}:
        with pytest.raises(ReportUnreadable):
            read(name, stdout=whole[:cut])


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    "stdout",
    ["", " ", "null", "{}", "0", '"x"', "[1]", '[{"a": 1}]', "{" * 100_000, "[" * 100_000, '{"results": 1}', "\ufeff[]x", "NaN",
     "Traceback (most recent call last):", '{"version": "1", "results": [], "errors": []}', "x" * 5_000_000],
    ids=lambda text: text[:12] or "empty",
)  # fmt: skip
def test_another_shape_is_unreadable(name, stdout) -> None:
    with pytest.raises(ReportUnreadable) as caught:
        read(name, stdout=stdout)
    assert len(str(caught.value)) < 500


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    "told",
    [{"code": 127}, {"code": 126}, {"code": 2}, {"code": 137}, {"code": -1}, {"code": None, "signal": 9},
     {"timed_out": True}, {"truncated": True}, {"out_of_memory": True}],
    ids=str,
)  # fmt: skip
def test_another_end_is_unreadable_whatever_was_written(name, told) -> None:
    with pytest.raises(ReportUnreadable):
        read(name, **told)


@pytest.mark.parametrize("name", NAMES)
def test_what_it_complained_of_is_told_short_and_without_values(name) -> None:
    with pytest.raises(ReportUnreadable) as caught:
        read(name, code=3, stderr="x" * 10**6 + f"\nfailed on '{SECRET}'\n\n")
    assert len(str(caught.value)) < 500
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize("name", ["ruff", "ruff-security", "gitleaks", "detect-secrets"])
def test_without_its_word_of_what_it_read_nothing_was(name) -> None:
    told = {"stdout": "[]", "stderr": ""} if name == "gitleaks" else {"stderr": "at /sandbox/work\n"}
    assert read(name, **told).files_read == ()


def test_ruff_that_does_not_tell_where_it_ran_is_unreadable() -> None:
    for stderr in ("", "sandbox\n", "at nowhere\n", "\nat /x\n"):
        with pytest.raises(ReportUnreadable):
            read("ruff", stderr=stderr)


def test_bandit_repeats_no_password() -> None:
    report = json.loads(recorded("bandit")["stdout"])
    for code in ("B105", "B106", "B107"):
        report["results"][0] |= {"test_id": code, "issue_text": f"Possible hardcoded password: '{SECRET}'"}
        told = read("bandit", stdout=json.dumps(report)).model_dump_json()
        assert code in told
        assert SECRET not in told


def test_ruff_repeats_no_literal_of_the_source() -> None:
    report = json.loads(recorded("ruff")["stdout"])
    for message in (f"Dictionary key literal `'{SECRET}'` repeated", f'Set has "{SECRET}" twice'):
        told = read("ruff", stdout=changed(report, message, -1, "message")).model_dump_json()
        assert SECRET not in told


def test_semgrep_that_leaves_rules_out_or_stops_is_unreadable() -> None:
    report = json.loads(recorded("semgrep")["stdout"])
    error = {"code": 2, "level": "error", "type": "SemgrepError", "message": "out of luck"}
    with pytest.raises(ReportUnreadable, match="out of luck"):
        read("semgrep", stdout=changed(report, [error], "errors"))
    with pytest.raises(ReportUnreadable, match="left out 1"):
        read("semgrep", stdout=changed(report, [{"rule_id": "x"}], "skipped_rules"))


def test_semgrep_that_gave_a_file_up_has_not_read_it() -> None:
    report = json.loads(recorded("semgrep")["stdout"])
    error = {"code": 2, "level": "warn", "type": "Timeout", "message": "Timeout", "path": "./pkg/a file.py"}
    assert set(read("semgrep", stdout=changed(report, [error], "errors")).files_read) == {
        "broken.py",
        "empty.py",
        "web.js",
    }


def test_detect_secrets_with_other_settings_is_unreadable() -> None:
    report = json.loads(recorded("detect-secrets")["stdout"])
    for changed_report in (
        changed(json.loads(json.dumps(report)), report["plugins_used"][1:], "plugins_used"),
        changed(report, [{"path": "detect_secrets.filters.allowlist.is_line_allowlisted"}], "filters_used"),
    ):
        with pytest.raises(ReportUnreadable, match="not set as asked"):
            read("detect-secrets", stdout=changed_report)


def test_detect_secrets_has_not_read_what_is_no_utf_8() -> None:
    one = recorded("detect-secrets")

    def latin(path: str) -> Sequence[str]:
        return (b"caf\xe9".decode("utf-8", "surrogateescape"),) if path == "web.js" else lines(path)

    written = Written(Exit(code=0, seconds=1.0), one["stdout"], one["stderr"])
    reading = SCANNERS["detect-secrets"].read(written, latin)
    assert set(reading.files_read) == set(TREE) - {"web.js"}


@pytest.mark.parametrize("line", [-5, 0, 7, 10**9, 10**30])
def test_hostile_text_and_lines_stay_bounded(line) -> None:
    report = json.loads(recorded("semgrep")["stdout"])
    report["results"][0]["start"]["line"] = line
    report["results"][0]["path"] = "../../etc/passwd"
    text = "a\nb\r\x1b[31m\u202e" + "x" * 10**6
    for one in read("semgrep", stdout=changed(report, text, "results", 0, "extra", "message")).findings:
        assert len(one.text) <= 1000
        assert one.text.isprintable()
        assert one.line is None or 0 < one.line < 10**8


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_a_damaged_report_is_read_or_refused(name, data) -> None:
    one = recorded(name)
    start = data.draw(st.integers(0, len(one["stdout"])))
    end = data.draw(st.integers(start, min(start + 40, len(one["stdout"]))))
    noise = data.draw(st.text(max_size=20))
    try:
        reading = read(name, stdout=one["stdout"][:start] + noise + one["stdout"][end:])
    except ReportUnreadable:
        return
    assert isinstance(reading, Reading)


def test_recordings_are_of_this_very_catalogue() -> None:
    assert {path.stem for path in Path(RECORDED).iterdir()} == set(SCANNERS)
