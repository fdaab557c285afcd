"""Present a head: only the Dagster run that was asked for, or one a person began on an idle head, may judge it."""

import re
from datetime import timedelta
from typing import Final

from domain.errors import InvalidInput, LeaseLost
from domain.heads import HeadState, WantedHead
from factory_pipelines.governance.stages.context import HeadContext, Presented
from resources.desks import review_desk
from resources.wiring import Factory

_PARTITION: Final = re.compile(r"([A-Za-z0-9][A-Za-z0-9._-]{0,99})#([0-9]{1,15})@([0-9a-f]{12})")


def present(factory: Factory, presented: Presented) -> HeadContext:
    """Return the head this Dagster run may judge.

    Raises:
        InvalidInput: the partition names none. LeaseLost: the head moved, or another Dagster run has it.
    """
    head = _wanted(factory, presented.partition)
    if presented.fence is None:
        head = _taken(factory, head, presented.dagster_run_id)
    elif head.fence != presented.fence or head.state is not HeadState.ASKED:
        raise LeaseLost(f"another Dagster run was asked for {head.partition}, or it was judged")
    repository = factory.lookup.repository(head.repository)
    context = HeadContext(factory, repository, review_desk(factory, repository), head)
    context.still_ours()
    return context


def _wanted(factory: Factory, partition: str) -> WantedHead:
    told = _PARTITION.fullmatch(partition)
    if told is None:
        raise InvalidInput(f"{partition[:200]!r} is not NAME#NUMBER@SHA12")
    head = factory.heads.find(told[1], int(told[2]))
    if head is None or not head.head_sha.startswith(told[3]):
        raise LeaseLost(f"{partition} is not the head of a pull request we know any more")
    return head


def _taken(factory: Factory, head: WantedHead, dagster_run_id: str) -> WantedHead:
    """Take a head by hand: one nobody is at, or keep the one this Dagster run took before."""
    if head.state is HeadState.ASKED and head.holder == dagster_run_id:
        return head
    idle = head.state is not HeadState.ASKED or (head.expires_at is not None and head.expires_at <= factory.now())
    until = factory.now() + timedelta(seconds=factory.settings.lease_ttl)
    taken = factory.heads.ask(head, expires_at=until, holder=dagster_run_id) if idle else None
    if taken is None:
        raise LeaseLost(f"another Dagster run is at {head.partition}")
    return taken
