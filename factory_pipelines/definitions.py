"""Everything Dagster loads, listed."""

import dagster as dg

from factory_pipelines.execution.assets import ASSETS
from factory_pipelines.execution.jobs import ticket_continuation, ticket_run
from resources.dagster_factory import FactoryResource
from resources.wiring import Factory
from sensors.approvals import approvals_decided
from sensors.ready import ready_tickets
from sensors.recovery import dagster_canceled, dagster_failed, stale_runs


def define(factory: FactoryResource | Factory) -> dg.Definitions:
    """Return the code location over one factory; tests hand in their own."""
    return dg.Definitions(
        assets=[*ASSETS],
        jobs=[ticket_run, ticket_continuation],
        sensors=[ready_tickets, approvals_decided, stale_runs, dagster_failed, dagster_canceled],
        resources={"factory": factory},
        executor=dg.in_process_executor,
    )


defs = define(FactoryResource())
