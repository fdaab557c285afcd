"""Each thing that can be wrong with a dependency, beside its clean twin; what is not known never passes."""

from datetime import date, timedelta
from itertools import product

import pytest

from domain.changes import Ecosystem, Known
from domain.execution import ArtifactRef
from domain.findings import Finding, Scan, ScanState, Severity
from domain.governance import Verdict
from policy.governance.model import Exclusion, LicensePolicy, RulePolicy
from policy.governance.rules_dependencies import dependencies, licenses, sbom, vulnerabilities
from tests.policy.dependencies.facts import LONG_AGO, NOW, advisory, dependency, facts, package, policy

RULES = (dependencies, vulnerabilities, licenses)
PASS, WARN, FAIL, UNKNOWN = Verdict.PASS, Verdict.WARN, Verdict.FAIL, Verdict.UNDETERMINED
NPM = {"ecosystem": Ecosystem.NPM, "path": "package.json"}
YOUNG = NOW - timedelta(days=3)
ABSENT = {"known": Known.ABSENT, "version_known": Known.ABSENT, "advisories": None, "license": None}


@pytest.mark.parametrize("rule", RULES)
def test_the_clean_twin_passes(rule):
    found = rule(facts([dependency()], [package()]), policy())
    assert (found.verdict, found.files_read) == (PASS, 1)


@pytest.mark.parametrize("rule", RULES)
def test_a_change_without_dependencies_passes(rule):
    assert rule(facts(), policy()).verdict is PASS
    assert rule(facts(packages=None), policy()).verdict is PASS


@pytest.mark.parametrize("rule", (*RULES, sbom))
@pytest.mark.parametrize(
    "told",
    [
        {"dependencies": None},
        {"dependencies": [dependency()], "packages": [package()], "unreadable_manifests": ("yarn.lock: not read",)},
        {"unreadable_manifests": ("package.json: not JSON",)},
    ],
)
def test_what_was_not_gathered_never_passes(rule, told):
    made = ArtifactRef(sha256="a" * 64, kind="sbom", size=1, name="sbom.json")
    assert rule(facts(**told, sbom=made), policy()).verdict is UNKNOWN


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize(
    "packages",
    [
        None,
        [],
        [package("other")],
        [package(version="2.0")],
        [package(known=Known.OFFLINE, version_known=Known.OFFLINE, advisories=None, license=None)],
    ],
)
def test_a_registry_that_did_not_answer_never_passes(rule, packages):
    found = rule(facts([dependency()], packages), policy())
    assert found.verdict is UNKNOWN
    assert found.evidence


WRONG = [
    ("nonexistent", {"name": "flaskk"}, {"name": "flaskk", **ABSENT}, FAIL),
    ("no such version", {}, {"version_known": Known.ABSENT}, FAIL),
    ("did not say whether", {}, {"version_known": Known.OFFLINE}, UNKNOWN),
    ("withdrawn", {}, {"yanked": "broken build"}, FAIL),
    ("deprecated", {}, {"deprecated": "use x"}, FAIL),
    ("deprecated", {"is_lock": True, "path": "uv.lock"}, {"deprecated": "use x"}, WARN),
    ("this version is 3 days old, less than 14 days", {}, {"published_at": YOUNG}, FAIL),
    ("the package is 20 days old, less than 30 days", {}, {"first_published_at": NOW - timedelta(days=20)}, FAIL),
    ("does not tell since when", {}, {"published_at": None}, WARN),
    ("can be taken for flask", {"name": "flaks"}, {"name": "flaks", "lookalike": "flask"}, FAIL),
    ("can be taken for flask", {"name": "flaks", "is_lock": True, "path": "uv.lock"}, {"name": "flaks", "lookalike": "flask", "first_published_at": NOW - timedelta(days=100)}, FAIL),
    ("can be taken for flask", {"name": "flaks", "is_lock": True, "path": "uv.lock"}, {"name": "flaks", "lookalike": "flask"}, WARN),
    ("version control, which no registry", {"origin": "vcs", "version": None}, {}, FAIL),
    ("an address, which no registry", {"origin": "url", "version": None}, {}, FAIL),
    ("a path, which no registry", {"origin": "path", "version": None, "specifier": "../x"}, {}, FAIL),
]  # fmt: skip


