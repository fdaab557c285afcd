"""Facts for policy tests."""

from datetime import UTC, datetime
from typing import Any

from domain.governance import CheckResult, FileChange, Origin, Validation
from domain.lifecycle import Stage
from domain.tickets import Manifest, Risk, Ticket

SHA = "a" * 40
NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)


def check(
    command: str = "pytest", *, code: int = 0, origin: Origin = Origin.REPOSITORY, failed: Any = None
) -> CheckResult:
    return CheckResult(command=command, origin=origin, exit_code=code, seconds=1.0, failed_tests=failed)


def validation(**changes: Any) -> Validation:
    told: dict[str, Any] = {
        "base_sha": SHA,
        "tree_sha": SHA,
        "patch_sha256": "p",
        "replayed_tree_sha": SHA,
        "checks": (check(),),
        "files": (FileChange(path="src/a.py", status="M", size=10),),
        "lines_added": 1,
        "lines_removed": 1,
        "secrets": (),
    }
    return Validation(**{**told, **changes})


def manifest(**changes: Any) -> Manifest:
    return Manifest.model_validate({"title": "t", "repository": "r", "commands": ["true"], **changes})


def ticket(**changes: Any) -> Ticket:
    told: dict[str, Any] = {
        "id": "T-1",
        "stage": Stage.BUILDING,
        "manifest": manifest(),
        "manifest_sha256": "0" * 64,
        "idempotency_key": "k",
        "lock": "r",
        "risk": Risk.LOW,
        "created_by": "ann",
        "created_at": NOON,
        "updated_at": NOON,
        "not_before": NOON,
        "attempts": 1,
    }
    return Ticket(**{**told, **changes})
