"""The shape of a repository's own `.factory/governance.yaml`: nothing in it can say less than the operator does."""

from typing import Final, Literal

from pydantic import Field, PositiveInt

from domain.findings import Severity
from domain.handwriting import Duration
from domain.model import Name, Value
from policy.governance.model import Exclusion, Texts

MAX_EXCLUSIONS: Final = 200


class RuleRefinement(Value):
    severity: Severity | None = None  #: raised to
    mandatory: Literal[True] | None = None
    enabled: Literal[True] | None = None
    fails_from: Severity | None = None  #: lowered to
    scanners: Texts = ()  #: more of them
    reads: Texts = ()  #: more of them


class DependencyRefinement(Value):
    youngest: Duration | None = None  #: longer
    youngest_package: Duration | None = None  #: longer
    oldest_advisories: Duration | None = None  #: shorter
    denied: dict[str, str] = {}  #: more of them; of a name that the operator denies too, only `*` says more
    pins: Literal["any", "exact", "hashed"] | None = None  #: stricter
    lookalikes: Literal[True] | None = None
    new_needs_person: Literal[True] | None = None


class LicenseRefinement(Value):
    deny: Texts = ()  #: more of them


class PathRefinement(Value):
    protected: Texts = ()  #: more of them
    locks: dict[str, Texts] = {}  #: more of them
    shared: Texts = ()  #: more of them
    scope: Literal["enforce"] | None = None


class SizeRefinement(Value):
    max_files: PositiveInt | None = None  #: smaller
    max_lines: PositiveInt | None = None  #: smaller
    max_file_bytes: PositiveInt | None = None  #: smaller
    new_binary: Literal["fail", "warn", "pass"] | None = None  #: stricter


class Refinement(Value):
    """`.factory/governance.yaml`. Of each limit the stricter one holds, the operator's or this file's."""

    rules: dict[Name, RuleRefinement] = {}
    exclusions: tuple[Exclusion, ...] = Field(default=(), max_length=MAX_EXCLUSIONS)
    dependencies: DependencyRefinement = DependencyRefinement()
    licenses: LicenseRefinement = LicenseRefinement()
    paths: PathRefinement = PathRefinement()
    size: SizeRefinement = SizeRefinement()