@pytest.mark.parametrize(("text", "asked", "told", "verdict"), WRONG, ids=[f"{one[0]}-{one[3]}" for one in WRONG])
def test_what_is_wrong_is_named_with_package_version_source_and_hint(text, asked, told, verdict):
    found = dependencies(facts([dependency(**asked)], [package(**told)]), policy())
    assert found.verdict is verdict
    line = next(one for one in found.evidence if text in one or (text == "nonexistent" and "no such package" in one))
    assert line.startswith(f"{asked.get('path', 'requirements.txt')}:3: {asked.get('name', 'flask')} ")
    assert "; " in line
    assert verdict is UNKNOWN or line.endswith("]")


TWINS = [
    ({"previous": "2.0"}, {"first_published_at": NOW - timedelta(days=20)}),
    ({"previous": "2.0", "name": "flaks"}, {"name": "flaks", "lookalike": "flask"}),
    ({}, {"published_at": NOW - timedelta(days=14)}),
    ({"version": None, "specifier": ">=2"}, {}),
]


@pytest.mark.parametrize(("asked", "told"), TWINS)
def test_what_only_looks_wrong_passes(asked, told):
    assert dependencies(facts([dependency(**asked)], [package(**told)]), policy()).verdict is PASS


@pytest.mark.parametrize(
    ("told", "verdict"),
    [
        ({"denied": {"pypi:flask": "*"}}, FAIL),
        ({"denied": {"pypi:flask": ">=3"}}, FAIL),
        ({"denied": {"pypi:flask": "==3.0"}}, FAIL),
        ({"denied": {"pypi:flask": "<3"}}, PASS),
        ({"denied": {"npm:flask": "*"}}, PASS),
        ({"denied": {"pypi:flask": "nonsense"}}, UNKNOWN),
        ({"allowed": ("pypi:django",)}, FAIL),
        ({"allowed": ("pypi:flask",)}, PASS),
        ({"pins": "exact"}, PASS),
        ({"pins": "hashed"}, FAIL),
        ({"new_needs_person": True}, WARN),
        ({"youngest": timedelta(days=500)}, FAIL),
        ({"unknown_age": "undetermined"}, PASS),
    ],
)
def test_policy_decides(told, verdict):
    assert dependencies(facts([dependency()], [package()]), policy(**told)).verdict is verdict


@pytest.mark.parametrize(("choice", "verdict"), [("pass", PASS), ("warn", WARN), ("undetermined", UNKNOWN)])
def test_an_age_nobody_tells_is_what_policy_makes_of_it(choice, verdict):
    undated = package("x", published_at=None, first_published_at=None, ecosystem=Ecosystem.NPM)
    assert dependencies(facts([dependency("x", **NPM)], [undated]), policy(unknown_age=choice)).verdict is verdict


@pytest.mark.parametrize("known", ["flaks", "pypi:flaks"])
def test_a_known_name_is_no_lookalike(known):
    told = facts([dependency("flaks")], [package("flaks", lookalike="flask")])
    assert dependencies(told, policy(known_names=(known,))).verdict is PASS
    assert dependencies(told, policy(lookalikes=False)).verdict is PASS


@pytest.mark.parametrize(
    ("asked", "pins", "verdict"),
    [
        ({"version": None, "specifier": ">=3"}, "exact", FAIL),
        ({"version": None, "specifier": ">=3", "path": "pyproject.toml"}, "exact", PASS),
        ({"version": None, "specifier": ">=3"}, "any", PASS),
        ({"hashed": True}, "hashed", PASS),
        ({"is_lock": True, "path": "package-lock.json"}, "hashed", FAIL),
        ({"path": "pyproject.toml"}, "hashed", PASS),
    ],
)
def test_pins_are_asked_of_what_says_what_is_installed(asked, pins, verdict):
    assert dependencies(facts([dependency(**asked)], [package()]), policy(pins=pins)).verdict is verdict


def test_an_open_version_is_judged_by_the_one_it_allows():
    asked = [
        dependency(version=None, specifier=">=3"),
        dependency(version=None, specifier="<3", path="old/requirements.txt"),
    ]
    looked = [package(version="3.0"), package(version="2.0", yanked="broken")]
    found = dependencies(facts(asked, looked), policy())
    assert found.verdict is FAIL
    assert [line for line in found.evidence if "withdrawn" in line] == [
        "old/requirements.txt:3: flask 2.0: withdrawn by its makers: broken (high); use 3.0 [https://index.example.test/flask/]"
    ]


def test_a_banned_range_of_an_open_version_nobody_resolved_is_unclear():
    told = facts([dependency(version=None, specifier=">=99")], [package(version=None, version_known=Known.OFFLINE)])
    assert dependencies(told, policy(denied={"pypi:flask": "<2"})).verdict is UNKNOWN


