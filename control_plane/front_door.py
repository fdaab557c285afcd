"""The one web address of a home: the guard, and behind it the Dagster webserver. Run as a process of its own."""

import argparse
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import uvicorn
from dagster import DagsterInstance
from dagster._core.remote_representation.code_location import GrpcServerCodeLocation
from dagster._core.workspace.context import WorkspaceProcessContext
from dagster._core.workspace.load_target import WorkspaceFileTarget
from dagster_webserver.version import __version__
from dagster_webserver.webserver import DagsterWebserver
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Mount, Route

from control_plane.artifacts.route import artifacts_route
from control_plane.front_guard import FrontGuard
from control_plane.front_letters import letters_route
from control_plane.front_token import front_token
from control_plane.readiness import LedgerChecks, Readiness, Unready, egress_check
from control_plane.webhooks.route import webhooks_route
from resources.settings import load_settings

HOST = "127.0.0.1"
NOT_STORED = {"cache-control": "no-store"}


@dataclass(frozen=True)
class Door:
    """Where the door stands: `origins` are the addresses people use besides loopback's own."""

    home: Path
    workspace: Path
    port: int
    listen: str = HOST
    token_folder: Path | None = None
    origins: tuple[str, ...] = ()


@contextmanager
def guarded_webserver(door: Door) -> Iterator[FrontGuard]:
    """Yield the Dagster webserver of DAGSTER_HOME on a workspace file, behind the guard, with /health and /ready."""
    with (
        DagsterInstance.get() as instance,
        WorkspaceProcessContext(
            instance, version=__version__, workspace_load_target=WorkspaceFileTarget(paths=[str(door.workspace)])
        ) as context,
    ):
        webserver = DagsterWebserver(context).create_asgi_app()
        watched = _readiness(door, instance, context)

        def ready(_request: Request) -> JSONResponse:
            report = watched.report()
            return JSONResponse(report.document(), status_code=200 if report.ready else 503, headers=NOT_STORED)

        settings = load_settings(door.home)
        ours = [letters_route(settings), webhooks_route(settings), artifacts_route(settings)]
        routes = [Route("/health", _health), Route("/ready", ready), *ours, Mount("/", app=webserver)]
        token = front_token(door.token_folder or door.home)
        yield FrontGuard(Starlette(routes=routes), token=token, port=door.port, origins=door.origins)


def _health(_request: Request) -> JSONResponse:
    return JSONResponse({"alive": True}, headers=NOT_STORED)


def _readiness(door: Door, instance: DagsterInstance, context: WorkspaceProcessContext) -> Readiness:
    asked = LedgerChecks(load_settings(door.home))

    return Readiness(
        {
            "ledger": asked.ledger,
            "dagster_storage": lambda: instance.get_runs(limit=1),
            "daemon": asked.daemon,
            "code_location": lambda: _ask_code_location(context),
            "egress": egress_check(door.home),
        }
    )


def _ask_code_location(context: WorkspaceProcessContext) -> None:
    locations = [entry.code_location for entry in context.create_request_context().get_code_location_entries().values()]
    if not locations or None in locations:
        raise Unready("the code location is not loaded")
    for location in locations:
        if isinstance(location, GrpcServerCodeLocation):
            location.client.ping("")


def _read(words: Sequence[str] | None = None) -> Door:
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--workspace", type=Path, required=True)
    parser.add_argument("--listen", default=HOST)
    parser.add_argument("--token-folder", type=Path)
    told = parser.parse_args(words)
    home = Path(os.environ["FACTORY_HOME"])
    origins = tuple(os.environ.get("FACTORY_ORIGINS", "").split())
    return Door(home, told.workspace, told.port, told.listen, told.token_folder, origins)


def main() -> None:
    door = _read()
    with guarded_webserver(door) as app:
        uvicorn.run(
            app, host=door.listen, port=door.port, log_level="warning", proxy_headers=False, server_header=False
        )


if __name__ == "__main__":
    main()
