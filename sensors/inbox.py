"""Stored webhook deliveries → their effects. Safe to kill anywhere, and to repeat: a delivery is settled last.

A delivery only says where to look, so that order and repetition do not matter; each effect reads what holds now.
"""

from collections import Counter
from collections.abc import Iterator
from typing import Final, Protocol

import structlog

from domain.alerts import Alert
from domain.deliveries import Delivery, DeliveryState
from domain.errors import FactoryError, InvalidInput, NotFound
from domain.repositories import Repository
from domain.webhooks import read_payload
from policy.effects import (
    CancelTicket,
    Effect,
    FileTicket,
    FollowUp,
    JudgePull,
    Nothing,
    ObeyCommand,
    PullEnded,
)
from policy.inbox import Ourselves, decide
from policy.redelivery import next_try
from policy.retry import classify
from resources.wiring import Factory

log = structlog.get_logger()

BATCH: Final = 100
Settled = dict[DeliveryState, int]


class Effects(Protocol):
    """What deliveries make the factory do. Each returns one line that says what came of it.

    Guarantees: done twice with the same effect, or done after it was half done, nothing more changes; what counts is
    what forge and tracker say now.

    Raises (any method): FactoryError; the delivery is tried again.
    """

    def file(self, repository: Repository, wish: FileTicket) -> str: ...

    def cancel(self, repository: Repository, wish: CancelTicket) -> str: ...

    def obey(self, repository: Repository, order: ObeyCommand) -> str: ...

    def judge(self, repository: Repository, wish: JudgePull) -> str: ...

    def follow_up(self, repository: Repository, wish: FollowUp) -> str: ...

    def end_pull(self, repository: Repository, end: PullEnded) -> str: ...


class InboxDrain:
    def __init__(self, factory: Factory, effects: Effects, us: Ourselves) -> None:
        self._factory = factory
        self._effects = effects
        self._us = us

    def drain(self, limit: int = BATCH) -> Settled:
        """Carry out what waits, oldest first; return how many deliveries came to which state.

        One that fails rests and holds nobody up; after its last try it is FAILED, and the operator is told.

        Raises:
            LedgerUnavailable, StorageFull.
        """
        waiting = self._factory.inbox.waiting(now=self._factory.now(), limit=limit)
        return dict(Counter(self._settle(delivery) for delivery in waiting))

    def _settle(self, delivery: Delivery) -> DeliveryState:
        try:
            wanted = self._wanted(delivery)
        except (InvalidInput, NotFound) as error:
            return self._give_up(delivery, error)
        try:
            said = list(self._carried_out(delivery, wanted))
        except Exception as error:  # noqa: BLE001 - a surface: a bug in one effect holds no other delivery up
            return self._put_back(delivery, classify(error))
        ignored = all(isinstance(effect, Nothing) for effect in wanted)
        return self._close(delivery, DeliveryState.IGNORED if ignored else DeliveryState.DONE, "; ".join(said))

    def _wanted(self, delivery: Delivery) -> tuple[Effect, ...]:
        return decide(delivery.event, read_payload(self._factory.artifacts.get(delivery.body)), self._us)

    def _carried_out(self, delivery: Delivery, wanted: tuple[Effect, ...]) -> Iterator[str]:
        for effect in wanted:
            yield effect.reason if isinstance(effect, Nothing) else self._carry_out(delivery, effect)

    def _carry_out(self, delivery: Delivery, effect: Effect) -> str:
        repository = self._factory.lookup.repository(delivery.repository)
        if not repository.enabled:
            return f"{repository.name} is not enrolled any more"
        return carry_out(self._effects, repository, effect)

    def _put_back(self, delivery: Delivery, error: FactoryError) -> DeliveryState:
        failures = delivery.attempts + 1
        again = next_try(failures, now=self._factory.now(), jitter=self._factory.jitter())
        if again is None:
            return self._give_up(delivery, error)
        log.warning("delivery_put_back", delivery=delivery.id, code=error.code, failures=failures)
        now = self._factory.now()
        self._factory.inbox.settle(delivery.id, DeliveryState.WAITING, _words(error), now=now, retry_at=again)
        return DeliveryState.WAITING

    def _give_up(self, delivery: Delivery, error: FactoryError) -> DeliveryState:
        """Tell first: told twice is better than never."""
        text = f"the {delivery.event} delivery {delivery.id} of {delivery.repository} failed: {_words(error)}"
        details = {"delivery": delivery.id, "code": error.code, "retry": f"factory webhook replay {delivery.id}"}
        self._factory.notifier.alert(Alert(kind="delivery_failed", text=text, at=self._factory.now(), details=details))
        return self._close(delivery, DeliveryState.FAILED, _words(error))

    def _close(self, delivery: Delivery, state: DeliveryState, outcome: str) -> DeliveryState:
        self._factory.inbox.settle(delivery.id, state, outcome, now=self._factory.now())
        return state


def carry_out(effects: Effects, repository: Repository, effect: Effect) -> str:
    match effect:
        case FileTicket():
            return effects.file(repository, effect)
        case CancelTicket():
            return effects.cancel(repository, effect)
        case ObeyCommand():
            return effects.obey(repository, effect)
        case JudgePull():
            return effects.judge(repository, effect)
        case FollowUp():
            return effects.follow_up(repository, effect)
        case PullEnded():
            return effects.end_pull(repository, effect)
        case Nothing():
            return effect.reason


def _words(error: FactoryError) -> str:
    return f"{error.code}: {error.message}"[:1000]
