"""The container broker of a home as a process: `python -m resources.container_broker`. It alone talks to Docker."""

from functools import partial

from adapters.sandbox.broker.config import BrokerConfig, Limits, Roots
from adapters.sandbox.broker.serving import serve
from adapters.sandbox.docker import disks_of, home_id
from resources.permitted_images import Permitted
from resources.serving import serve_until_told
from resources.settings import Settings
from resources.workers import worker_shape

ROOM = 4  #: how many times a setting's bound a request may ask for


def config_of(settings: Settings) -> BrokerConfig:
    """Return what this home's sandboxes and run workers may be."""
    limits = Limits(disk_bytes=ROOM * settings.disk_limit, disk_files=ROOM * settings.file_limit)
    return BrokerConfig(
        home=home_id(settings.sandboxes_dir),
        sockets=settings.containers_dir,
        roots=Roots(
            sandboxes=disks_of(settings.sandboxes_dir),
            environments=settings.environments_dir,
            doors=settings.egress_dir / "sockets",
            readable=(settings.forge_dir, settings.governance_dir / "checkouts"),
        ),
        images=Permitted(settings),
        logs=settings.logs_dir / "workers",
        docker=settings.docker_socket,
        sandbox_group=settings.sandbox_group,
        launcher_group=settings.launcher_group,
        limits=limits,
        worker=worker_shape(settings),
    )


def main() -> None:
    serve_until_told(lambda settings: partial(serve, config_of(settings)))


if __name__ == "__main__":
    main()
