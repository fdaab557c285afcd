"""Which heads of pull requests are to be judged: wanted by webhooks and by looking, asked for within bounds."""

from datetime import datetime, timedelta
from typing import Final

import structlog

from domain.alerts import Alert
from domain.errors import FactoryError
from domain.forge import PullHead
from domain.heads import HeadState, WantedHead
from domain.repositories import Repository
from policy.governance.reporting import policy_digest
from policy.redelivery import TRIES
from resources.desks import has_desk, review_desk
from resources.wiring import Factory

log = structlog.get_logger()

LOOKED: Final = "governance_look"  #: beat of the last look at all open pull requests
LOOK_EVERY: Final = timedelta(seconds=30)  #: catches the webhook that never came


class HeadWatch:
    def __init__(self, factory: Factory) -> None:
        self._factory = factory

    def look(self) -> dict[str, str]:
        """Want the head of every open pull request judged; return the repositories that could not be asked, and why."""
        now, seen = self._factory.now(), self._factory.oversight.last_beat(LOOKED)
        if seen is not None and now - seen < LOOK_EVERY:
            return {}
        self._factory.oversight.beat(LOOKED, now=now)
        failed = {}
        for repository in self._factory.oversight.repositories():
            try:
                self._look_at(repository)
            except FactoryError as error:
                failed[repository.name] = error.message
                log.warning("pull_requests_not_seen", repository=repository.name, code=error.code)
        return failed

    def want(self, repository: Repository, pull: PullHead, *, again: bool = False) -> bool:
        """Want this head judged by the policy in force; False when it was or is."""
        digest = policy_digest(self._factory.policy.governance)
        heads, now = self._factory.heads, self._factory.now()
        return heads.want(repository.name, pull.number, pull.head_sha, digest, now=now, again=again)

    def due(self) -> list[WantedHead]:
        return self._factory.heads.due(now=self._factory.now())

    def ask(self, head: WantedHead) -> WantedHead | None:
        """Grant a Dagster run for a head; None when somebody was quicker, or its tries are spent."""
        granted = self._factory.heads.ask(head, expires_at=self.until_started())
        if granted is None or head.tries < TRIES:
            return granted
        reason = f"no Dagster run came to an end in {head.tries} tries"
        self._factory.heads.settle(granted.ref, HeadState.FAILED, reason, now=self._factory.now())
        self._factory.notifier.alert(unjudged(head, reason, self._factory.now()))
        return None

    def wait_on(self, head: WantedHead) -> None:
        """Give a Dagster run that still stands in the queue more time."""
        self._factory.heads.record(head.ref, expires_at=self.until_started())

    def until_started(self) -> datetime:
        return self._factory.now() + timedelta(seconds=self._factory.settings.not_started_limit)

    def _look_at(self, repository: Repository) -> None:
        if has_desk(self._factory, repository):
            for pull in review_desk(self._factory, repository).open_pulls(repository):
                self.want(repository, pull)


def unjudged(head: WantedHead, reason: str, at: datetime) -> Alert:
    """Return what the operator is told of a head that nobody judges any more."""
    text = f"governance of {head.partition} failed: {reason}"
    again = f"close and reopen #{head.number}, or ask for its check again"
    return Alert(kind="governance_failed", text=text, at=at, details={"head": head.partition, "retry": again})
