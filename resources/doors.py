"""Open a sandbox's door for one command, as policy says, and tell the ledger what was tried."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from adapters.egress.surroundings import proxy_environment
from domain.egress import Attempt, Door, Purpose
from domain.execution import EventDraft, Run, SandboxRef
from domain.sandbox import Isolation
from policy.egress import allowed_hosts
from resources.model_apis import upstream_names
from resources.network import own_environment
from resources.registries import Registries, read_registries
from resources.wiring import Factory

TOLD_LIMIT = 50  #: refused places written to the ledger for one sandbox; the log has all


@dataclass(frozen=True, slots=True)
class Errand:
    """What a sandbox's command goes out for."""

    run_id: str
    purpose: Purpose
    repository: str | None = None
    harness: str | None = None


@contextmanager
def opened(factory: Factory, ref: SandboxRef, errand: Errand) -> Iterator[Mapping[str, str] | None]:
    """Keep the door open as long as the block lasts; yield what the command must be told, None for no door.

    A sandbox that isolates nothing has this machine's network and no door. `verify` has one only if policy grants it.

    Raises:
        EgressUnavailable: the broker does not answer.
    """
    if factory.sandboxes[ref.backend].isolation is Isolation.NONE:
        yield _without_door(factory, errand)
        return
    registries = read_registries(factory.settings.egress_dir)
    door = door_for(factory, ref, errand, registries)
    if errand.purpose is Purpose.VERIFY and not door.allow:
        yield None
        return
    factory.doors.open(door)
    told = registries.environment if errand.purpose is Purpose.SETUP else {}
    try:
        network = factory.settings.network
        yield {**proxy_environment(declared=network is not None and network.ca_bundle is not None), **told}
    finally:
        factory.doors.close(ref.id)


def _without_door(factory: Factory, errand: Errand) -> Mapping[str, str] | None:
    """Return what a command must be told that has this machine's network, which may be a declared one."""
    told = own_environment(factory.settings.network)
    if errand.purpose is Purpose.SETUP:
        return told
    return told or None if errand.purpose is Purpose.HARNESS else None


def door_for(factory: Factory, ref: SandboxRef, errand: Errand, registries: Registries) -> Door:
    allow = allowed_hosts(
        factory.policy.egress,
        purpose=errand.purpose,
        repository=errand.repository,
        harness=errand.harness,
        registries=registries.hosts,
    )
    is_setup = errand.purpose is Purpose.SETUP
    return Door(
        id=ref.id,
        run_id=errand.run_id,
        purpose=errand.purpose,
        repository=errand.repository,
        harness=errand.harness,
        allow=allow,
        upload_limit=factory.settings.upload_limit,
        exempt=registries.hosts if is_setup else (),
        upstreams=tuple(one.name for one in registries.upstreams) if is_setup else _upstreams(factory, errand),
    )


def _upstreams(factory: Factory, errand: Errand) -> tuple[str, ...]:
    return upstream_names(factory.settings, errand.harness) if errand.purpose is Purpose.HARNESS else ()


def tell_attempts(factory: Factory, run: Run, ref: SandboxRef) -> None:
    """Write what a run's sandbox tried into the run's timeline: each refused place once, and the sums."""
    attempts = factory.doors.attempts(ref.id)
    if not attempts:
        return
    refused = {(one.host, one.port, one.reach, one.reason): one for one in attempts if not one.allowed}
    for one in list(refused.values())[:TOLD_LIMIT]:
        place = one.host if one.port is None else f"{one.host}:{one.port}"
        _tell(factory, run, "egress_refused", host=place, reach=one.reach, reason=one.reason, sandbox=ref.id)
    _tell(factory, run, "egress_used", sandbox=ref.id, **_sums(attempts))


def _sums(attempts: list[Attempt]) -> dict[str, int]:
    return {
        "allowed": sum(one.allowed for one in attempts),
        "refused": sum(not one.allowed for one in attempts),
        "bytes_up": sum(one.bytes_up for one in attempts),
        "bytes_down": sum(one.bytes_down for one in attempts),
    }


def _tell(factory: Factory, run: Run, name: str, **payload: object) -> None:
    draft = EventDraft(name=name, payload=payload, ticket_id=run.ticket_id, run_id=run.id, component="execution")
    factory.run_ledger.record_event(draft, lease=None, now=factory.now())
