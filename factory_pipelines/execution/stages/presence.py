"""Every step's prologue: present the lease named in the tags, or take one."""

from datetime import timedelta

from domain.errors import NotFound, Paused, taxonomy
from domain.execution import ClaimRequest, EventDraft, LeaseRef, Run, Step
from domain.failures import AttemptEnd
from domain.lifecycle import FINAL_RUN_STATES, Component, RunState
from factory_pipelines.execution.stages.context import Presented, RunContext
from policy.stages import running_limit
from policy.work_order import manifest_as_assigned
from resources.wiring import Factory
from sensors.pulse import Pulse
from sensors.routing import Router

#: failures after which the stored patch of the dead run is as good as new
CRASHES = frozenset({"crash", "storage", "ledger", "forge", "sandbox"})
AFTER_PATCH = (Step.VALIDATE, Step.JUDGE, Step.SUBMIT)


def present_lease(factory: Factory, presented: Presented, step: Step) -> RunContext:
    """Return the context of a step whose lease is live and ours.

    A Dagster run from dispatch brings run and fence in its tags. One that Dagster made by itself (backfill,
    re-execution from failure, by hand) takes a lease, and a re-execution adopts its parent's references.

    Raises:
        LeaseConflict, LeaseLost, NotReady, CapacityRefused, Paused: nothing was touched.
    """
    bound = factory.run_ledger.find_run(dagster_run_id=presented.dagster_run_id)
    if bound is not None:
        lease = _lease_of(bound, presented)
    elif presented.run_id and presented.fence and presented.parent is None:
        lease = LeaseRef(ticket_id=presented.ticket_id, run_id=presented.run_id, fence=presented.fence)
        _refuse_while_paused(factory, lease)
    else:
        lease = _take_lease(factory, presented)
    run = factory.run_ledger.start_run(
        lease,
        dagster_run_id=presented.dagster_run_id,
        ttl_seconds=factory.settings.lease_ttl,
        now=factory.now(),
    )
    if bound is None:
        run = _adopt(factory, presented, lease, run, step)
    return _context(factory, run, lease)


def _context(factory: Factory, run: Run, lease: LeaseRef) -> RunContext:
    ticket = factory.lookup.ticket(run.ticket_id)
    if run.assignment is not None:
        manifest = manifest_as_assigned(ticket.manifest, run.assignment.order, run.harness)
        ticket = ticket.model_copy(update={"manifest": manifest})
    return RunContext(
        factory=factory,
        ticket=ticket,
        run=run,
        lease=lease,
        repository=factory.lookup.repository(ticket.manifest.repository),
        pulse=Pulse(factory, lease),
    )


def _lease_of(bound: Run, presented: Presented) -> LeaseRef:
    """The tags' fence, not the run's newest: a Dagster run from before an approval must not borrow the new lease."""
    fence = bound.fence
    if presented.parent is None and presented.fence is not None and bound.id == presented.run_id:
        fence = presented.fence
    return LeaseRef(ticket_id=bound.ticket_id, run_id=bound.id, fence=fence)


def _refuse_while_paused(factory: Factory, lease: LeaseRef) -> None:
    """Work that was queued before a pause does not start during it; an approved run may finish."""
    run = factory.run_ledger.find_run(run_id=lease.run_id)
    if run is None or run.state is not RunState.CLAIMED:
        return
    ticket = factory.lookup.ticket(lease.ticket_id)
    pauses = factory.oversight.pauses()
    for scope in ("*", ticket.manifest.repository):
        if scope in pauses:
            refusal = Paused(f"dispatch of {scope} is paused: {pauses[scope]}")
            _give_back(factory, lease, refusal)
            raise refusal


def _give_back(factory: Factory, lease: LeaseRef, refusal: Paused) -> None:
    end = AttemptEnd(error=refusal, run_state=RunState.FAILED, retry_at=factory.now() + timedelta(seconds=1))
    factory.backlog.fail_ticket(lease, end=end, component=Component.EXECUTION, now=factory.now())


def _take_lease(factory: Factory, presented: Presented) -> LeaseRef:
    settings = factory.settings
    ticket = factory.lookup.ticket(presented.ticket_id)
    open_runs = [run for run in factory.lookup.runs(ticket_id=ticket.id) if run.state not in FINAL_RUN_STATES]
    request = ClaimRequest(
        ticket_id=presented.ticket_id,
        owner=presented.dagster_run_id,
        ttl_seconds=settings.lease_ttl,
        by_hand=True,
        max_running=running_limit(settings.max_running, factory.policy.stages),
        harness_limits=settings.harness_limits,
        assignment=None if open_runs else Router(factory).assign(ticket),
    )
    lease = factory.backlog.claim_ticket(request, component=Component.EXECUTION, now=factory.now())
    if lease is None:
        raise NotFound(f"no ticket {presented.ticket_id}")
    return lease.ref


def _adopt(factory: Factory, presented: Presented, lease: LeaseRef, run: Run, step: Step) -> Run:
    """Give a new run what its predecessor left: all before `step` when re-executed, all of it after a crash."""
    if run.finished_steps or run.patch is not None:
        return run
    parent = factory.run_ledger.find_run(dagster_run_id=presented.parent) if presented.parent else None
    if parent is not None and step is not Step.CLAIM:
        return _adopted(factory, lease, parent, step)
    crashed = _crashed_before(factory, run)
    if crashed is not None:
        later = [one for one in AFTER_PATCH if one not in crashed.finished_steps]
        return _adopted(factory, lease, crashed, later[0] if later else Step.FINALIZE)
    return run


def _adopted(factory: Factory, lease: LeaseRef, parent: Run, step: Step) -> Run:
    adopted = factory.run_ledger.adopt_parent(lease, parent_run_id=parent.id, step=step, now=factory.now())
    draft = EventDraft(name="parent_adopted", payload={"parent_run_id": parent.id, "step": step})
    factory.run_ledger.record_event(draft, lease=lease, now=factory.now())
    return adopted


def _crashed_before(factory: Factory, run: Run) -> Run | None:
    """Return the run before this one when it died after its patch was stored: the agent need not work again."""
    earlier = [one for one in factory.lookup.runs(ticket_id=run.ticket_id) if one.id != run.id]
    last = earlier[-1] if earlier else None
    if last is None or last.state not in FINAL_RUN_STATES or last.patch is None or last.reason_code is None:
        return None
    error = taxonomy().get(last.reason_code)
    return last if error is not None and error.cause in CRASHES else None
