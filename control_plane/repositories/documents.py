"""The JSON documents that speak of repositories."""

from typing import TYPE_CHECKING, Any

from domain.repositories import BaseReport, Repository

if TYPE_CHECKING:  # reading does not pay for the wiring that enrolling needs
    from control_plane.repositories.enrolment import Enrolment


def repository_document(repository: Repository) -> dict[str, Any]:
    return {
        "name": repository.name,
        "source": repository.source,
        "forge": repository.forge,
        "remote": repository.remote,
        "enabled": repository.enabled,
        "settings": repository.settings.model_dump(mode="json"),
    }


def enrolment_document(enrolment: "Enrolment", report: BaseReport | None) -> dict[str, Any]:
    """Return what `factory repo add` tells; `base_red` is None when nothing was checked."""
    return {
        **repository_document(enrolment.repository),
        "settings": enrolment.settings.model_dump(mode="json"),
        "base": enrolment.settings.base,
        "base_sha": enrolment.commit,
        "base_red": report.base_red if report else None,
        "failing_tests": list(report.failing_tests) if report else [],
        "failing_commands": list(report.failing_commands) if report else [],
        "detected": {"kind": enrolment.detection.kind, "reasons": list(enrolment.detection.reasons)},
        "notes": list(enrolment.notes),
    }
