"""The ticket job where execute_job can find it again by name; Dagster keeps the job, so the factory is looked up late."""

import dagster as dg

from factory_pipelines.definitions import define
from resources.wiring import Factory
from tests.support.factory import World

WORLDS: dict[str, World] = {}


class CurrentFactory(dg.ConfigurableResource[Factory]):
    def create_resource(self, context: dg.InitResourceContext) -> Factory:
        return WORLDS["current"].factory


def ticket_run() -> dg.JobDefinition:
    return define(CurrentFactory()).resolve_job_def("ticket_run")  # type: ignore[arg-type]
