"""Merged changes judged again, by the policy of what they were merged into."""

from datetime import datetime
from typing import NamedTuple

from adapters._vendor.git import GitError
from domain.alerts import Alert
from domain.changes import Author
from domain.errors import FactoryError, ForgeUnavailable
from domain.forge import PullRequest
from domain.governance import Verdict
from domain.governed import GovernanceReport
from policy.governance.escapes import AFTER_MERGE, escapes_of
from resources.governance.gathering import Tell
from resources.governance.given import gather_given, judge_given
from resources.governance.source import mirror_of
from resources.governance.subject import Subject
from resources.merged import merged_pulls
from resources.unowned import making
from resources.wiring import Factory


def unscanned(factory: Factory) -> list[PullRequest]:
    """Return those that were not judged since they were merged, the oldest first."""
    return [
        one for one in sorted(merged_pulls(factory.lookup), key=lambda one: one.updated_at) if not _done(factory, one)
    ]


class Rescanned(NamedTuple):
    reports: tuple[GovernanceReport, ...]
    problems: tuple[str, ...]  #: of merged changes that could not be judged; they are tried again next time

    @property
    def escaped(self) -> int:
        pulls = {(one.repository, one.number or 0): one.head_sha for one in self.reports}
        return escapes_of(self.reports, pulls).escaped


def rescan_all(factory: Factory, tell: Tell) -> Rescanned:
    """Judge every merged change that was not yet, and alert the operator of each that fails; one that cannot be judged
    keeps no other from it."""
    reports, problems = [], []
    with making(factory.settings):
        for pull in unscanned(factory):
            try:
                reports.append(rescan(factory, pull, tell))
            except FactoryError as error:
                problems.append(f"{pull.repository}#{pull.number}: {error.message}")
                tell(problems[-1])
    for report in reports:
        if Rescanned((report,), ()).escaped:
            factory.notifier.alert(_escaped(report, factory.now()))
    return Rescanned(tuple(reports), tuple(problems))


def rescan(factory: Factory, pull: PullRequest, tell: Tell) -> GovernanceReport:
    """Judge a merge commit against its first parent, and store the report.

    Raises:
        ForgeUnavailable: the mirror does not have it (yet). PolicyInvalid, RepositoryInvalid: as governing does.
    """
    repository = factory.lookup.repository(pull.repository)
    factory.forges[repository.forge].fetch(repository, pull.base)
    merge = pull.merge_sha or ""
    git = mirror_of(factory.settings, repository.remote)
    try:
        base = git.commit(f"{merge}^1")
    except GitError as error:
        raise ForgeUnavailable(f"{merge[:12]} cannot be read: {error}"[:500]) from error
    if base is None:
        raise ForgeUnavailable(f"the mirror of {repository.name} has no merge commit {merge[:12]}")
    ends = {"base_sha": base, "head_sha": merge, "number": pull.number}
    subject = Subject(repository=repository, author=Author.PERSON, rules=AFTER_MERGE, **ends)
    report = judge_given(factory, gather_given(factory, subject, tell), number=pull.number, seconds=0.0)
    factory.governance.save(report)
    return report


def _escaped(report: GovernanceReport, now: datetime) -> Alert:
    pull = f"{report.repository}#{report.number}"
    failed = [one.rule for one in report.verdicts if one.mandatory and one.verdict in (Verdict.FAIL, Verdict.ERROR)]
    text = f"{pull} was merged, and fails {', '.join(failed)}: `factory governance show {report.id}`"
    return Alert(kind="violation_escaped", text=text, at=now, details={"pull_request": pull, "rules": failed})


def _done(factory: Factory, pull: PullRequest) -> bool:
    reports = factory.governance.reports(repository=pull.repository, number=pull.number, limit=100)
    return any(one.head_sha == pull.merge_sha for one in reports)
