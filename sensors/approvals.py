"""The approvals_decided sensor: carry approved runs on."""

import dagster as dg

from resources.wiring import Factory
from sensors.requests import is_continuation, run_requests
from sensors.supervisor import RunSupervisor


@dg.sensor(
    job_name="ticket_continuation",
    minimum_interval_seconds=5,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Launches what follows an approval, under the same ledger run and a new fence.",
)
def approvals_decided(factory: dg.ResourceParam[Factory]) -> dg.SensorResult | dg.SkipReason:
    granted = [(lease, ticket) for lease, ticket in RunSupervisor(factory).unstarted() if is_continuation(ticket)]
    if not granted:
        return dg.SkipReason("no approved run waits")
    return dg.SensorResult(run_requests=run_requests(granted))
