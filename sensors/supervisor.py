"""The run supervisor: grants leases, watches runs, enforces limits, recovers what died. It knows nothing of Dagster."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta

import structlog

from adapters.sandbox.contract import Sandbox
from domain.errors import (
    Canceled,
    CapacityRefused,
    FactoryError,
    HarnessUnavailable,
    LeaseConflict,
    LeaseExpired,
    LeaseLost,
    NotFound,
    NotReady,
    Paused,
    WorkerDied,
)
from domain.execution import ClaimRequest, EventDraft, Lease, LeaseRef, Run, SandboxRef
from domain.harness import HarnessEvent
from domain.lifecycle import Component, RunState, Stage
from domain.sandbox import Exit, Output, OutputLine
from domain.tickets import Ticket
from policy.limits import RunLimits, Spent, breach
from policy.readiness import missing_for
from policy.stages import running_limit
from resources.retention import forget_old
from resources.wiring import Factory
from sensors.breakers import tell_opened
from sensors.ending import decide_end
from sensors.leftovers import Leftovers
from sensors.routing import Router
from sensors.watching import Meter, Watch

log = structlog.get_logger()

BATCH = 200  #: ready tickets looked at in one dispatch
OWNER = "dispatch"
NOT_NOW = (CapacityRefused, LeaseConflict, NotReady, Paused, HarnessUnavailable, NotFound)


@dataclass(frozen=True)
class DispatchReport:
    granted: tuple[Lease, ...] = ()
    waiting: dict[str, str] = field(default_factory=dict)  #: ticket → why it was not served


@dataclass(frozen=True)
class Recovery:
    """What recovery ended: the runs, the Dagster runs that carried them, and sandboxes nobody owned."""

    runs: tuple[str, ...] = ()
    dagster_run_ids: tuple[str, ...] = ()
    sandboxes: tuple[str, ...] = ()


class RunSupervisor:
    def __init__(self, factory: Factory) -> None:
        self.factory = factory

    def dispatch(self, ticket_id: str | None = None) -> DispatchReport:
        """Grant leases: to one ticket, or to approved runs and then every ready ticket there is room for.

        Raises:
            FactoryError: only when `ticket_id` is given: why that ticket cannot be leased now.
        """
        if ticket_id is not None:
            lease = self._grant(self.factory.lookup.ticket(ticket_id), Router(self.factory))
            return DispatchReport(granted=(lease,))
        router = Router(self.factory)
        tell_opened(self.factory, router)
        granted: list[Lease] = []
        waiting: dict[str, str] = {}
        for ticket in [*self._approved(), *self.factory.backlog.fetch_ready(limit=BATCH, now=self.factory.now())]:
            try:
                granted.append(self._grant(ticket, router))
            except NOT_NOW as reason:
                waiting[ticket.id] = f"{reason.code}: {reason.message}"
                self._note_waiting(ticket, waiting[ticket.id])
        return DispatchReport(granted=tuple(granted), waiting=waiting)

    def unstarted(self) -> list[tuple[Lease, Ticket]]:
        """Return granted leases that no Dagster run has started yet, oldest first."""
        now = self.factory.now()
        fresh = [
            lease
            for lease in self.factory.oversight.live_leases()
            if lease.started_at is None and lease.expires_at > now and lease.owner == OWNER
        ]
        return [(lease, self.factory.lookup.ticket(lease.ticket_id)) for lease in fresh]

    def monitor_run(
        self, sandbox: Sandbox, ref: SandboxRef, outputs: Iterator[Output], watch: Watch
    ) -> Iterator[HarnessEvent]:
        """Follow a harness line by line: normalise, keep the lease alive, enforce limits; `watch.end` gets the exit.

        Raises:
            TimedOut, Stalled, CpuExceeded, ToolCallsExceeded: a limit was breached; the harness was interrupted,
                then killed.
            Canceled, InterruptRequested: somebody asked for it. LeaseLost: the lease is no longer ours.
        """
        meter = Meter(started=self.factory.now(), priced=watch.priced)
        watch.started = meter.started
        try:
            for output in outputs:
                yield from _heard(output, watch, meter)
                meter.see(output, self.factory.now())
                watch.pulse.beat()
                watch.heard_all()
                if watch.end is None:
                    self.enforce_limits(watch.limits, meter.spent(self.factory.now()))
                    watch.heed()
        except LeaseLost:
            sandbox.interrupt(ref)
            raise
        except FactoryError:
            if not watch.ask_to_stop():
                sandbox.interrupt(ref)
            yield from self._last_words(outputs, watch, meter)
            raise

    def _last_words(self, outputs: Iterator[Output], watch: Watch, meter: Meter) -> Iterator[HarnessEvent]:
        """Hear what a harness that was asked to stop still says, as usage; then its sandbox kills what is left."""
        patience = timedelta(seconds=self.factory.settings.interrupt_limit)
        asked = self.factory.now()
        for output in outputs:
            yield from _heard(output, watch, meter)
            if watch.end is not None or self.factory.now() - asked > patience:
                return

    def enforce_limits(self, limits: RunLimits, spent: Spent) -> None:
        """Raise the error of the limit that is breached, if any."""
        error = breach(limits, spent)
        if error is not None:
            raise error

    def recover_stale_runs(self) -> Recovery:
        """End every run whose lease expired, after removing what is left of it, and remove sandboxes nobody owns."""
        now = self.factory.now()
        stale = [lease for lease in self.factory.oversight.live_leases() if lease.expires_at <= now]
        dagster_runs: list[str] = []
        for lease in stale:
            run = self.factory.run_ledger.find_run(run_id=lease.run_id)
            error = LeaseExpired(f"no heartbeat since {lease.heartbeat_at:%H:%M:%S}")
            if run is not None and run.state is RunState.AWAITING_APPROVAL:
                self._grant_again(run)  # its continuation never started; the approval stands
            elif run is not None:
                dagster_runs += run.dagster_run_ids
                self.end_run(run, lease.ref, error)
        forget_old(self.factory)
        return Recovery(
            runs=tuple(lease.run_id for lease in stale),
            dagster_run_ids=tuple(dagster_runs),
            sandboxes=tuple(Leftovers(self.factory).sweep()),
        )

    def worker_gone(self, dagster_run_id: str, ticket_run: tuple[str, int] | None, canceled_by: str | None) -> bool:
        """Reconcile a Dagster run that ended while its ledger run is still live; return whether it was.

        Args:
            dagster_run_id: The Dagster run that ended in failure or was canceled.
            ticket_run: Ledger run and fence its tags name, for a Dagster run that died before it started the lease.
            canceled_by: Who canceled it, None when it failed.
        """
        bound = self.factory.run_ledger.find_run(dagster_run_id=dagster_run_id)
        run = bound or (self.factory.run_ledger.find_run(run_id=ticket_run[0]) if ticket_run else None)
        lease = self._live_lease(run)
        if run is None or lease is None or not _carried(run, lease, dagster_run_id, ticket_run):
            return False
        if run.state is RunState.AWAITING_APPROVAL:
            return False  # the continuation died before it began; its lease expires and is granted again
        error: FactoryError = WorkerDied("its process ended without a word")
        if canceled_by is not None:
            error = Canceled(f"canceled in Dagster by {canceled_by}")
        self.end_run(run, lease.ref, error)
        return True

    def end_run(self, run: Run, lease: LeaseRef, error: FactoryError) -> None:
        """Remove what is left of a dead run and decide its ticket's fate; a run that ended meanwhile is left alone."""
        Leftovers(self.factory).remove(run.id)
        if run.cancel_requested_by:
            error = Canceled(f"canceled by {run.cancel_requested_by}: {run.cancel_reason}")
        ticket = self.factory.lookup.ticket(run.ticket_id)
        end = decide_end(self.factory, run, ticket, error)
        draft = EventDraft(
            name="run_recovered", payload={"code": error.code, "reason": error.message}, component="recovery"
        )
        try:
            self.factory.run_ledger.record_event(
                draft.model_copy(update={"ticket_id": run.ticket_id, "run_id": run.id}),
                lease=None,
                now=self.factory.now(),
            )
            self.factory.backlog.fail_ticket(lease, end=end, component=Component.RECOVERY, now=self.factory.now())
        except LeaseLost:
            return

    def _grant_again(self, run: Run) -> None:
        try:
            self._grant(self.factory.lookup.ticket(run.ticket_id), Router(self.factory))
        except NOT_NOW:
            return

    def _live_lease(self, run: Run | None) -> Lease | None:
        leases = self.factory.oversight.live_leases() if run else []
        return next((lease for lease in leases if run and lease.run_id == run.id), None)

    def _approved(self) -> list[Ticket]:
        waiting = self.factory.oversight.approvals(undispatched=True)
        return [self.factory.lookup.ticket(approval.ticket_id) for approval in waiting]

    def _grant(self, ticket: Ticket, router: Router) -> Lease:
        self._check_admission(ticket)
        assignment = router.assign(ticket) if ticket.stage is Stage.QUEUED else None
        settings = self.factory.settings
        request = ClaimRequest(
            ticket_id=ticket.id,
            owner=OWNER,
            ttl_seconds=settings.not_started_limit,
            max_running=running_limit(settings.max_running, self.factory.policy.stages),
            harness_limits=settings.harness_limits,
            assignment=assignment,
        )
        lease = self.factory.backlog.claim_ticket(request, component=Component.DISPATCH, now=self.factory.now())
        if lease is None:
            raise NotReady(f"{ticket.id} is not ready")
        router.took(lease.harness)
        return lease

    def _check_admission(self, ticket: Ticket) -> None:
        repository = self.factory.lookup.repository(ticket.manifest.repository)
        missing = missing_for(ticket.manifest, repository.settings)
        if ticket.stage is Stage.QUEUED and missing:
            raise NotReady(f"it lacks {', '.join(missing)}", missing=missing)

    def _note_waiting(self, ticket: Ticket, reason: str) -> None:
        """Write why a ticket waits, once a reason, so that waiting adds no churn."""
        past = [e for e in self.factory.lookup.timeline(ticket_id=ticket.id) if e.name == "ticket_waits"]
        code = reason.split(":", 1)[0]
        if past and str(past[-1].payload.get("reason", "")).startswith(code):
            return
        draft = EventDraft(
            name="ticket_waits", payload={"reason": reason}, ticket_id=ticket.id, component=Component.DISPATCH
        )
        self.factory.run_ledger.record_event(draft, lease=None, now=self.factory.now())


def _heard(output: Output, watch: Watch, meter: Meter) -> Iterator[HarnessEvent]:
    if isinstance(output, Exit):
        watch.end = output
    events = watch.read(output) if isinstance(output, OutputLine) else []
    for event in events:
        meter.count(event)
    yield from events


def _carried(run: Run, lease: Lease, dagster_run_id: str, ticket_run: tuple[str, int] | None) -> bool:
    """Tell whether that Dagster run carries the lease: bound to it last, or named by an unstarted one."""
    if run.state is RunState.AWAITING_APPROVAL and lease.started_at is None:
        return ticket_run == (run.id, lease.fence)
    if run.dagster_run_ids:
        return run.dagster_run_ids[-1] == dagster_run_id
    return ticket_run == (run.id, lease.fence)
