"""The one web address of a home: the guard, and behind it the Dagster webserver. Run as a process of its own."""

import argparse
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import uvicorn
from dagster import DagsterInstance
from dagster._core.workspace.context import WorkspaceProcessContext
from dagster._core.workspace.load_target import WorkspaceFileTarget
from dagster_webserver.version import __version__
from dagster_webserver.webserver import DagsterWebserver
from starlette.applications import Starlette
from starlette.routing import Mount

from control_plane.front_guard import FrontGuard
from control_plane.front_token import front_token

HOST = "127.0.0.1"


@contextmanager
def guarded_webserver(workspace: Path, home: Path, port: int) -> Iterator[FrontGuard]:
    """Yield the Dagster webserver of DAGSTER_HOME on a workspace file, behind the guard."""
    with (
        DagsterInstance.get() as instance,
        WorkspaceProcessContext(
            instance, version=__version__, workspace_load_target=WorkspaceFileTarget(paths=[str(workspace)])
        ) as context,
    ):
        webserver = DagsterWebserver(context).create_asgi_app()
        app = Starlette(routes=[Mount("/", app=webserver)])
        yield FrontGuard(app, token=front_token(home), port=port)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--workspace", type=Path, required=True)
    told = parser.parse_args()
    with guarded_webserver(told.workspace, Path(os.environ["FACTORY_HOME"]), told.port) as app:
        uvicorn.run(app, host=HOST, port=told.port, log_level="warning", proxy_headers=False, server_header=False)


if __name__ == "__main__":
    main()
