"""The egress broker of a home as a process: `python -m resources.egress_broker`. It alone holds model keys."""

from collections.abc import Awaitable, Callable, Mapping
from functools import partial

from adapters.egress.broker import serve
from domain.egress import Upstream
from domain.errors import SettingsInvalid
from resources.registries import known_registries
from resources.secrets import secret
from resources.serving import serve_until_told
from resources.settings import Settings, UpstreamSettings


def upstreams_of(told: Mapping[str, UpstreamSettings]) -> tuple[Upstream, ...]:
    """Return the credentialed upstreams of the settings.

    Raises:
        SettingsInvalid: a name or a plain-text address that is not on loopback.
    """
    try:
        return tuple(
            Upstream(name=name, **settings.model_dump(exclude={"harnesses"})) for name, settings in told.items()
        )
    except ValueError as error:
        raise SettingsInvalid(f"upstreams: {error}") from error


def service(settings: Settings) -> Callable[[], Awaitable[None]]:
    upstreams = [*upstreams_of(settings.upstreams), *known_registries(settings.egress_dir, settings.mirrors).upstreams]
    return partial(serve, settings.egress_dir, upstreams, secret)


def main() -> None:
    serve_until_told(service)


if __name__ == "__main__":
    main()
