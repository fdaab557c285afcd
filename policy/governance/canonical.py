"""Facts in one order, so that the order in which they were gathered decides nothing."""

from collections.abc import Iterable
from typing import TypeVar

from pydantic import BaseModel

from domain.changes import ChangeFacts
from domain.findings import Scan
from domain.governance import CheckResult

Model = TypeVar("Model", bound=BaseModel)


def canonical(facts: ChangeFacts) -> ChangeFacts:
    """Return the same facts with every list of them sorted by content."""
    return facts.model_copy(
        update={
            "files": _sorted(facts.files),
            "commits": _sorted(facts.commits),
            "repository_scope": tuple(sorted(facts.repository_scope)),
            "allowed_scope": tuple(sorted(facts.allowed_scope)),
            "approved": _sorted(facts.approved),
            "scans": _sorted(map(_scan, facts.scans)),
            "base_scans": _sorted(map(_scan, facts.base_scans)),
            "leaks": None if facts.leaks is None else _sorted(facts.leaks),
            "dependencies": None if facts.dependencies is None else _sorted(facts.dependencies),
            "unreadable_manifests": tuple(sorted(facts.unreadable_manifests)),
            "packages": None if facts.packages is None else _sorted(facts.packages),
            "workflows": _sorted(facts.workflows),
            "checks": _sorted(map(_check, facts.checks)),
            "baseline": None if facts.baseline is None else _sorted(map(_check, facts.baseline)),
        }
    )


def _sorted(values: Iterable[Model]) -> tuple[Model, ...]:
    return tuple(sorted(values, key=lambda one: one.model_dump_json()))


def _scan(scan: Scan) -> Scan:
    return scan.model_copy(
        update={
            "findings": _sorted(scan.findings),
            "files_given": tuple(sorted(scan.files_given)),
            "files_read": tuple(sorted(scan.files_read)),
        }
    )


def _check(check: CheckResult) -> CheckResult:
    failed = None if check.failed_tests is None else tuple(sorted(check.failed_tests))
    return check.model_copy(update={"failed_tests": failed})
