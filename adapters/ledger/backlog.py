"""Tickets and their leases: BacklogInterface over SQL."""

from datetime import datetime, timedelta

from sqlalchemy import Engine, insert, select, update

from adapters.ledger.claims import EVERYTHING, claim, ready_query
from adapters.ledger.endings import complete, fail
from adapters.ledger.engine import opened
from adapters.ledger.leases import lost
from adapters.ledger.rework import rework
from adapters.ledger.rows import manifest_json, many, one, run_by_id, ticket_by_id, tickets_of
from adapters.ledger.schema import counters, leases, pauses, ticket_dependencies, tickets
from adapters.ledger.transaction import Unit, transact
from domain.errors import DependencyCycle, FactoryError, IdempotencyConflict, NotFound
from domain.execution import ClaimRequest, Lease, LeaseRef, Run
from domain.failures import AttemptEnd
from domain.lifecycle import DEPENDENCY_MET, Component, Stage
from domain.model import DEFAULT_PRODUCT
from domain.tickets import Ticket, TicketDraft


class Backlog:
    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def create_ticket(self, draft: TicketDraft, *, now: datetime) -> tuple[Ticket, bool]:
        def work(unit: Unit) -> tuple[Ticket, bool]:
            new_id, is_new = _create(unit, draft)
            return ticket_by_id(unit.conn, new_id), is_new

        return transact(self._engine, work, now=now, by=Component.INTAKE, actor=draft.actor)

    def fetch_ready(self, *, limit: int, now: datetime) -> list[Ticket]:
        everything = select(pauses.c.scope).where(pauses.c.scope == EVERYTHING)
        with opened(self._engine) as conn:
            if one(conn, everything) is not None:
                return []
            return tickets_of(conn, many(conn, ready_query(now).limit(limit)))

    def claim_ticket(self, request: ClaimRequest, *, component: Component, now: datetime) -> Lease | None:
        answer = transact(self._engine, lambda unit: claim(unit, request), now=now, by=component)
        if isinstance(answer, FactoryError):
            raise answer
        return answer

    def heartbeat(self, lease: LeaseRef, *, ttl_seconds: float, now: datetime) -> Run:
        beat = (
            update(leases)
            .where(
                leases.c.ticket_id == lease.ticket_id,
                leases.c.run_id == lease.run_id,
                leases.c.fence == lease.fence,
                leases.c.released_at.is_(None),
                leases.c.expires_at > now,
            )
            .values(heartbeat_at=now, expires_at=now + timedelta(seconds=ttl_seconds), renewals=leases.c.renewals + 1)
            .returning(leases.c.id)
        )
        with opened(self._engine, writing=True) as conn:
            if conn.execute(beat).scalar_one_or_none() is None:
                raise lost(lease, "is not held any more")
            return run_by_id(conn, lease.run_id)

    def complete_ticket(self, lease: LeaseRef, *, verified: bool, now: datetime) -> Ticket:
        def work(unit: Unit) -> Ticket:
            complete(unit, lease, verified=verified)
            return ticket_by_id(unit.conn, lease.ticket_id)

        return transact(self._engine, work, now=now, by=Component.EXECUTION)

    def fail_ticket(self, lease: LeaseRef, *, end: AttemptEnd, component: Component, now: datetime) -> Ticket:
        def work(unit: Unit) -> Ticket:
            fail(unit, lease, end)
            return ticket_by_id(unit.conn, lease.ticket_id)

        return transact(self._engine, work, now=now, by=component)

    def rework_ticket(self, ticket_id: str, *, reason: str, now: datetime) -> Ticket:
        def work(unit: Unit) -> Ticket:
            rework(unit, ticket_id, reason)
            return ticket_by_id(unit.conn, ticket_id)

        return transact(self._engine, work, now=now, by=Component.DISPATCH)


def _create(unit: Unit, draft: TicketDraft) -> tuple[str, bool]:
    """The counter's row lock lets one creator in at a time, so a key seen as unknown stays unknown."""
    counter = select(counters.c.value).where(counters.c.name == "ticket").with_for_update()
    number = int(unit.conn.execute(counter).scalar_one()) + 1
    manifest, digest = manifest_json(draft.manifest)
    known = _known(unit, draft.idempotency_key)
    if known is not None:
        if known[1] != digest:
            words = f"the key {draft.idempotency_key!r} belongs to {known[0]}, whose content differs"
            raise IdempotencyConflict(words, ticket=known[0])
        return known[0], False
    ticket_id = f"T-{number}"
    deps = list(dict.fromkeys(draft.manifest.deps))
    unmet = _count_unmet(unit, ticket_id, deps)
    values = {
        "id": ticket_id,
        "seq": number,
        "stage": Stage.QUEUED,
        "manifest": manifest,
        "manifest_sha256": digest,
        "idempotency_key": draft.idempotency_key,
        "repository": draft.manifest.repository,
        "harness": draft.manifest.engine,
        "lock": draft.lock,
        "risk": draft.risk,
        "priority_rank": draft.manifest.priority.rank,
        "unmet_deps": unmet,
        "created_by": draft.actor,
        "created_at": unit.now,
        "updated_at": unit.now,
        "not_before": unit.now,
    }
    unit.conn.execute(insert(tickets).values(values))
    unit.conn.execute(update(counters).where(counters.c.name == "ticket").values(value=number))
    if deps:
        edges = [{"ticket_id": ticket_id, "depends_on": dep} for dep in deps]
        unit.conn.execute(insert(ticket_dependencies), edges)
    created = {"title": draft.manifest.title, "repository": draft.manifest.repository, "manifest_sha256": digest}
    unit.note("ticket_created", ticket_id=ticket_id, **created)
    return ticket_id, True


def _known(unit: Unit, key: str) -> tuple[str, str] | None:
    query = select(tickets.c.id, tickets.c.manifest_sha256)
    found = one(unit.conn, query.where(tickets.c.product_id == DEFAULT_PRODUCT, tickets.c.idempotency_key == key))
    return None if found is None else (found["id"], found["manifest_sha256"])


def _count_unmet(unit: Unit, ticket_id: str, deps: list[str]) -> int:
    """Stored deps never change and name older tickets, so only a ticket that names itself could close a circle."""
    if ticket_id in deps:
        raise DependencyCycle(f"{ticket_id} -> {ticket_id}", path=[ticket_id, ticket_id])
    query = select(tickets.c.id, tickets.c.stage).where(tickets.c.id.in_(deps)).order_by(tickets.c.seq)
    found = {row["id"]: row["stage"] for row in many(unit.conn, query.with_for_update(read=True))} if deps else {}
    missing = [dep for dep in deps if dep not in found]
    if missing:
        raise NotFound(f"no ticket {', '.join(missing)} to depend on", tickets=missing)
    return sum(stage not in DEPENDENCY_MET for stage in found.values())
