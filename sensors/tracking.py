"""The tracker_items sensor: wanted items become tickets, progress and decisions go to and fro."""

from typing import Final

import dagster as dg

from resources.tracking import LOOKED_EVERY
from resources.wiring import Factory
from sensors.tracker_sync import TrackerSync

MOST_TOLD: Final = 20  #: tickets in one tick: GitHub asks for a second between two writes


@dg.sensor(
    minimum_interval_seconds=LOOKED_EVERY,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Brings trackers and ledger together; the cursor is the last event that was told.",
)
def tracker_items(context: dg.SensorEvaluationContext, factory: dg.ResourceParam[Factory]) -> dg.SkipReason:
    cursor = context.cursor or "0"
    report = TrackerSync(factory).sync(int(cursor) if cursor.isdecimal() else 0, MOST_TOLD)
    context.update_cursor(str(report.after_seq))
    for where, why in report.failed.items():
        context.log.warning(f"{where}: {why}")
    done = f"filed {len(report.filed)}, canceled {len(report.canceled)}, told {len(report.told)}"
    return dg.SkipReason(f"{done}, failed {len(report.failed)}")
