"""Our own semgrep rules: each finds its bad twins, and none of its good ones."""

from collections import Counter
from pathlib import Path

import pytest
import yaml

from adapters.sandbox.process import ProcessSandbox
from adapters.scanner.catalogue import SCANNERS
from adapters.scanner.contract import Reading
from tests.adapters.scanner.at_work import RULES, bench
from tests.adapters.scanner.twins import twins

FILES = sorted((RULES / "semgrep").glob("*.yaml"))
WRITTEN = [rule for path in FILES for rule in yaml.safe_load(path.read_text())["rules"]]
IDS = sorted(rule["id"] for rule in WRITTEN)
PARSING = {"python-parsed", "javascript-parsed"}  #: find nothing by design
TWINS = twins()


@pytest.fixture(scope="module")
def reading(tmp_path_factory: pytest.TempPathFactory) -> Reading:
    with bench(ProcessSandbox(tmp_path_factory.mktemp("sandboxes"))) as found:
        return found.scan(SCANNERS["semgrep"], {twin.file: twin.text.encode() for twin in TWINS})


def test_every_rule_has_bad_and_good_twins() -> None:
    kinds = Counter((twin.rule, twin.bad) for twin in TWINS)
    assert {rule for rule, _ in kinds} == set(IDS) - PARSING
    assert all(kinds[rule, True] and kinds[rule, False] for rule, _ in kinds)


def test_ids_are_unique_over_all_files() -> None:
    """Of two rules with one id, semgrep loses a finding without a word."""
    assert len(IDS) == len(set(IDS)) >= 40


@pytest.mark.parametrize("rule", WRITTEN, ids=lambda rule: rule["id"])
def test_every_rule_says_what_and_what_to_do_for_one_family_of_languages(rule) -> None:
    family = {"python": ["python"], "javascript": ["javascript", "typescript"]}[rule["id"].partition("-")[0]]
    assert rule["languages"] == family
    assert rule["severity"] in ("CRITICAL", "HIGH", "MEDIUM", "LOW")
    assert rule["message"].endswith(".")
    assert "$" not in rule["message"], "a value of the source would be repeated"
    assert rule["metadata"]["hint"]


def test_every_twin_was_read(reading) -> None:
    assert set(reading.files_read) == {twin.file for twin in TWINS}


@pytest.mark.parametrize("twin", TWINS, ids=lambda twin: twin.file)
def test_a_bad_twin_is_found_and_a_good_one_is_not(reading, twin) -> None:
    found = {one.rule for one in reading.findings if one.path == twin.file}
    assert found == ({twin.rule} if twin.bad else set())


def test_what_cannot_be_parsed_is_not_read_in_any_language(tmp_path: Path) -> None:
    """A file that holds no word of any rule is parsed too."""
    broken = {
        "a.py": b"def (:\n",
        "a.js": b"function (\n",
        "a.ts": b"const x: = 1\n",
        "a.tsx": b"const a = <b><c></b>;\n",
    }
    with bench(ProcessSandbox(tmp_path)) as found:
        read = found.scan(SCANNERS["semgrep"], broken | {"fine.tsx": b"const a = <b>x</b>;\n"}).files_read
    assert set(read) == {"fine.tsx"}
