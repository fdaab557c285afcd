"""The egress broker of a home as a process: `python -m resources.egress_broker`. It alone holds model keys."""

from collections.abc import Awaitable, Callable, Mapping
from functools import partial

from adapters.egress.broker import serve
from adapters.egress.upstreams import servers_of
from domain.egress import Upstream
from domain.errors import InvalidInput, SettingsInvalid
from resources.advisory_door import advisory_upstreams
from resources.model_apis import upstreams_in_force
from resources.network import declared
from resources.outside import Outside
from resources.registries import known_registries
from resources.secrets import secret
from resources.service_door import service_door_of
from resources.serving import serve_until_told
from resources.settings import Settings, UpstreamSettings


def upstreams_of(told: Mapping[str, UpstreamSettings]) -> tuple[Upstream, ...]:
    """Return the credentialed upstreams of the settings.

    Raises:
        SettingsInvalid: a name that is none.
    """
    try:
        return tuple(
            Upstream(name=name, **settings.model_dump(exclude={"harnesses"})) for name, settings in told.items()
        )
    except ValueError as error:
        raise SettingsInvalid(f"upstreams: {error}") from error


def checked_upstreams(settings: Settings) -> tuple[Upstream, ...]:
    """Return the upstreams in force: those of the settings, and each enabled agent's own.

    Raises:
        SettingsInvalid: as upstreams_of, or an address that is none or would carry a key in plain text.
    """
    found = upstreams_of(upstreams_in_force(settings))
    try:
        servers_of(found)
    except InvalidInput as error:
        raise SettingsInvalid(error.message) from error
    return found


def service(settings: Settings) -> Callable[[], Awaitable[None]]:
    outside = Outside(settings.network, secret)
    registries = known_registries(settings.egress_dir, settings.mirrors, outside)
    upstreams = [*checked_upstreams(settings), *registries.upstreams, *advisory_upstreams(settings)]
    services = service_door_of(settings, registries.hosts)
    return partial(serve, settings.egress_dir, upstreams, secret, services=services, network=declared(settings.network))


def main() -> None:
    serve_until_told(service)


if __name__ == "__main__":
    main()
