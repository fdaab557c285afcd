import json
from datetime import UTC, datetime, timedelta, timezone

from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.sbom.cyclonedx import inventory
from domain.changes import Dependency, Ecosystem, Known, Package
from policy.governance.manifests.introduced import everything
from tests.architecture.places import ROOT

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
HEAD = "a" * 40


def asked(name: str, version: str | None, **told) -> Dependency:
    return Dependency(**({"ecosystem": Ecosystem.PYPI, "name": name, "version": version, "path": "uv.lock"} | told))


def package(name: str, version: str | None, told: str | None, ecosystem: Ecosystem = Ecosystem.PYPI) -> Package:
    return Package(ecosystem=ecosystem, name=name, version=version, known=Known.FOUND, license=told)


ASKED = [
    asked("flask", "3.0"),
    asked("flask", None, specifier=">=2", path="pyproject.toml"),
    asked("open", None, specifier=">=1", path="pyproject.toml"),
    asked("@scope/demo", "1.0.0", ecosystem=Ecosystem.NPM, path="package-lock.json"),
    asked("@scope/demo", "1.0.0", ecosystem=Ecosystem.NPM, path="web/package-lock.json"),
    asked("forked", None, origin="vcs"),
]
TOLD = [
    package("flask", "3.0", "BSD-3-Clause"),
    package("flask", "2.0", "MIT"),
    package("@scope/demo", "1.0.0", "MIT OR Apache-2.0", Ecosystem.NPM),
]


def test_every_package_once_with_its_licence_where_known():
    told = json.loads(inventory("app", HEAD, ASKED, TOLD, NOON))
    found = {one["purl"]: one for one in told["components"]}
    assert set(found) == {"pkg:pypi/flask@3.0", "pkg:pypi/open", "pkg:npm/%40scope/demo@1.0.0", "pkg:pypi/forked"}
    assert found["pkg:pypi/flask@3.0"]["licenses"] == [{"license": {"id": "BSD-3-Clause"}}]
    assert found["pkg:npm/%40scope/demo@1.0.0"]["licenses"][0]["expression"] == "MIT OR Apache-2.0"
    assert "licenses" not in found["pkg:pypi/open"]
    facts = [(one["name"], one["value"]) for one in found["pkg:npm/%40scope/demo@1.0.0"]["properties"]]
    assert ("factory:manifest", "web/package-lock.json") in facts
    assert told["metadata"]["component"]["version"] == HEAD


def test_it_is_valid_and_the_same_commit_gives_the_same_bytes():
    one = inventory("app", HEAD, ASKED, TOLD, NOON)
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(one.decode()) is None
    assert one == inventory("app", HEAD, ASKED[::-1], TOLD[::-1], NOON)
    assert one == inventory("app", HEAD, ASKED, TOLD, NOON.astimezone(timezone(timedelta(hours=5))))
    assert one != inventory("app", "b" * 40, ASKED, TOLD, NOON)


def test_an_empty_one_is_valid_too():
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(inventory("app", HEAD, [], [], NOON).decode()) is None


def test_our_own_lock_is_listed_whole():
    found = everything({"requirements.lock": (ROOT / "requirements.lock").read_bytes()}).dependencies
    told = json.loads(inventory("software-factory", HEAD, found, [], NOON))
    assert {one["name"] for one in told["components"]} == {one.name for one in found}
    assert len(found) > 100


@settings(max_examples=30, deadline=None)
@given(
    words=st.sampled_from(["MIT", "LicenseRef-Own", "GPL-2.0-only WITH Classpath-exception-2.0", "not spdx at all"])
    | st.text(min_size=1, max_size=20),
    specifier=st.text(max_size=20),
)
def test_hostile_words_stay_valid(words, specifier):
    told = inventory(
        "app", HEAD, [asked("x", "1"), asked("y", None, specifier=specifier)], [package("x", "1", words)], NOON
    )
    assert json.loads(told)["components"]
