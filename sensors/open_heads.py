"""The open_heads sensor: heads that wait in the ledger become Dagster runs, one a head and policy."""

from typing import Final

import dagster as dg

from domain.errors import LeaseLost
from domain.heads import HeadState, WantedHead
from resources.wiring import Factory
from sensors.heads import HeadWatch
from sensors.recovery import free_dagster_run

HEADS = dg.DynamicPartitionsDefinition(name="heads")
WAITING: Final = [dg.DagsterRunStatus.NOT_STARTED, dg.DagsterRunStatus.QUEUED]
AT_WORK: Final = [dg.DagsterRunStatus.STARTING, dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.CANCELING]


@dg.sensor(
    job_name="governance_run",
    minimum_interval_seconds=5,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Looks for open pull requests whose head was not judged, and asks for a Dagster run for each.",
)
def open_heads(
    context: dg.SensorEvaluationContext, factory: dg.ResourceParam[Factory]
) -> dg.SensorResult | dg.SkipReason:
    watch = HeadWatch(factory)
    failed = watch.look()
    found = [granted for head in watch.due() if (granted := grant(context.instance, watch, head)) is not None]
    if not found:
        return dg.SkipReason("; ".join(f"{name}: {why}" for name, why in failed.items()) or "no head waits")
    known = set(context.instance.get_dynamic_partitions("heads"))
    new = [head.partition for head in found if head.partition not in known]
    return dg.SensorResult(
        run_requests=[request_for(head) for head in found],
        dynamic_partitions_requests=[HEADS.build_add_request(new)] if new else [],
    )


def grant(instance: dg.DagsterInstance, watch: HeadWatch, head: WantedHead) -> WantedHead | None:
    """Grant the next Dagster run of a head; one that is silent gives its slot back first, one in the queue waits on."""
    if head.state is HeadState.ASKED and _runs(instance, head, WAITING):
        try:
            watch.wait_on(head)
        except LeaseLost:
            return None  # wanted anew meanwhile: the next look sees it
        return None
    for run in _runs(instance, head, AT_WORK):
        free_dagster_run(instance, run.run_id)
    return watch.ask(head)


def request_for(head: WantedHead) -> dg.RunRequest:
    tags = {"factory/head": head.partition, "factory/fence": str(head.fence), "factory/governance": "head"}
    return dg.RunRequest(run_key=head.run_key, partition_key=head.partition, tags=tags)


def _runs(instance: dg.DagsterInstance, head: WantedHead, statuses: list[dg.DagsterRunStatus]) -> list[dg.DagsterRun]:
    tags = {"factory/head": head.partition, "factory/fence": str(head.fence)}
    return list(instance.get_runs(dg.RunsFilter(tags=tags, statuses=statuses)))
