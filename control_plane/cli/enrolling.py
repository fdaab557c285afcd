"""The work behind `factory repo add`, which needs the whole factory."""

from typing import Any

from control_plane.cli.opening import open_home
from control_plane.cli.output import note
from control_plane.repositories.documents import enrolment_document
from control_plane.repositories.enrolment import Enrolment, EnrolRequest, check, enrol
from control_plane.runs.person import current_person
from control_plane.runs.wording import harmless
from domain.repositories import BaseReport
from domain.sandbox import Output, OutputLine
from resources.brokers import brokers


def enrol_repository(
    name: str, source: str, told: dict[str, Any], *, with_check: bool, forge: str | None = None
) -> tuple[dict[str, Any], list[str]]:
    """Enrol, tell on stderr what was chosen and why, check the base; return the document and its lines."""
    factory = open_home()
    enrolment = enrol(factory, EnrolRequest(name, source, told, current_person(), forge))
    for line in [*_reasons(enrolment), *(f"note: {one}" for one in enrolment.notes)]:
        note(line)
    report = None
    if with_check and enrolment.settings.verify:
        note("preparing the environment and checking the base …")
        with brokers(factory):
            report = check(factory, enrolment, _progress)
    return enrolment_document(enrolment, report), _told(enrolment, report)


def _reasons(enrolment: Enrolment) -> tuple[str, ...]:
    """Say what was recognised; that nothing was is no news to somebody who told how it is tested."""
    told = enrolment.detection.kind == "unknown" and bool(enrolment.settings.verify)
    return () if told else enrolment.detection.reasons


def _progress(output: Output) -> None:
    if isinstance(output, OutputLine) and output.text.strip():
        note(f"  | {harmless(output.text)}")


def _told(enrolment: Enrolment, report: BaseReport | None) -> list[str]:
    settings = enrolment.settings
    lines = [
        f"{enrolment.repository.name} is enrolled at {settings.base} {enrolment.commit[:12]} ({settings.autonomy})",
        *(f"  setup:  {command}" for command in settings.setup),
        *(f"  verify: {command}" for command in settings.verify),
        f"  remote: {enrolment.repository.remote}",
    ]
    if report is None:
        return lines
    if not report.base_red:
        return [*lines, "  base:   passes its own checks"]
    names = report.failing_tests or report.failing_commands
    return [*lines, f"  base:   RED by itself, {len(names)} failing:", *(f"    {harmless(one)}" for one in names)]
