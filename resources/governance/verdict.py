"""A subject → its stored report, judged by the policy of its merge base; and a stored report judged again."""

import time
from collections.abc import Sequence

from domain.errors import InvalidInput, NotFound
from domain.governed import GovernanceReport
from policy.governance.model import RULES
from resources.governance.gathering import Tell
from resources.governance.given import gather_given, judge_given
from resources.governance.subject import Subject
from resources.wiring import Factory


def govern(factory: Factory, subject: Subject, tell: Tell) -> GovernanceReport:
    """Gather, judge and store; a report on some rules only is not stored in place of a whole one.

    Raises:
        InvalidInput: no such rule. PolicyInvalid, RepositoryInvalid: the merge base's own files are wrong.
        ForgeUnavailable: git cannot tell what the change is.
    """
    check_rules(subject.rules)
    began = time.monotonic()
    facts = gather_given(factory, subject, tell)
    report = judge_given(factory, facts, number=subject.number, seconds=round(time.monotonic() - began, 3))
    if not subject.rules:
        factory.governance.save(report)
    return report


def judge_again(factory: Factory, report: GovernanceReport) -> GovernanceReport:
    """Return the report that the stored facts and policy give now; the same rules give the same one.

    Raises:
        NotFound: its facts are missing, changed, or of a release that cannot be read.
    """
    if report.facts is None:
        raise NotFound(f"report {report.id} has no stored facts", report=report.id)
    return judge_given(factory, report.facts, number=report.number, seconds=report.seconds)


def check_rules(names: Sequence[str]) -> None:
    """Refuse rules that do not exist: a report on none would say nothing."""
    unknown = [name for name in names if name not in RULES]
    if unknown:
        raise InvalidInput(f"no rule {', '.join(unknown)}; known are {', '.join(RULES)}", errors=unknown)
