"""The pull_request_rework sensor: tickets whose pull request is objected to are queued again."""

import dagster as dg

from resources.wiring import Factory
from sensors.rework import Rework


@dg.sensor(
    minimum_interval_seconds=15,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Sends tickets back for a follow-up run once nothing more was said of their pull request for a while.",
)
def pull_request_rework(factory: dg.ResourceParam[Factory]) -> dg.SkipReason:
    report = Rework(factory).look()
    return dg.SkipReason(f"began {len(report.begun)}, gave up {len(report.given_up)}, failed {len(report.failed)}")
