"""Sensors that find what died: expired leases, sandboxes without an owner, Dagster runs that ended without a word."""

import dagster as dg

from resources.wiring import Factory
from sensors.supervisor import RunSupervisor


@dg.sensor(
    minimum_interval_seconds=10,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Ends runs whose lease expired, removes what is left of them, and frees the Dagster runs they held.",
)
def stale_runs(context: dg.SensorEvaluationContext, factory: dg.ResourceParam[Factory]) -> dg.SkipReason:
    recovery = RunSupervisor(factory).recover_stale_runs()
    for run_id in recovery.dagster_run_ids:
        free_dagster_run(context.instance, run_id)
    return dg.SkipReason(f"recovered {len(recovery.runs)} runs, removed {len(recovery.sandboxes)} sandboxes")


def free_dagster_run(instance: dg.DagsterInstance, run_id: str) -> None:
    """Report a Dagster run failed when its ledger lease expired and it still holds its slot."""
    run = instance.get_run_by_id(run_id)
    if run is not None and not run.is_finished:
        instance.report_run_failed(run, "its lease expired and its worker is gone")


@dg.run_status_sensor(
    run_status=dg.DagsterRunStatus.FAILURE,
    minimum_interval_seconds=5,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="A Dagster run that failed without telling the ledger: its worker died.",
)
def dagster_failed(context: dg.RunStatusSensorContext, factory: dg.ResourceParam[Factory]) -> None:
    reconcile(context, factory, canceled_by=None)


@dg.run_status_sensor(
    run_status=dg.DagsterRunStatus.CANCELED,
    minimum_interval_seconds=5,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="A Dagster run that was canceled in the UI: the ledger run is canceled too.",
)
def dagster_canceled(context: dg.RunStatusSensorContext, factory: dg.ResourceParam[Factory]) -> None:
    reconcile(context, factory, canceled_by="the Dagster UI")


def reconcile(context: dg.RunStatusSensorContext, factory: Factory, *, canceled_by: str | None) -> None:
    tags = context.dagster_run.tags
    named = None
    if "factory/run" in tags and "factory/fence" in tags:
        named = (tags["factory/run"], int(tags["factory/fence"]))
    RunSupervisor(factory).worker_gone(context.dagster_run.run_id, named, canceled_by)
