"""From what is wrong with dependencies, and what is not known of them, to one ruling."""

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from domain.changes import ChangeFacts, Dependency, Ecosystem, Package
from domain.findings import Finding, Severity
from domain.governance import Verdict
from policy.governance.model import GovernancePolicy
from policy.governance.shape import Ruling, excluded
from policy.governance.versions import satisfies

SHOWN: Final = 50  #: lines of evidence
NOTES: Final = 20


class Doubt(NamedTuple):
    """Something that has to be known of one dependency, and is not."""

    dependency: Dependency
    rule: str
    text: str
    hint: str


class Material(NamedTuple):
    findings: tuple[Finding, ...] = ()
    doubts: tuple[Doubt, ...] = ()
    unknown: tuple[str, ...] = ()  #: what is not known of all of them
    notes: tuple[str, ...] = ()  #: worth a line, no reason to stop


def finding(
    dependency: Dependency, package: Package | None, rule: str, severity: Severity, text: str, *, hint: str
) -> Finding:
    """Return one thing that is wrong with a dependency; its fingerprint stays when lines move."""
    version = dependency.version or (package.version if package else None)
    told = f"{rule}\n{dependency.ecosystem}\n{dependency.name}\n{version}\n{dependency.path}\n{text}"
    return Finding(
        scanner="dependencies",
        rule=rule,
        severity=severity,
        path=dependency.path,
        line=dependency.line,
        text=text[:1000],
        hint=hint[:1000],
        package=dependency.name,
        version=version or dependency.specifier or "any",
        source=(package.url if package else None) or f"{dependency.ecosystem}:{dependency.name}",
        fingerprint=hashlib.sha256(told.encode()).hexdigest(),
    )


class Learnt:
    """What registries said, by name."""

    def __init__(self, packages: Iterable[Package]) -> None:
        self._named: dict[tuple[Ecosystem, str], list[Package]] = defaultdict(list)
        for one in packages:
            self._named[one.ecosystem, one.name].append(one)

    def of(self, dependency: Dependency) -> Package | None:
        """Return what was learnt of a dependency: of its version, else of one that its specifier allows."""
        return _fitting(dependency, self._named.get((dependency.ecosystem, dependency.name), []))


def _fitting(dependency: Dependency, own: Sequence[Package]) -> Package | None:
    if dependency.version is not None:
        return next((one for one in own if one.version == dependency.version), None)
    fits = [one for one in own if one.version is None or _allows(dependency, one.version)]
    return fits[0] if fits else None


def _allows(dependency: Dependency, version: str) -> bool:
    """A tag such as `latest` allows what the registry said it is."""
    return satisfies(dependency.ecosystem, dependency.specifier, version) is not False


def weigh(rule: str, facts: ChangeFacts, policy: GovernancePolicy, material: Material) -> Ruling:
    """Fail for what is bad enough, else tell what is not known, else warn, else pass; exclusions come first.

    An exclusion names a package, an advisory, or our own word for what is wrong (`yanked`, `lookalike`, ...).
    """
    floor = policy.rules[rule].fails_from.rank
    found = sorted((one for one in material.findings if not _is_excluded(rule, one, facts, policy)), key=_worst_first)
    doubts = [one for one in material.doubts if not _is_let_through(rule, one, facts, policy)]
    told = [*material.unknown, *sorted({_line(one) for one in doubts})]
    bad = [one for one in found if one.severity.rank >= floor]
    evidence = (*map(_told, bad), *told, *(_told(one) for one in found if one not in bad))
    shown = (*_at_most(evidence, SHOWN), *_at_most(sorted(set(material.notes)), NOTES))
    files = len({one.path for one in facts.dependencies or ()})
    if bad:
        return Ruling(Verdict.FAIL, _counted(_told(bad[0]), len(bad)), shown, files)
    if told:
        return Ruling(Verdict.UNDETERMINED, _counted(told[0], len(told)), shown, files)
    if found:
        return Ruling(Verdict.WARN, _counted(_told(found[0]), len(found)), shown, files)
    return Ruling(Verdict.PASS, _passed(facts), shown, files)


def _passed(facts: ChangeFacts) -> str:
    number = len(facts.dependencies or ())
    return f"{number} introduced dependencies looked at" if number else "the change introduces no dependency"


def _is_excluded(rule: str, one: Finding, facts: ChangeFacts, policy: GovernancePolicy) -> bool:
    return any(excluded(policy, rule, one.path, name, facts.now.date()) for name in (one.rule, one.package or ""))


def _is_let_through(rule: str, one: Doubt, facts: ChangeFacts, policy: GovernancePolicy) -> bool:
    names = (one.rule, one.dependency.name)
    return any(excluded(policy, rule, one.dependency.path, name, facts.now.date()) for name in names)


def _worst_first(one: Finding) -> tuple[int, str, int, str, str]:
    return -one.severity.rank, one.path, one.line or 0, one.package or "", one.text


def _told(one: Finding) -> str:
    place = one.path if one.line is None else f"{one.path}:{one.line}"
    return f"{place}: {one.package} {one.version}: {one.text} ({one.severity}); {one.hint} [{one.source}]"


def _line(one: Doubt) -> str:
    place = one.dependency.path if one.dependency.line is None else f"{one.dependency.path}:{one.dependency.line}"
    version = one.dependency.version or one.dependency.specifier or "any"
    return f"{place}: {one.dependency.name} {version}: {one.text}; {one.hint}"


def _counted(first: str, number: int) -> str:
    return f"{first} (and {number - 1} more)" if number > 1 else first


def _at_most(told: Sequence[str], number: int) -> tuple[str, ...]:
    left = len(told) - number
    return (*told[:number], f"and {left} more") if left > 0 else tuple(told)
