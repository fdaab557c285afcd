"""The ready_tickets sensor: dispatch what may run, then ask Dagster for the runs."""

import dagster as dg

from domain.tickets import Ticket
from resources.wiring import Factory
from sensors.requests import is_continuation, run_requests
from sensors.supervisor import RunSupervisor

TICKETS = dg.DynamicPartitionsDefinition(name="tickets")


@dg.sensor(
    job_name="ticket_run",
    minimum_interval_seconds=5,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Grants leases to ready tickets and launches a run for each granted lease.",
)
def ready_tickets(
    context: dg.SensorEvaluationContext, factory: dg.ResourceParam[Factory]
) -> dg.SensorResult | dg.SkipReason:
    supervisor = RunSupervisor(factory)
    factory.oversight.beat("dispatch", now=factory.now())
    report = supervisor.dispatch()
    granted = [(lease, ticket) for lease, ticket in supervisor.unstarted() if not is_continuation(ticket)]
    if not granted:
        return dg.SkipReason(f"nothing to launch; {len(report.waiting)} tickets wait")
    known = set(context.instance.get_dynamic_partitions("tickets"))
    new = [ticket for _, ticket in granted if ticket.id not in known]
    return dg.SensorResult(
        run_requests=run_requests(granted),
        dynamic_partitions_requests=[TICKETS.build_add_request([ticket.id for ticket in new])] if new else [],
        asset_events=[told(ticket) for ticket in new],
    )


def told(ticket: Ticket) -> dg.AssetMaterialization:
    """What led to the ticket, so that its lineage begins somewhere."""
    metadata = {"title": ticket.manifest.title, "by": ticket.created_by, "at": ticket.created_at.isoformat()}
    return dg.AssetMaterialization("finding", partition=ticket.id, metadata=metadata)
