"""Everything Dagster loads, listed."""

import dagster as dg

from factory_pipelines.execution.assets import ASSETS
from factory_pipelines.execution.jobs import ticket_continuation, ticket_run
from factory_pipelines.governance.assets import ASSETS as GOVERNANCE
from factory_pipelines.governance.jobs import governance_run
from factory_pipelines.governance.rescans import governance_rescan, nightly_rescan
from resources.dagster_factory import FactoryResource
from resources.wiring import Factory
from sensors.approvals import approvals_decided
from sensors.deliveries import deliveries_sensor
from sensors.effects import effects_of, ourselves
from sensors.ladder import autonomy_ladder
from sensors.missing import missed_words_sensor
from sensors.open_heads import open_heads
from sensors.ready import ready_tickets
from sensors.recovery import dagster_canceled, dagster_failed, stale_runs
from sensors.reworking import pull_request_rework
from sensors.tracking import tracker_items

EXECUTION = (ready_tickets, approvals_decided, autonomy_ladder, stale_runs, dagster_failed, dagster_canceled)
OUTSIDE = (
    deliveries_sensor(effects_of, ourselves),
    missed_words_sensor(effects_of),
    tracker_items,
    open_heads,
    pull_request_rework,
)


def define(factory: FactoryResource | Factory) -> dg.Definitions:
    """Return the code location over one factory; tests hand in their own."""
    return dg.Definitions(
        assets=[*ASSETS, *GOVERNANCE],
        jobs=[ticket_run, ticket_continuation, governance_run, governance_rescan],
        schedules=[nightly_rescan],
        sensors=[*EXECUTION, *OUTSIDE],
        resources={"factory": factory},
        executor=dg.in_process_executor,
    )


defs = define(FactoryResource())
