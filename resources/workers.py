"""The one shape of a run worker's container, as the production shape configures it."""

from adapters.sandbox.broker.config import WorkerShape
from resources.settings import Settings


def worker_shape(settings: Settings) -> WorkerShape | None:
    """Return the shape the launcher may start; None where run workers are processes of this machine."""
    if settings.worker is None:
        return None
    return WorkerShape(**settings.worker.model_dump())
