"""Everything rules may look at, gathered of one subject at once; what could not be gathered is unknown, never empty."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from threading import Event
from typing import NamedTuple, TypeVar

from adapters._vendor.git import GitError
from domain.changes import ChangeFacts, CommitFact, WorkflowChange
from domain.errors import ForgeUnavailable
from domain.execution import ArtifactRef
from domain.findings import Leak
from domain.repositories import RepositorySettings
from policy.actions import Content
from policy.governance.approvals import approved
from policy.governance.model import GovernancePolicy
from policy.scopes import scope_report
from resources.governance.checking import Checked, check_subject
from resources.governance.inspecting import Hooks, Scans, scan_subject, scanners_of
from resources.governance.leaks import alert_leaks, leaks_of
from resources.governance.source import Source
from resources.governance.stopping import Stop
from resources.governance.supplies import RULES as OF_SUPPLIES
from resources.governance.supplies import Supplies, supplies_of
from resources.wiring import Factory

Tell = Callable[[str], None]  #: one line of progress
Part = TypeVar("Part")


def gather(
    factory: Factory, source: Source, settings: RepositorySettings, policy: GovernancePolicy, tell: Tell
) -> ChangeFacts:
    """Return the facts of a subject; parts that do not need each other run at once.

    Args:
        factory: What to gather with.
        source: Of the subject's commits.
        settings: In force at its merge base.
        policy: Of its merge base.
        tell: Hears what is done, and what could not be.

    Raises:
        ForgeUnavailable: git cannot tell what the change is.
    """
    parts = _parts(factory, source, settings, policy, tell)
    changes = source.changes
    scans, checked, supplies = parts.scans, parts.checked, parts.supplies
    subject = source.subject
    return ChangeFacts(
        repository=subject.repository.name,
        base_sha=subject.base_sha,
        head_sha=subject.head_sha,
        files=changes.files,
        lines_added=changes.added,
        lines_removed=changes.removed,
        commits=parts.commits,
        author=subject.author,
        ticket_id=subject.ticket_id,
        profile=subject.profile,
        repository_scope=settings.scope,
        allowed_scope=subject.allowed_scope,
        approved=approved(subject.grants, _content(source, parts, policy), factory.policy.actions),
        scope_report=_scope_report(factory, source, settings),
        scans=(*scans.head, *supplies.scans),
        base_scans=scans.base,
        leaks=parts.leaks,
        dependencies=supplies.asked.introduced,
        unreadable_manifests=supplies.asked.unreadable,
        packages=supplies.packages,
        advisories=supplies.advisories,
        workflows=parts.workflows,
        checks=checked.checks,
        checks_problem=checked.problem[:1000],
        baseline=checked.baseline,
        sbom=supplies.sbom,
        now=factory.now(),
    )


def _content(source: Source, parts: "_Parts", policy: GovernancePolicy) -> Content:
    asked = parts.supplies.asked
    return Content(
        files=source.files,
        dependencies=asked.introduced,
        unreadable_manifests=asked.unreadable,
        workflows=parts.workflows,
        shared=policy.paths.shared,
    )


def _scope_report(factory: Factory, source: Source, settings: RepositorySettings) -> ArtifactRef:
    told = scope_report(source.files, settings.scope, source.subject.allowed_scope)
    return factory.artifacts.put(told.model_dump_json(indent=1).encode(), kind="json", name="scope-report.json")


class _Parts(NamedTuple):
    scans: Scans
    checked: Checked
    supplies: Supplies
    commits: tuple[CommitFact, ...]
    workflows: tuple[WorkflowChange, ...]
    leaks: tuple[Leak, ...] | None


def _read(source: Source) -> None:
    try:
        _ = source.changes
    except (GitError, ValueError) as error:
        raise ForgeUnavailable(f"git cannot tell what the change is: {error}"[:1000]) from error


def _parts(
    factory: Factory, source: Source, settings: RepositorySettings, policy: GovernancePolicy, tell: Tell
) -> _Parts:
    """Gather what the rules that are asked for look at, and nothing else."""
    rules = set(source.subject.rules or policy.rules)
    stop = Stop()
    with ThreadPoolExecutor(4, thread_name_prefix="governance") as pool, stop.on_leaving_early(tell):
        reading = pool.submit(_read, source)
        begun = Event()
        scan = partial(scan_subject, factory, source, policy, Hooks(reading.result, begun.set, stop.observe))
        scanning = pool.submit(_told, tell, "scanners", scan, Scans()) if _scans(source, policy) else None
        reading.result()
        checking = asking = None
        if "tests" in rules:
            work = partial(check_subject, factory, source, settings, stop.observe)
            checking = pool.submit(_told, tell, "the repository's own checks", work, Checked())
        if scanning:  # they take longest: what takes the interpreter's time waits until they have started
            scanning.add_done_callback(lambda _: begun.set())
            begun.wait()
        if OF_SUPPLIES & rules:
            ask = partial(supplies_of, factory, source, policy, stop.observe)
            asking = pool.submit(_told, tell, "dependencies", ask, Supplies())
        commits, workflows = source.commits(), source.workflows()
        leaks = _told(tell, "secrets elsewhere", lambda: _leaks(factory, source), None) if "secrets" in rules else None
        checked = checking.result() if checking else Checked()
        if checked.problem:
            tell(f"no checks: {checked.problem}")
        supplies = asking.result() if asking else Supplies()
        return _Parts(scanning.result() if scanning else Scans(), checked, supplies, commits, workflows, leaks)


def _leaks(factory: Factory, source: Source) -> tuple[Leak, ...] | None:
    leaks = leaks_of(factory, source)
    alert_leaks(factory, source, leaks)
    return leaks


def _scans(source: Source, policy: GovernancePolicy) -> bool:
    return bool(scanners_of(policy, source.subject.rules))


def _told(tell: Tell, what: str, work: Callable[[], Part], nothing: Part) -> Part:
    """Return what a part gathers; one that breaks leaves nothing known of it, and the others speak."""
    tell(f"{what} …")
    try:
        return work()
    except Exception as error:  # noqa: BLE001 - unknown never passes: the rules say that nothing was gathered
        tell(f"{what}: {type(error).__name__}: {error}"[:500])
        return nothing
