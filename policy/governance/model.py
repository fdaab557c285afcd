"""The shape of `policy/rules/governance.yaml`: what each rule weighs, what it lets through, and until when."""

from datetime import date, timedelta
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, PositiveFloat, PositiveInt, model_validator

from domain.findings import Severity
from domain.handwriting import Duration, texts
from domain.model import Name, Value

RULES = (
    "lint",
    "tests",
    "sast",
    "vulnerabilities",
    "dependencies",
    "licenses",
    "secrets",
    "scope",
    "protected",
    "workflows",
    "size",
    "provenance",
    "sbom",
)  #: in the order of the report

Texts = Annotated[tuple[str, ...], BeforeValidator(texts)]


class RulePolicy(Value):
    severity: Severity  #: of the rule when it fails
    mandatory: bool  #: blocks; an advisory rule is shown only
    enabled: bool = True
    fails_from: Severity = Severity.MEDIUM  #: findings below it only warn
    scanners: Texts = ()  #: whose findings it judges; each must have run
    reads: Texts = ()  #: shell patterns of changed text files that at least one of them must have read


class Exclusion(Value):
    """What a rule lets through: who reads it sees why, and it ends by itself."""

    rule: Name
    paths: Texts = ()  #: shell patterns; empty: every path
    finding: str | None = None  #: the scanner's own rule, a package, or an advisory; none: all of the rule
    reason: Annotated[str, Field(min_length=10)]
    expires: date  #: the last day it holds

    @model_validator(mode="after")
    def _excludes_something(self) -> "Exclusion":
        if not self.paths and self.finding is None:
            raise ValueError("name paths or a finding: a whole rule is switched off with enabled: false")
        return self


class DependencyPolicy(Value):
    youngest: Duration  #: age a version must have
    youngest_package: Duration  #: age a package that is new here must have
    oldest_advisories: Duration = timedelta(days=30)  #: of a folder of records; a server tells no age
    denied: dict[str, str] = {}  #: `pypi:NAME` or `npm:NAME`, a version specifier or *
    allowed: Texts = ()  #: the same names; empty: any
    pins: Literal["any", "exact", "hashed"] = "any"  #: of what a lock or requirements file introduces
    lookalikes: bool = True  #: of popular names, blocked
    known_names: Texts = ()  #: never taken for lookalikes
    unknown_age: Literal["pass", "warn", "undetermined"] = "warn"  #: of what its registry does not date
    new_needs_person: bool = True  #: a new direct dependency waits for a person


class LicensePolicy(Value):
    """SPDX identifiers; an expression passes when one of its alternatives does."""

    allow: Texts
    deny: Texts = ()
    unknown: Literal["fail", "warn", "undetermined"] = "undetermined"


class PathPolicy(Value):
    protected: Texts  #: changed by a person's own pull request only
    locks: dict[str, Texts] = {}  #: lock file → manifests, one of which must change with it
    shared: Texts = ()  #: packages others build on: the factory's own change of them waits for a person
    scope: Literal["enforce", "warn"] = "enforce"  #: what a path outside of the allowed scope does


class SizePolicy(Value):
    max_files: PositiveInt
    max_lines: PositiveInt
    max_file_bytes: PositiveInt
    new_binary: Literal["fail", "warn", "pass"] = "fail"


class ProvenancePolicy(Value):
    bots: Annotated[Texts, Field(min_length=1)] = ("factory-bot@localhost",)  #: e-mail addresses the factory commits as


class GovernancePolicy(Value):
    rules: dict[Name, RulePolicy]
    budget: PositiveFloat = 900.0  #: seconds all scanners of one head may take
    exclusions: tuple[Exclusion, ...] = ()
    dependencies: DependencyPolicy
    licenses: LicensePolicy
    paths: PathPolicy
    size: SizePolicy
    provenance: ProvenancePolicy = ProvenancePolicy()
    top: PositiveInt = 5  #: blockers named first in the report

    @model_validator(mode="after")
    def _every_rule_is_weighed(self) -> "GovernancePolicy":
        missing, unknown = set(RULES) - set(self.rules), set(self.rules) - set(RULES)
        if missing or unknown:
            raise ValueError(f"rules: missing {sorted(missing)}, unknown {sorted(unknown)}; known are {list(RULES)}")
        return self

    @model_validator(mode="after")
    def _excludes_from_known_rules(self) -> "GovernancePolicy":
        unknown = sorted({one.rule for one in self.exclusions} - set(RULES))
        if unknown:
            raise ValueError(f"exclusions: no rule {', '.join(unknown)}; known are {list(RULES)}")
        return self
