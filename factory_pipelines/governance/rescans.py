"""Once a night merged changes are judged again: what governance let through is counted, and the operator told."""

import dagster as dg

from resources.governance.rescanning import rescan_all
from resources.wiring import Factory


@dg.op(name="rescan_merged", description="Judge what was merged since the last time, as it is now.")
def rescan_merged(context: dg.OpExecutionContext, factory: dg.ResourceParam[Factory]) -> None:
    done = rescan_all(factory, context.log.info)
    context.add_output_metadata(
        {"judged": len(done.reports), "unreadable": len(done.problems), "escaped": done.escaped}
    )


@dg.job(executor_def=dg.in_process_executor, tags={"dagster/max_retries": "0", "factory/governance": "rescan"})
def governance_rescan() -> None:
    """Judge merged changes again."""
    rescan_merged()


nightly_rescan = dg.ScheduleDefinition(
    job=governance_rescan,
    cron_schedule="23 2 * * *",
    execution_timezone="UTC",
    default_status=dg.DefaultScheduleStatus.RUNNING,
)
