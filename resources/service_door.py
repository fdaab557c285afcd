"""Settings → the door of the factory's own services: to the forge, the registries and the server of advisories."""

from collections.abc import Iterator, Sequence
from urllib.parse import urlsplit

from adapters.egress.service_door import ServiceDoor
from domain.egress import Door, Purpose
from domain.errors import SettingsInvalid
from resources.advisory_door import advisory_server
from resources.settings import Settings


def service_door_of(settings: Settings, registries: Sequence[str]) -> ServiceDoor | None:
    """Return where the egress broker serves the services, and what they may reach; None where no such door is set.

    Raises:
        SettingsInvalid: an address of theirs is none that a door can be opened to.
    """
    if settings.service_door is None:
        return None
    host, _, port = settings.service_door.rpartition(":")
    places = tuple(dict.fromkeys((*_forge(settings), *_advisories(settings), *registries)))
    try:
        if not 0 < int(port) < 65536:
            raise ValueError(port)
        Door(id="services", run_id="services", purpose=Purpose.SERVICE, allow=places)
    except ValueError as error:
        raise SettingsInvalid(
            f"service_door: {settings.service_door} to {', '.join(places)}: one of these is none"
        ) from error
    return ServiceDoor(host, int(port), places)


def _forge(settings: Settings) -> Iterator[str]:
    """Yield where GitHub's API is, and where people and git go."""
    parts = urlsplit(settings.github.base_url)
    place = _place(parts.scheme, parts.hostname or "", parts.port)
    yield place
    yield place.removeprefix("api.")


def _advisories(settings: Settings) -> Iterator[str]:
    if (server := advisory_server(settings)) is not None:
        parts = urlsplit(server)
        yield _place(parts.scheme, parts.hostname or "", parts.port)


def _place(scheme: str, host: str, port: int | None) -> str:
    return f"{host.lower()}:{port or (443 if scheme == 'https' else 80)}"
