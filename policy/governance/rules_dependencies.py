"""The rules over what a change installs: vulnerabilities, integrity, licences and the inventory."""

from collections.abc import Iterator
from typing import Final

from domain.changes import Advisory, ChangeFacts, Dependency, Ecosystem, Known, Package
from domain.findings import Finding, Severity
from domain.governance import Verdict
from policy.governance.approvals import who_approved
from policy.governance.dependency_checks import ASK_AGAIN, CHECKS, Case
from policy.governance.model import GovernancePolicy
from policy.governance.second_opinion import second_opinion
from policy.governance.shape import Ruling, excluded
from policy.governance.spdx import Standing, judge_license
from policy.governance.versions import parsed
from policy.governance.weighing import Doubt, Learnt, Material, finding, weigh

__all__ = ["dependencies", "licenses", "sbom", "vulnerabilities"]

_NO_LICENSE: Final = "find out its licence; then exclude it by name with the reason, or use another package"


def dependencies(facts: ChangeFacts, policy: GovernancePolicy) -> Ruling:
    """Judge what is introduced: that it exists, is offered, old enough, allowed, pinned, and no lookalike."""
    if gap := _gap("dependencies", facts, policy):
        return gap
    direct = {(one.ecosystem, one.name) for one in facts.dependencies or () if not one.is_lock}
    learnt = Learnt(facts.packages or ())
    told: list[Finding | Doubt] = []
    for one in facts.dependencies or ():
        is_direct = (one.ecosystem, one.name) in direct
        agreed = who_approved(facts, one.path, "dependency_add", "new_dependency") is not None
        case = Case(one, learnt.of(one), policy.dependencies, facts.now, is_direct, agreed)
        told += [each for check in CHECKS for each in check(case)]
    return weigh("dependencies", facts, policy, _sorted(told, tuple(_outdated(facts, learnt))))


def vulnerabilities(facts: ChangeFacts, policy: GovernancePolicy) -> Ruling:
    """Judge what is known against the introduced versions; a severity that nobody tells counts as high.

    The rule's scanners are second opinions on Python packages: what they alone see counts, and so does their silence.
    """
    if gap := _gap("vulnerabilities", facts, policy):
        return gap
    learnt = Learnt(facts.packages or ())
    material = _sorted(
        [each for one in facts.dependencies or () for each in _holes(one, learnt.of(one), facts, policy)]
    )
    if not any(one.ecosystem is Ecosystem.PYPI for one in facts.dependencies or ()):
        return weigh("vulnerabilities", facts, policy, material._replace(unknown=tuple(_stale(facts, policy))))
    more, silent = second_opinion(facts, policy)
    unknown = (*silent, *_stale(facts, policy))
    findings = (*material.findings, *more)
    return weigh("vulnerabilities", facts, policy, material._replace(findings=findings, unknown=unknown))


def licenses(facts: ChangeFacts, policy: GovernancePolicy) -> Ruling:
    """Judge the licence of each introduced version."""
    if gap := _gap("licenses", facts, policy):
        return gap
    learnt = Learnt(facts.packages or ())
    told = [each for one in facts.dependencies or () for each in _license(one, learnt.of(one), policy)]
    return weigh("licenses", facts, policy, _sorted(told))


def sbom(facts: ChangeFacts, policy: GovernancePolicy) -> Ruling:
    """Ask for an inventory of this head."""
    if facts.sbom is None:
        return Ruling(Verdict.UNDETERMINED, "no inventory of this head was made")
    if gap := _gap("sbom", facts, policy):
        return gap
    return Ruling(Verdict.PASS, f"inventory {facts.sbom.sha256[:12]}", (f"{facts.sbom.name}: {facts.sbom.sha256}",))


def _gap(rule: str, facts: ChangeFacts, policy: GovernancePolicy) -> Ruling | None:
    """Say what was not gathered; manifests that were not read may introduce anything."""
    if facts.dependencies is None:
        return Ruling(Verdict.UNDETERMINED, "what the change introduces could not be gathered")
    today = facts.now.date()
    unread = [one for one in facts.unreadable_manifests if not excluded(policy, rule, _path(one), "unreadable", today)]
    if unread:
        told = tuple(f"{one}; write it so that it can be read, or exclude `unreadable` for its path" for one in unread)
        return Ruling(Verdict.UNDETERMINED, f"{len(unread)} manifests could not be read: {unread[0]}", told[:50])
    if facts.dependencies and facts.packages is None and rule != "sbom":
        return Ruling(Verdict.UNDETERMINED, "nothing was asked of the registries", (f"registries: {ASK_AGAIN}",))
    return None


