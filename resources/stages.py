"""Evidence from the ledger, and the two moves on the ladder of autonomy: up by a person, down by itself."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any, Final

from domain.errors import AutonomyRefused, InvalidInput
from domain.execution import Event, EventDraft
from domain.repositories import Repository
from domain.stages import Judged, StageReport
from domain.tickets import Tier
from policy.stages import Evidence, stage_report, step_down, step_up
from resources.images import language_of
from resources.wiring import Factory

CHANGED: Final = "autonomy_changed"
MOST: Final = 100_000
PAGE: Final = 10_000


def report_of(factory: Factory, repository: str | None = None) -> StageReport:
    """Return what recent work shows, of one repository or of all."""
    policy = factory.policy.stages
    since = max([factory.now() - policy.window, *_changes(factory, repository)])
    return stage_report(_evidence(factory, repository, since), policy, repository=repository, since=since)


def promote(factory: Factory, repository: Repository, to: Tier, *, actor: str, reason: str) -> Repository:
    """Go one tier up, on recorded evidence only.

    Raises:
        InvalidInput: it is no step up.
        AutonomyRefused: the evidence lacks something, or the factory's own stage is lower.
    """
    now = repository.settings.autonomy
    if step_up(now) is not to:
        raise InvalidInput(f"{repository.name} is {now}: the next tier is {step_up(now) or 'none'}", tier=now.value)
    if to.rank > factory.policy.stages.stage.rank:
        raise AutonomyRefused(f"the factory's own stage is {factory.policy.stages.stage}: policy/rules/stages.yaml")
    report = report_of(factory, repository.name)
    if not report.is_green:
        raise AutonomyRefused(f"{repository.name} stays {now}: {'; '.join(report.lacking)}", lacking=report.lacking)
    return _move(factory, repository, to, report, actor=actor, reason=reason)


def demote(factory: Factory, repository: Repository) -> Repository | None:
    """Go one tier down when recent work breaches what it rests on; None when there is no cause, or no lower tier."""
    lower = step_down(repository.settings.autonomy)
    report = report_of(factory, repository.name) if lower is not None else None
    if lower is None or report is None or not report.breaches:
        return None
    return _move(factory, repository, lower, report, actor="factory", reason="; ".join(report.breaches))


def refuse_another(factory: Factory, name: str) -> None:
    """Raises AutonomyRefused: the factory's stage is constrained, and its report not green for one more repository."""
    policy = factory.policy.stages
    others = [one.name for one in factory.oversight.repositories() if one.enabled and one.name != name]
    if policy.stage is not Tier.CONSTRAINED or len(others) < policy.constrained.repositories:
        return
    report = report_of(factory)
    if not report.is_green:
        raise AutonomyRefused(
            f"in the constrained stage {policy.constrained.repositories} may be enrolled, and {', '.join(others)} is: "
            + "; ".join(report.lacking),
            lacking=report.lacking,
        )


def refuse_language(factory: Factory, repository: Repository, commit: str) -> None:
    """Raises AutonomyRefused: with what this base shows, the constrained stage would have too many languages."""
    policy = factory.policy.stages
    if policy.stage is not Tier.CONSTRAINED:
        return
    others = [one for one in factory.oversight.repositories() if one.enabled and one.name != repository.name]
    spoken = {language_of(factory, one, _base_of(factory, one)) for one in others} - {None}
    wanted = language_of(factory, repository, commit)
    if spoken and wanted not in {*spoken, None} and len(spoken) >= policy.constrained.languages:
        known = ", ".join(sorted(str(one) for one in spoken))
        raise AutonomyRefused(
            f"in the constrained stage repositories may be of {policy.constrained.languages} language, and {known} is "
            f"what the enrolled ones are: {repository.name} is {wanted}"
        )


def _base_of(factory: Factory, repository: Repository) -> str:
    return factory.forges[repository.forge].fetch(repository, repository.settings.base)


def _move(
    factory: Factory, repository: Repository, to: Tier, report: StageReport, *, actor: str, reason: str
) -> Repository:
    settings = repository.settings.model_copy(update={"autonomy": to})
    moved = repository.model_copy(update={"settings": settings})
    factory.operators.save_repository(moved, actor=actor, now=factory.now())
    payload: dict[str, Any] = {"repository": repository.name, "was": repository.settings.autonomy.value, "is": to.value}
    payload |= {"reason": reason, "evidence": report.model_dump(mode="json")}
    draft = EventDraft(name=CHANGED, payload=payload, actor=actor, component="stages")
    factory.run_ledger.record_event(draft, lease=None, now=factory.now())
    return moved


def _changes(factory: Factory, repository: str | None) -> Iterator[datetime]:
    for event in factory.lookup.timeline(names=(CHANGED,)):
        if event.payload["repository"] == repository:
            yield event.at


def _evidence(factory: Factory, repository: str | None, since: datetime) -> Evidence:
    outcomes = factory.oversight.outcomes(since=since, limit=MOST)
    tickets = [one for one in factory.lookup.tickets(repository=repository, limit=MOST) if one.created_at >= since]
    return Evidence(
        outcomes=tuple(one for one in outcomes if repository in (None, one.repository)),
        tickets=tuple(tickets),
        judged=tuple(_judged(factory, repository, since)),
    )


def _judged(factory: Factory, repository: str | None, since: datetime) -> Iterator[Judged]:
    own = {one.id for one in factory.lookup.tickets(repository=repository, limit=MOST)}
    for event in _events(factory, "policy_judged"):
        if event.at >= since and event.ticket_id in own and "tree_sha" in event.payload:
            yield Judged.model_validate({key: event.payload[key] for key in Judged.model_fields})


def _events(factory: Factory, name: str) -> Iterator[Event]:
    after = 0
    while True:
        found = factory.lookup.timeline(names=(name,), after_seq=after, limit=PAGE)
        yield from found
        if len(found) < PAGE:
            return
        after = found[-1].seq
