"""The factory as a Dagster resource; assets and sensors ask for the contracts it holds."""

from pathlib import Path

import dagster as dg

from resources.settings import find_home
from resources.wiring import Factory, factory_of


class FactoryResource(dg.ConfigurableResource[Factory]):
    """Opens the factory of `home` (default: the process's FACTORY_HOME) once a process."""

    home: str = ""

    def create_resource(self, context: dg.InitResourceContext) -> Factory:  # noqa: ARG002 - Dagster's signature
        return factory_of(Path(self.home) if self.home else find_home())
