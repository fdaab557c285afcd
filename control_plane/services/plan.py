"""Which services a home needs, how each is started, and when it is ready."""

import hashlib
import importlib.util
import os
import shutil
import socket
import stat
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from domain.errors import ServiceFailed
from resources.brokers import CONTAINERS, CONTAINERS_LOG, EGRESS, EGRESS_LOG, containers_ready
from resources.secrets import without_secrets
from resources.settings import Settings
from resources.webhooks import WEBHOOK
from resources.wiring import Factory

LOCATION = "factory"
DEFINITIONS = "factory_pipelines.definitions"
BASE_CONFIGURATION = "dagster.yaml"


@dataclass(frozen=True)
class Service:
    """`ready` is asked until it says yes; `prepare` runs before each start.

    `carries_runs`: run workers and sandboxes need it, so that it is stopped after they are gone.
    """

    name: str
    argv: tuple[str, ...]
    log: Path
    ready: Callable[[], bool]
    prepare: Callable[[], None] = lambda: None
    holds_secrets: bool = False
    holds: tuple[str, ...] = ()  #: how the names begin of the only secrets it gets
    carries_runs: bool = False


def environment_of(settings: Settings, *, secrets: bool = False, holds: tuple[str, ...] = ()) -> dict[str, str]:
    """Return a service's environment: ours, homes set, bytecode on, telemetry off, and no secret unless told."""
    dropped = {"PYTHONDONTWRITEBYTECODE", "PYTHONPATH", "PYTHONHOME", "PYTHONSTARTUP"}
    kept = {key: value for key, value in os.environ.items() if key not in dropped}
    if not secrets:
        kept = without_secrets(kept, but=holds)
    return {
        **kept,
        "FACTORY_HOME": str(settings.home),
        "DAGSTER_HOME": str(settings.dagster_dir),
        "DAGSTER_DISABLE_TELEMETRY": "1",
        "PYTHONUNBUFFERED": "1",
        "PYTHONSAFEPATH": "1",  # a repository's own `policy` or `domain` folder is never imported
    }


def prepare_dagster_home(settings: Settings) -> Path:
    """Write dagster.yaml and the workspace file; return the workspace file."""
    settings.dagster_dir.mkdir(parents=True, exist_ok=True)
    settings.logs_dir.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(_shipped_configuration(), settings.dagster_dir / BASE_CONFIGURATION)
    if settings.workspace:
        return settings.workspace.expanduser().absolute()
    workspace = settings.dagster_dir / "workspace.yaml"
    workspace.write_text(
        f"load_from:\n  - grpc_server:\n      socket: {socket_path(settings)}\n      location_name: {LOCATION}\n"
    )
    return workspace


def _shipped_configuration() -> Path:
    """Return dagster.yaml: beside the packages in a checkout, inside `resources` when installed."""
    spec = importlib.util.find_spec("resources")
    folder = Path(str(spec.origin)).parent if spec and spec.origin else Path()
    for candidate in (folder / BASE_CONFIGURATION, folder.parent / BASE_CONFIGURATION):
        if candidate.is_file():
            return candidate
    raise ServiceFailed("dagster.yaml is missing from the installation")


def socket_path(settings: Settings) -> Path:
    """Return the code server's Unix socket: a short path, in a folder only we may enter."""
    key = hashlib.sha256(str(settings.home).encode()).hexdigest()[:12]
    folder = Path(tempfile.gettempdir()) / f"factory-{os.getuid()}-{key}"
    folder.mkdir(mode=0o700, exist_ok=True)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or found.st_mode & 0o077:
        raise ServiceFailed(f"{folder} is not a private folder of ours: remove it")
    return folder / "code.sock"


def egress_broker(factory: Factory) -> Service:
    """The one service that holds model keys."""
    return Service(
        name="egress broker",
        argv=_python(EGRESS),
        log=factory.settings.logs_dir / EGRESS_LOG,
        ready=factory.doors.alive,
        holds_secrets=True,
        carries_runs=True,
    )


def container_broker(settings: Settings) -> Service:
    """The one service that talks to Docker."""
    return Service(
        name="container broker",
        argv=_python(CONTAINERS),
        log=settings.logs_dir / CONTAINERS_LOG,
        ready=lambda: containers_ready(settings),
        carries_runs=True,
    )


def code_server(settings: Settings) -> Service:
    """Sensors and run workers, which sign in to the forge; what runs in a sandbox gets no variable of theirs."""
    path = socket_path(settings)
    return Service(
        name="code server",
        argv=_python("dagster", "api", "grpc", "-m", DEFINITIONS, "--socket", str(path), "--location-name", LOCATION),
        log=settings.logs_dir / "code-server.log",
        ready=lambda: accepts(str(path)),
        prepare=lambda: path.unlink(missing_ok=True),
        holds=(settings.github.private_key, settings.github.token),
        carries_runs=True,
    )


def daemon(settings: Settings, workspace: Path, alive: Callable[[], bool]) -> Service:
    return Service(
        name="daemon",
        argv=_python("dagster._daemon", "run", "-w", str(workspace), "--log-level", "warning"),
        log=settings.logs_dir / "daemon.log",
        ready=alive,
    )


def front_door(settings: Settings, workspace: Path, port: int) -> Service:
    return Service(
        name="web",
        argv=_python("control_plane.front_door", "--port", str(port), "--workspace", str(workspace)),
        log=settings.logs_dir / "web.log",
        ready=lambda: accepts(("127.0.0.1", port)),
        holds=(WEBHOOK,),
    )


def accepts(address: str | tuple[str, int]) -> bool:
    """Tell whether somebody listens at a Unix socket's path or at a TCP address."""
    family = socket.AF_UNIX if isinstance(address, str) else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.settimeout(1)
        return probe.connect_ex(address) == 0


def _python(module: str, *words: str) -> tuple[str, ...]:
    return (sys.executable, "-m", module, *words)
