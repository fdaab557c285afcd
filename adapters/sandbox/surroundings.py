"""What a command in a sandbox finds in its environment: what the contract promises and nothing of ours."""

import os
from collections.abc import Mapping
from pathlib import Path

import uv

from adapters.sandbox.reaping import MARKER
from adapters.sandbox.workspace import Workspace
from domain.harness import Command
from domain.sandbox import SandboxSpec

SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
#: where packages come from, as this machine's tools are set; only for commands that may use the network
INSTALLING = ("PIP_", "UV_", "NPM_CONFIG_", "npm_config_")
NETWORK = ("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "ALL_PROXY", "SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE")


def environment_for(workspace: Workspace, spec: SandboxSpec, command: Command, mark: str) -> dict[str, str]:
    """Return the whole environment of one command; `mark` is how its processes are found, and it cannot take it off."""
    tools = str(Path(uv.find_uv_bin()).parent)  # setup commands may count on uv
    told = {
        "PATH": f"{SYSTEM_PATH}:{tools}",
        "HOME": str(workspace.home),
        "LANG": "C.UTF-8",
        "TMPDIR": str(workspace.tmp),
        "FACTORY_OUT": str(workspace.out),
    }
    if spec.environment is not None:
        told |= _prepared(workspace, Path(spec.environment), told["PATH"])
    if command.network:
        told |= _passed_on(os.environ)
    return told | command.environment | {MARKER: mark}


def _prepared(workspace: Workspace, environment: Path, path: str) -> dict[str, str]:
    told = {
        "FACTORY_ENVIRONMENT": str(environment),
        "PATH": f"{environment / 'bin'}:{path}",
        "PYTHONPATH": f"{workspace.work / 'src'}:{workspace.work}",
    }
    if (environment / "pyvenv.cfg").exists():
        told["VIRTUAL_ENV"] = str(environment)
    return told


def _passed_on(ours: Mapping[str, str]) -> dict[str, str]:
    """Where packages come from; what publishing needs stays outside."""
    return {
        name: value
        for name, value in ours.items()
        if (name.startswith(INSTALLING) or name.upper() in NETWORK) and not name.upper().startswith("UV_PUBLISH")
    }
