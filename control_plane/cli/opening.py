"""Open the whole factory of FACTORY_HOME for a command."""

from control_plane.cli.reading import first_use
from resources.settings import Settings, load_settings
from resources.wiring import Factory, open_factory


def open_home(settings: Settings | None = None) -> Factory:
    """Open the factory; one that nobody used before gets its tables, an older one must be migrated by hand.

    Raises:
        SettingsInvalid, PolicyInvalid, LedgerOutdated, LedgerUnavailable.
    """
    chosen = settings or load_settings()
    with first_use(chosen) as is_new:
        return open_factory(chosen, migrate=is_new)