def test_outdated_packages_are_listed_and_stop_nothing():
    found = dependencies(facts([dependency(previous="2.0")], [package(newest="4.0")]), policy())
    assert (found.verdict, found.evidence) == (PASS, ("outdated: flask 3.0, the newest is 4.0",))


@pytest.mark.parametrize(
    ("severity", "verdict"),
    [("critical", FAIL), ("high", FAIL), ("medium", WARN), ("low", WARN), ("", FAIL), ("odd", FAIL)],
)
def test_vulnerabilities_stop_from_the_severity_that_policy_says_and_unsaid_ones_count_as_high(severity, verdict):
    hole = advisory("PYSEC-2026-1", severity, aliases=("CVE-2026-1",), url="https://advisories.example.test/1")
    found = vulnerabilities(facts([dependency()], [package(advisories=(hole,))]), policy())
    assert found.verdict is verdict
    for word in ("flask 3.0", "PYSEC-2026-1", "CVE-2026-1", "use 3.1", "https://advisories.example.test/1"):
        assert word in found.evidence[0]


def test_a_source_that_was_not_asked_never_passes():
    assert vulnerabilities(facts([dependency()], [package(advisories=None)]), policy()).verdict is UNKNOWN
    assert vulnerabilities(facts([dependency(origin="vcs", version=None)], []), policy()).verdict is UNKNOWN


def test_a_package_that_does_not_exist_is_the_other_rules_business():
    absent = facts([dependency("flaskk")], [package("flaskk", **ABSENT)])
    assert vulnerabilities(absent, policy()).verdict is PASS
    assert licenses(absent, policy()).verdict is PASS
    assert dependencies(absent, policy()).verdict is FAIL


OPINION = {
    "vulnerabilities": RulePolicy(
        severity=Severity.HIGH, mandatory=True, fails_from=Severity.HIGH, scanners=("pip-audit",)
    )
}


def scan(*ids: str, **told) -> Scan:
    found = tuple(
        Finding(
            scanner="pip-audit",
            rule=one,
            severity=Severity.HIGH,
            path="requirements.txt",
            text="A hole",
            package="flask",
            version="3.0",
            fingerprint=one,
        )
        for one in ids
    )
    usual = {
        "state": ScanState.COMPLETED,
        "alive": True,
        "files_given": ("requirements.txt",),
        "files_read": ("requirements.txt",),
    }
    return Scan(scanner="pip-audit", findings=found, **(usual | told))


@pytest.mark.parametrize(
    ("scans", "verdict"),
    [
        ((), UNKNOWN),
        ((scan(),), PASS),
        ((scan("PYSEC-2026-2"),), FAIL),
        ((scan(alive=False),), UNKNOWN),
        ((scan(files_read=()),), UNKNOWN),
        ((scan(state=ScanState.OFFLINE),), UNKNOWN),
    ],
)
def test_a_second_opinion_counts_and_so_does_its_silence(scans, verdict):
    assert vulnerabilities(facts([dependency()], [package()], scans=scans), policy(rules=OPINION)).verdict is verdict


def test_what_both_see_is_told_once_and_javascript_needs_no_second_opinion():
    told = facts(
        [dependency()], [package(advisories=(advisory(aliases=("CVE-2026-1",)),))], scans=(scan("CVE-2026-1"),)
    )
    assert len(vulnerabilities(told, policy(rules=OPINION)).evidence) == 1
    only_npm = facts([dependency("x", **NPM)], [package("x", ecosystem=Ecosystem.NPM)])
    assert vulnerabilities(only_npm, policy(rules=OPINION)).verdict is PASS


@pytest.mark.parametrize(
    ("told", "unknown", "verdict"),
    [
        ("MIT", "undetermined", PASS),
        ("GPL-3.0-only", "warn", FAIL),
        ("GPL-3.0-only OR MIT", "fail", PASS),
        ("GPL-3.0-only AND MIT", "fail", FAIL),
        (None, "undetermined", UNKNOWN),
        (None, "warn", WARN),
        (None, "fail", FAIL),
        ("EUPL-1.2", "undetermined", UNKNOWN),
        ("EUPL-1.2", "fail", FAIL),
        ("LicenseRef-Own", "warn", WARN),
        ("((((", "undetermined", UNKNOWN),
    ],
)
def test_licences(told, unknown, verdict):
    lists = LicensePolicy(allow=("MIT",), deny=("GPL-3.0",), unknown=unknown)
    found = licenses(facts([dependency()], [package(license=told)]), policy(licenses=lists))
    assert found.verdict is verdict
    assert verdict is PASS or "flask 3.0" in found.evidence[0]