def _path(unread: str) -> str:
    return unread.partition(": ")[0]


def _sorted(told: list[Finding | Doubt], notes: tuple[str, ...] = ()) -> Material:
    findings = tuple(one for one in told if isinstance(one, Finding))
    return Material(findings, tuple(one for one in told if isinstance(one, Doubt)), notes=notes)


def _stale(facts: ChangeFacts, policy: GovernancePolicy) -> Iterator[str]:
    """Say why what is known may be old: a server does not tell its age, a folder of records does."""
    told = facts.advisories
    if told is None or not told.is_whole:
        return
    if told.as_of is None or facts.now - told.as_of > policy.dependencies.oldest_advisories:
        age = "of unknown age" if told.as_of is None else f"of {told.as_of:%Y-%m-%d}"
        yield f"the advisories in {told.place} are {age}: fetch newer ones"


def _outdated(facts: ChangeFacts, learnt: Learnt) -> Iterator[str]:
    for one in facts.dependencies or ():
        package = learnt.of(one)
        version = parsed(one.ecosystem, one.version or "") if one.version else None
        newest = parsed(one.ecosystem, package.newest) if package and package.newest else None
        if package and version is not None and newest is not None and version < newest:
            yield f"outdated: {one.name} {one.version}, the newest is {package.newest}"


def _holes(
    one: Dependency, package: Package | None, facts: ChangeFacts, policy: GovernancePolicy
) -> Iterator[Finding | Doubt]:
    if one.origin != "registry":
        yield Doubt(one, "origin", "what comes from no registry is in no list of vulnerabilities", "use a release")
        return
    if package is not None and Known.ABSENT in (package.known, package.version_known):
        return  # nothing exists that could have a hole; the rule on dependencies says so
    if package is None or package.advisories is None:
        hint = "have the source of advisories answer, and judge again"
        yield Doubt(one, "unasked", "whether it has known vulnerabilities could not be asked", hint)
        return
    today = facts.now.date()
    for told in package.advisories:
        names = (told.id, *told.aliases)
        if not any(excluded(policy, "vulnerabilities", one.path, name, today) for name in names):
            yield _hole(one, package, told)


def _hole(one: Dependency, package: Package, told: Advisory) -> Finding:
    severity = Severity(told.severity) if told.severity in set(Severity) else Severity.HIGH
    unsaid = "" if told.severity in set(Severity) else "; how bad it is, nobody tells"
    also = f" ({', '.join(told.aliases[:3])})" if told.aliases else ""
    hint = f"use {' or '.join(told.fixed[:3])}" if told.fixed else "no version fixes it yet: use another package"
    found = finding(one, package, told.id, severity, f"{told.id}{also}: {told.summary}{unsaid}", hint=hint)
    return found.model_copy(update={"source": told.url or f"osv:{told.id}"})


def _license(one: Dependency, package: Package | None, policy: GovernancePolicy) -> Iterator[Finding | Doubt]:
    if package is not None and Known.ABSENT in (package.known, package.version_known):
        return
    asked = package is not None and package.version_known is Known.FOUND
    judged = judge_license(package.license if package else None, policy.licenses)
    if judged.standing is Standing.ALLOWED:
        return
    if judged.standing is Standing.DENIED:
        text = f"licence {judged.decided_by} is denied by policy"
        yield finding(one, package, "denied", Severity.HIGH, text, hint="use a package under an allowed licence")
        return
    known = judged.standing is Standing.UNLISTED
    text = f"licence {judged.decided_by} is on no list" if known else f"its licence is not known: {judged.decided_by}"
    if policy.licenses.unknown == "undetermined" or not asked:
        yield Doubt(one, "unknown", text, _NO_LICENSE)
    else:
        severity = Severity.HIGH if policy.licenses.unknown == "fail" else Severity.LOW
        yield finding(one, package, "unknown", severity, text, hint=_NO_LICENSE)
