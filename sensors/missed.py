"""What a webhook told that never came: our pull requests that ended, and what is said against those that are open."""

from collections.abc import Iterator
from typing import Final

import structlog

from adapters.forge.contract import ReviewDesk
from domain.errors import FactoryError
from domain.forge import PullHead, PullRequest, PullRequestState
from domain.lifecycle import Stage
from domain.repositories import Repository
from policy.effects import PullEnded
from policy.rework import objection_in
from resources.desks import has_desk, review_desk
from resources.wiring import Factory
from sensors.inbox_effects import ForgeEffects
from sensors.rework import Rework

log = structlog.get_logger()

DELIVERED: Final = (Stage.TESTING, Stage.REVIEW)  #: where a pull request may be open


class MissedWords:
    """Asks the forge for what holds now; heard twice, by webhook and here, it is done once."""

    def __init__(self, factory: Factory, effects: ForgeEffects) -> None:
        self._factory = factory
        self._effects = effects

    def look(self) -> dict[str, list[str]]:
        """Return what was done, and under `failed` the repositories that could not be asked."""
        told: dict[str, list[str]] = {"ended": [], "noted": [], "failed": []}
        for repository in self._factory.oversight.repositories():
            try:
                self._look_at(repository, told)
            except FactoryError as error:
                told["failed"].append(f"{repository.name}: {error.message}")
                log.warning("missed_words_not_seen", repository=repository.name, code=error.code)
        return told

    def _look_at(self, repository: Repository, told: dict[str, list[str]]) -> None:
        ours = {pull.number: pull for pull in self._open_ones(repository)}
        if not ours or not has_desk(self._factory, repository):
            return
        desk = review_desk(self._factory, repository)
        shown = {pull.number: pull for pull in desk.open_pulls(repository)}
        for number in sorted(ours.keys() - shown.keys()):
            told["ended"].append(self._effects.end_pull(repository, PullEnded(number=number, merged=False, by="")))
        for number in sorted(ours.keys() & shown.keys()):
            told["noted"] += self._said_against(repository, desk, shown[number])

    def _said_against(self, repository: Repository, desk: ReviewDesk, pull: PullHead) -> Iterator[str]:
        rework = Rework(self._factory)
        for remark in desk.remarks(repository, pull.number):
            reason = objection_in(remark) if remark.head_sha == pull.head_sha else None
            if reason is not None:
                yield rework.note(repository, pull, reason)

    def _open_ones(self, repository: Repository) -> Iterator[PullRequest]:
        lookup = self._factory.lookup
        for stage in DELIVERED:
            for ticket in lookup.tickets(stage=stage, repository=repository.name, limit=100_000):
                pull = lookup.pull_request(ticket.id) if ticket.completed_at else None
                if pull is not None and pull.state is PullRequestState.OPEN:
                    yield pull
