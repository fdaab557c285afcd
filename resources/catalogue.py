"""The harnesses of this factory, made."""

from adapters.harness.catalogue import HARNESSES
from adapters.harness.contract import Harness
from domain.engines import FLAGGED
from resources.settings import Settings


def harnesses_of(settings: Settings) -> dict[str, Harness]:
    """Return name → harness; one behind a flag is there only where that is set."""
    return {name: make() for name, make in HARNESSES.items() if _is_registered(settings, name)}


def _is_registered(settings: Settings, name: str) -> bool:
    told = settings.harnesses.get(name)
    return name not in FLAGGED or (told is not None and told.enabled)
