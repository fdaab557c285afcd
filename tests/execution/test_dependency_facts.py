"""From two sides of a manifest to a ruling, over registries and advisories that answer as the real ones do."""

import json

import pytest

from adapters._vendor.fetching import Fetcher
from adapters.advisory.osv import OsvServer
from adapters.advisory.store import StoredAdvisories
from adapters.advisory.unconfigured import NoSource
from adapters.registry.npm import NpmRegistry
from adapters.registry.pypi import PypiRegistry
from adapters.registry.shelf import Shelf
from domain.changes import Ecosystem, Known
from domain.governance import Verdict
from policy.governance.manifests.introduced import introduced
from policy.governance.rules_dependencies import dependencies, licenses, vulnerabilities
from resources import dependency_facts
from resources.dependency_facts import advisory_source, learn, package_registries, popular
from resources.registries import Registries
from tests.adapters.registry.answers import npm_registry, python_index
from tests.adapters.registry.servers import registry_stand_in
from tests.policy.dependencies.facts import facts, policy
from tests.support.osv import CANARIES, osv_stand_in, record


@pytest.fixture
def server():
    with registry_stand_in(python_index() | npm_registry()) as found:
        yield found


@pytest.fixture
def registries(server):
    return {
        Ecosystem.PYPI: PypiRegistry(Fetcher(f"{server.address}/simple"), Shelf(None)),
        Ecosystem.NPM: NpmRegistry(Fetcher(server.address), Shelf(None)),
    }


def judged(rule, head, registries, source) -> Verdict:
    found = introduced({}, {name: text.encode() for name, text in head.items()})
    learnt = learn(found.dependencies, registries, source)
    return rule(facts(found.dependencies, learnt.packages, unreadable_manifests=found.unreadable), policy()).verdict


HOLE = record("PYSEC-2026-1", "PyPI", "demo", fixed="2.0", database_specific={"severity": "HIGH"})


@pytest.mark.parametrize(
    ("rule", "head", "verdict"),
    [
        (dependencies, {"requirements.txt": "demo==2.0\n"}, Verdict.PASS),
        (dependencies, {"requirements.txt": "hallucinated==1.0\n"}, Verdict.FAIL),
        (dependencies, {"requirements.txt": "demo==9.9\n"}, Verdict.FAIL),
        (dependencies, {"requirements.txt": "demo==1.5\n"}, Verdict.FAIL),
        (dependencies, {"requirements.txt": "reqeusts==1.0\n"}, Verdict.FAIL),
        (dependencies, {"package.json": json.dumps({"dependencies": {"demo": "1.0.0"}})}, Verdict.PASS),
        (dependencies, {"package.json": json.dumps({"dependencies": {"demo": "^1.0.0"}})}, Verdict.FAIL),
        (dependencies, {"package.json": json.dumps({"dependencies": {"hallucinated": "1.0.0"}})}, Verdict.FAIL),
        (dependencies, {"package.json": "{"}, Verdict.UNDETERMINED),
        (vulnerabilities, {"requirements.txt": "demo==2.0\n"}, Verdict.PASS),
        (vulnerabilities, {"requirements.txt": "demo==1.0\n"}, Verdict.FAIL),
        (vulnerabilities, {"requirements.txt": "demo<2\n"}, Verdict.FAIL),
        (vulnerabilities, {"package.json": json.dumps({"dependencies": {"demo": "1.0.0"}})}, Verdict.PASS),
        (licenses, {"requirements.txt": "demo==2.0\n"}, Verdict.PASS),
        (licenses, {"requirements.txt": "demo==1.0\n"}, Verdict.UNDETERMINED),
    ],
)
def test_a_planted_defect_is_found_and_its_clean_twin_passes(registries, rule, head, verdict):
    with osv_stand_in([*CANARIES, HOLE]) as osv:
        assert judged(rule, head, registries, OsvServer(Fetcher(osv.address))) is verdict


@pytest.mark.parametrize("rule", [dependencies, vulnerabilities, licenses])
def test_with_everything_offline_nothing_passes(rule):
    offline = {Ecosystem.PYPI: PypiRegistry(Fetcher("http://127.0.0.1:9/simple"), Shelf(None))}
    source = OsvServer(Fetcher("http://127.0.0.1:9"))
    for registries in (offline, {}):
        assert judged(rule, {"requirements.txt": "demo==2.0\n"}, registries, source) is Verdict.UNDETERMINED
        assert judged(rule, {"requirements.txt": "# nothing\n"}, registries, source) is Verdict.PASS


def test_without_a_source_of_advisories_only_the_vulnerabilities_are_open(registries):
    head = {"requirements.txt": "demo==2.0\n"}
    assert judged(vulnerabilities, head, registries, NoSource()) is Verdict.UNDETERMINED
    assert judged(dependencies, head, registries, NoSource()) is Verdict.PASS


@pytest.mark.parametrize(
    ("place", "kind"),
    [
        (None, NoSource),
        ("", NoSource),
        ("http://127.0.0.1:9/v1", OsvServer),
        ("https://x.example.test", OsvServer),
        ("records.zip", StoredAdvisories),
    ],
)
def test_a_source_is_what_its_place_says(place, kind):
    assert isinstance(advisory_source(place), kind)


def test_the_registries_are_those_of_the_tools(monkeypatch, server, tmp_path):
    monkeypatch.setattr(dependency_facts, "npm_registry", lambda: None)
    monkeypatch.setenv("PIP_INDEX_URL", f"{server.address}/simple")
    found = package_registries(tmp_path)
    assert set(found) == {Ecosystem.PYPI}
    assert found[Ecosystem.PYPI].look_up("demo", "2.0").known is Known.FOUND
    assert list(tmp_path.rglob("*.json"))


def test_where_the_egress_broker_asked_its_tools_theirs_count(tmp_path):
    told = {
        "PIP_INDEX_URL": "https://index.example.test/simple",
        "NPM_CONFIG_REGISTRY": "http://127.0.0.1:3128/registry-0",
    }
    assert set(package_registries(tmp_path, known=Registries(environment=told))) == {Ecosystem.PYPI}
    assert package_registries(tmp_path, known=Registries()) == {}


def test_the_names_others_are_taken_for():
    assert "requests" in popular(Ecosystem.PYPI)
    assert "lodash" in popular(Ecosystem.NPM)
