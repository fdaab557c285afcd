"""The security page claims nothing without a test that exists, and names nothing that does not."""

import re

import pytest
import yaml

from adapters.egress.refusing import ADVICE
from control_plane.sandboxes.hostile.accepted import ACCEPTED
from control_plane.sandboxes.hostile.catalogue import CATALOGUE
from policy.egress import EgressPolicy
from resources.egress_broker import upstreams_of
from resources.settings import Settings
from tests.architecture.places import ROOT
from tests.architecture.test_docs import DOCS, collected

__all__ = ["collected"]  # a fixture: the ids of the whole suite

TEXT = (DOCS / "security.md").read_text()
CLAIMS = re.findall(r"^\| (S-\d+) \| (.+?) \| (.+?) \| (.+) \|$", TEXT, re.MULTILINE)
SUITE = {"tests/hostile/test_docker.py::test_contained", "tests/hostile/test_bubblewrap.py::test_contained"}
EXAMPLES = dict(re.findall(r"^```yaml\n# (\S+)\n(.+?)^```$", TEXT, re.MULTILINE | re.DOTALL))


def ids_of(text: str) -> set[str]:
    return set(re.findall(r"`(tests/\S+::\S+)`", text))


def behaviours_of(text: str) -> set[str]:
    return set(re.findall(r"`hostile:([a-z0-9_]+)`", text))


def test_claims_are_numbered_without_a_gap() -> None:
    assert len(CLAIMS) >= 50
    assert [name for name, *_ in CLAIMS] == [f"S-{number}" for number in range(1, len(CLAIMS) + 1)]


def test_every_row_that_looks_like_a_claim_is_one() -> None:
    assert len(CLAIMS) == len(re.findall(r"^\|\s*S-", TEXT, re.MULTILINE))


def test_every_test_named_exists(collected: set[str]) -> None:
    assert SUITE <= ids_of(TEXT)
    assert ids_of(TEXT) - collected == set()


@pytest.mark.parametrize(("mechanism", "proof"), [row[2:] for row in CLAIMS], ids=[row[0] for row in CLAIMS])
def test_every_claim_has_its_place_in_the_code_and_a_proof(mechanism: str, proof: str) -> None:
    places = re.findall(r"`(\w[\w.-]*/[\w./-]+)`", mechanism)
    assert places, "names no file"
    assert [place for place in places if not (ROOT / place).is_file()] == []
    assert ids_of(proof) or behaviours_of(proof), "names no test"
    assert re.sub(r"`(hostile:|tests/)[^`]+`", "", proof).strip() == "", "has more than tests as its proof"


def test_every_hostile_behaviour_proves_a_claim_or_is_accepted() -> None:
    proved = behaviours_of(" ".join(proof for *_, proof in CLAIMS))
    accepted = {one.name for one in ACCEPTED}
    assert proved | accepted == {one.name for one in CATALOGUE}
    assert proved & accepted == set(), "an accepted behaviour proves nothing"


def test_the_accepted_list_is_whole_and_holds_nothing_else() -> None:
    rows = re.findall(r"^\| `(\w+)` \| ([a-z, ]+) \| (.+) \|$", TEXT, re.MULTILINE)
    told = {(name, backend, reason) for name, backends, reason in rows for backend in backends.split(", ")}
    assert told == {(one.name, one.backend, one.reason) for one in ACCEPTED}


def test_the_runbook_says_what_to_do_about_every_refusal() -> None:
    rows = re.findall(r"^\| (`.+) \| .+ \|$", (DOCS / "runbooks.md").read_text(), re.MULTILINE)
    assert set(ADVICE) <= set(re.findall(r"`([a-z-]+)`", " ".join(rows)))


def test_the_examples_are_valid() -> None:
    policy = EgressPolicy.model_validate(yaml.safe_load(EXAMPLES["policy/rules/egress.yaml"]))
    assert set(EgressPolicy.model_fields) == policy.model_fields_set
    told = yaml.safe_load(EXAMPLES["settings.yaml"])
    assert set(told) <= set(Settings.model_fields)
    settings = Settings(home=ROOT, **told)
    assert [one.credential for one in upstreams_of(settings.upstreams)] == ["model-key"]
