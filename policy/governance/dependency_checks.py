"""What can be wrong with one introduced dependency: each check is a small function, none stopped early."""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from domain.changes import Dependency, Known, Package
from domain.findings import Finding, Severity
from policy.governance.manifests.kinds import kind_of
from policy.governance.model import DependencyPolicy
from policy.governance.versions import satisfies
from policy.governance.weighing import Doubt, finding

ASK_AGAIN: Final = "let it be judged again when the registry answers"
SETTLED: Final = timedelta(days=365)


class Case(NamedTuple):
    dependency: Dependency
    package: Package | None  #: None: it was not looked up
    policy: DependencyPolicy
    now: datetime
    direct: bool  #: a person asked for it, not a lock file alone
    approved: bool = False  #: a person agreed to what its file introduces

    @property
    def name(self) -> str:
        """As policy files write it."""
        return f"{self.dependency.ecosystem}:{self.dependency.name}"

    @property
    def version(self) -> str | None:
        return self.dependency.version or (self.package.version if self.package else None)

    def wrong(self, rule: str, severity: Severity, text: str, hint: str) -> Finding:
        return finding(self.dependency, self.package, rule, severity, text, hint=hint)

    def unclear(self, rule: str, text: str, hint: str) -> Doubt:
        return Doubt(self.dependency, rule, text, hint)


Told = Iterator[Finding | Doubt]
Check = Callable[[Case], Told]


def allowed(case: Case) -> Told:
    """Names that policy denies at this version, or does not list."""
    told = case.policy.denied.get(case.name)
    if told == "*":
        yield case.wrong("banned", Severity.HIGH, "policy allows no version of it", "use another package")
    elif told is not None:
        yield from _banned(case, told)
    if case.policy.allowed and case.name not in case.policy.allowed:
        yield case.wrong("unlisted", Severity.HIGH, "it is not on the list of allowed packages", "have it added there")


def _banned(case: Case, specifier: str) -> Told:
    hit = satisfies(case.dependency.ecosystem, specifier, case.version) if case.version else None
    if hit:
        yield case.wrong("banned", Severity.HIGH, f"policy denies {specifier}", f"use a version outside of {specifier}")
    elif hit is None:
        hint = "pin one version that can be compared"
        yield case.unclear("banned", f"whether it is {specifier}, which policy denies, is unclear", hint)


def from_registry(case: Case) -> Told:
    """An address or a path outside brings what no registry vouches for."""
    if case.dependency.origin != "registry":
        text = f"it comes from {_ORIGINS.get(case.dependency.origin, 'elsewhere')}, which no registry vouches for"
        yield case.wrong("origin", Severity.HIGH, text, "take a released version from the registry")


_ORIGINS: Final = {"url": "an address", "vcs": "version control", "path": "a path"}


def exists(case: Case) -> Told:
    if case.dependency.origin != "registry":
        return
    package = case.package
    if package is None or package.known is Known.OFFLINE:
        yield case.unclear("offline", "its registry could not be asked", ASK_AGAIN)
    elif package.known is Known.ABSENT:
        text = "no such package exists"
        yield case.wrong("nonexistent", Severity.CRITICAL, text, "correct the name: anyone could register this one")
    elif package.version_known is Known.ABSENT:
        text = "no such version exists"
        yield case.wrong("nonexistent", Severity.CRITICAL, text, f"use one that does; the newest is {package.newest}")
    elif package.version_known is Known.OFFLINE:
        yield case.unclear("offline", "its registry did not say whether this version exists", ASK_AGAIN)


def still_offered(case: Case) -> Told:
    if case.package is None:
        return
    newest = f"use {case.package.newest}" if case.package.newest else "use another version"
    if case.package.yanked:
        yield case.wrong("yanked", Severity.HIGH, f"withdrawn by its makers: {case.package.yanked}", newest)
    if case.package.deprecated:
        severity = Severity.MEDIUM if case.direct else Severity.LOW
        hint = "use what its makers name instead" if case.direct else "renew what brings it"
        yield case.wrong("deprecated", severity, f"deprecated: {case.package.deprecated}", hint)


def old_enough(case: Case) -> Told:
    if case.package is None or case.package.version_known is not Known.FOUND:
        return
    yield from _aged(case, "young", case.package.published_at, case.policy.youngest, "this version")
    if case.dependency.previous is None:
        first = case.package.first_published_at
        yield from _aged(case, "young-package", first, case.policy.youngest_package, "the package")


def _aged(case: Case, rule: str, born: datetime | None, least: timedelta, what: str) -> Told:
    if born is None:
        text = f"the registry does not tell since when {what} exists"
        if case.policy.unknown_age == "undetermined":
            yield case.unclear(rule, text, "find out, and exclude it by name with the reason")
        elif case.policy.unknown_age == "warn":
            yield case.wrong(rule, Severity.LOW, text, "look when it was published")
    elif case.now - born < least:
        age = max(0, (case.now - born).days)
        text = f"{what} is {age} days old, less than {_days(least)}"
        hint = f"wait until {(born + least).date()}, or take an older version"
        yield case.wrong(rule, Severity.MEDIUM, text, hint)


def _days(span: timedelta) -> str:
    return f"{span.total_seconds() / 86400:g} days"


def its_own_name(case: Case) -> Told:
    like = case.package.lookalike if case.package else None
    if like and case.policy.lookalikes and case.dependency.previous is None and not _is_known(case):
        severity = Severity.LOW if not case.direct and _is_settled(case) else Severity.CRITICAL
        text = f"it can be taken for {like}"
        yield case.wrong("lookalike", severity, text, f"use {like}, or list this name under known_names")


def _is_settled(case: Case) -> bool:
    """What other packages ask for was mistyped by nobody here, and a trap does not stand open for years."""
    first = case.package.first_published_at if case.package else None
    return first is not None and case.now - first >= SETTLED


def _is_known(case: Case) -> bool:
    return bool({case.name, case.dependency.name} & set(case.policy.known_names))


def pinned(case: Case) -> Told:
    """Locks and requirements files say what is installed; other manifests may leave room."""
    kind = kind_of(case.dependency.path)
    holds = case.dependency.is_lock or (kind is not None and kind.is_requirements)
    if case.policy.pins == "any" or case.dependency.origin != "registry" or not holds:
        return
    if case.dependency.version is None:
        yield case.wrong("unpinned", Severity.MEDIUM, "it is not pinned to one version", "write `==` and the version")
    elif case.policy.pins == "hashed" and not case.dependency.hashed:
        yield case.wrong("unhashed", Severity.MEDIUM, "it has no hash", "lock anew with hashes")


def agreed(case: Case) -> Told:
    if case.policy.new_needs_person and not case.approved and case.direct and case.dependency.previous is None:
        yield case.wrong("new", Severity.LOW, "a new direct dependency", "a person has to agree to it")


CHECKS: Final[tuple[Check, ...]] = (
    allowed,
    from_registry,
    exists,
    still_offered,
    old_enough,
    its_own_name,
    pinned,
    agreed,
)
