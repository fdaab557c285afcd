"""The ladder of autonomy: what recent work must show before a repository goes further, and what takes it back."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Annotated, Final

from pydantic import Field, PositiveInt

from domain.handwriting import Duration
from domain.lifecycle import Stage
from domain.model import Value
from domain.outcomes import RunOutcome
from domain.stages import Judged, StageReport
from domain.tickets import Ticket, Tier
from policy.evidence import telling

Share = Annotated[float, Field(ge=0, le=1)]
LADDER: Final = tuple(sorted(Tier, key=lambda tier: tier.rank))


class ConstrainedStage(Value):
    """Bounds of a factory whose stage is constrained."""

    repositories: PositiveInt = 1  #: enrolled; another one waits for a green report of the whole factory
    languages: PositiveInt = 1  #: of the enrolled repositories, each by the first its base shows
    running: PositiveInt = 1  #: runs at work at once


class StagePolicy(Value):
    """How far the factory as a whole may go, and what counts as evidence."""

    stage: Tier  #: no repository goes further than this
    constrained: ConstrainedStage = ConstrainedStage()  #: bounds while the stage is constrained, below
    window: Duration  #: evidence is of so long, and of the time since the repository's tier last changed
    least_runs: PositiveInt  #: without so many nothing is proved
    drop: Share  #: of verified runs that the window's second half may lack against its first


class Evidence(Value):
    """What happened since a moment, of one repository or of all."""

    outcomes: tuple[RunOutcome, ...]
    tickets: tuple[Ticket, ...]
    judged: tuple[Judged, ...]


def stage_report(found: Evidence, policy: StagePolicy, *, repository: str | None, since: datetime) -> StageReport:
    """Return the figures and what they lack; the same evidence always gives the same report."""
    ended = telling(found.outcomes)
    before, now = _halves(ended, policy)
    steady = None if before is None or now is None else now >= before - policy.drop
    repeated = [group for group in _judged_again(found.judged) if len(group) > 1]
    told = StageReport(
        repository=repository,
        since=since,
        runs=len(ended),
        duplicates=tuple(_duplicates(found.tickets)),
        reruns=len(repeated),
        equal_reruns=sum(_is_same(group) for group in repeated),
        pass_rate_before=before,
        pass_rate_now=now,
        steady=steady,
        lacking=(),
        breaches=(),
    )
    breaches = tuple(_breaches(told))
    return told.model_copy(update={"breaches": breaches, "lacking": (*_unknown(told, policy), *breaches)})


def running_limit(own: int, policy: StagePolicy) -> int:
    """Return how many runs may be at work at once."""
    return min(own, policy.constrained.running) if policy.stage is Tier.CONSTRAINED else own


def step_up(tier: Tier) -> Tier | None:
    """Return the next tier; None from the highest."""
    return LADDER[tier.rank + 1] if tier.rank + 1 < len(LADDER) else None


def step_down(tier: Tier) -> Tier | None:
    return LADDER[tier.rank - 1] if tier.rank else None


def _halves(ended: Sequence[RunOutcome], policy: StagePolicy) -> tuple[float | None, float | None]:
    if len(ended) < max(policy.least_runs, 2):
        return None, None
    middle = len(ended) // 2
    return _share(ended[:middle]), _share(ended[middle:])


def _share(outcomes: Sequence[RunOutcome]) -> float:
    return sum(one.verified for one in outcomes) / len(outcomes)


def _duplicates(tickets: Sequence[Ticket]) -> Iterator[str]:
    """Yield tickets whose words an earlier one has that was not given up."""
    seen: set[tuple[str, ...]] = set()
    for ticket in sorted(tickets, key=lambda one: one.created_at):
        wanted = ticket.manifest
        key = (wanted.repository, wanted.tracker_item or "", wanted.title.casefold().strip(), wanted.body.strip())
        if key in seen:
            yield ticket.id
        elif ticket.stage is not Stage.DEAD_LETTER:
            seen.add(key)


def _judged_again(judged: Sequence[Judged]) -> list[list[Judged]]:
    groups: dict[tuple[str, str], list[Judged]] = defaultdict(list)
    for one in judged:
        groups[one.base_sha, one.tree_sha].append(one)
    return list(groups.values())


def _is_same(group: Sequence[Judged]) -> bool:
    return all((one.verdict, one.rules) == (group[0].verdict, group[0].rules) for one in group)


def _breaches(report: StageReport) -> Iterator[str]:
    if report.duplicates:
        yield f"{len(report.duplicates)} duplicate tickets: {', '.join(report.duplicates[:10])}"
    if report.equal_reruns < report.reruns:
        yield f"{report.reruns - report.equal_reruns} of {report.reruns} reruns came to another verdict"
    if report.steady is False:
        yield f"the share of verified runs fell from {report.pass_rate_before:.0%} to {report.pass_rate_now:.0%}"


def _unknown(report: StageReport, policy: StagePolicy) -> Iterator[str]:
    """What nobody knows is no evidence."""
    if report.steady is None:
        yield f"{report.runs} runs of the {policy.least_runs} that evidence takes"
    if not report.reruns:
        yield "no change was judged twice, so that nobody knows whether a rerun comes to the same"