def test_a_licence_that_could_not_be_asked_is_undetermined_whatever_policy_makes_of_unknown_ones():
    lists = LicensePolicy(allow=("MIT",), unknown="warn")
    assert licenses(facts([dependency()], []), policy(licenses=lists)).verdict is UNKNOWN


def exclusion(rule: str, finding: str | None, **told) -> Exclusion:
    usual = {"reason": "checked by hand on the site", "expires": date(2026, 6, 1)}
    return Exclusion(**(usual | {"rule": rule, "finding": finding} | told))


@pytest.mark.parametrize("name", ["flask", "yanked", "FLASK"])
def test_an_exclusion_lets_one_thing_through_to_its_last_day(name):
    told = facts([dependency()], [package(yanked="broken")])
    assert dependencies(told, policy(exclusion("dependencies", name))).verdict is PASS
    ended = exclusion("dependencies", name, expires=date(2026, 5, 31))
    assert dependencies(told, policy(ended)).verdict is FAIL
    assert dependencies(told, policy(exclusion("licenses", name))).verdict is FAIL
    elsewhere = exclusion("dependencies", name, paths=("other/*",))
    assert dependencies(told, policy(elsewhere)).verdict is FAIL


@pytest.mark.parametrize("name", ["PYSEC-2026-1", "CVE-2026-1", "flask"])
def test_an_advisory_is_excluded_by_any_of_its_names(name):
    told = facts([dependency()], [package(advisories=(advisory(aliases=("CVE-2026-1",)),))])
    assert vulnerabilities(told, policy(exclusion("vulnerabilities", name))).verdict is PASS
    assert vulnerabilities(told, policy(exclusion("vulnerabilities", "CVE-2026-9"))).verdict is FAIL


def test_a_licence_and_an_unreadable_manifest_can_be_excluded():
    assert (
        licenses(facts([dependency()], [package(license=None)]), policy(exclusion("licenses", "flask"))).verdict is PASS
    )
    unread = facts(unreadable_manifests=("yarn.lock: not read",))
    let = [exclusion(rule, "unreadable", paths=("yarn.lock",)) for rule in ("dependencies", "vulnerabilities")]
    assert dependencies(unread, policy(*let)).verdict is PASS
    assert vulnerabilities(unread, policy(*let)).verdict is PASS
    assert licenses(unread, policy(*let)).verdict is UNKNOWN


def test_an_inventory_is_asked_for():
    made = ArtifactRef(sha256="a" * 64, kind="sbom", size=1, name="sbom.json")
    assert sbom(facts(sbom=made), policy()).verdict is PASS
    assert sbom(facts(), policy()).verdict is UNKNOWN
    assert sbom(facts([dependency()], None, sbom=made), policy()).verdict is PASS


def test_the_worst_comes_first_and_what_is_bad_outranks_what_is_unknown():
    asked = [dependency("a", line=1), dependency("b", line=2), dependency("c", line=3)]
    looked = [package("a", deprecated="old"), package("b", **ABSENT)]
    found = dependencies(facts(asked, looked), policy())
    assert found.verdict is FAIL
    assert [line.split(": ")[1] for line in found.evidence] == ["b 3.0", "a 3.0", "c 3.0"]
    assert found.message.endswith("(and 1 more)")


def test_evidence_is_bounded():
    many = [dependency(f"p{number}") for number in range(500)]
    found = dependencies(facts(many, [package(one.name, yanked="x", newest="4.0") for one in many]), policy())
    assert len(found.evidence) < 100
    assert found.evidence[50] == "and 450 more"


@pytest.mark.parametrize("rule", RULES)
def test_the_order_of_the_facts_decides_nothing(rule):
    asked = [dependency("a", line=1), dependency("b", line=1), dependency("b", line=9)]
    looked = [package("a", yanked="x", license=None, advisories=(advisory(),)), package("b", deprecated="y")]
    told = {rule(facts(one, other), policy()) for one, other in product((asked, asked[::-1]), (looked, looked[::-1]))}
    assert len(told) == 1


def test_no_fact_short_of_all_of_them_passes():
    """Whatever else is well: one thing that is not known is enough."""
    good = {
        "known": Known.FOUND,
        "version_known": Known.FOUND,
        "advisories": (),
        "license": "MIT",
        "published_at": LONG_AGO,
    }
    for key, value in {
        "known": Known.OFFLINE,
        "version_known": Known.OFFLINE,
        "advisories": None,
        "license": None,
    }.items():
        told = facts([dependency()], [package(**(good | {key: value}))])
        assert UNKNOWN in {rule(told, policy()).verdict for rule in RULES}, key
