"""What a command in a sandbox finds in its environment: what the contract promises and nothing of ours."""

from pathlib import Path

from adapters.sandbox.reaping import MARKER
from adapters.sandbox.workspace import Workspace
from domain.harness import Command
from domain.sandbox import SandboxSpec

AGENTS = Path("/opt/agents")  #: where an isolated command finds the agent programs
SCANNERS = Path("/opt/scanners")  #: and the scanner programs
SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def environment_for(workspace: Workspace, spec: SandboxSpec, command: Command, mark: str, tools: str) -> dict[str, str]:
    """Return the whole environment of one command.

    `mark` is how its processes are found, and it cannot take it off; `tools` is a folder of PATH with uv in it,
    which setup commands may count on. Agent programs lead PATH but for the environment's; scanner programs, which
    judge what others brought, lead all.
    """
    agents = AGENTS if workspace.inside else spec.agents and Path(spec.agents)
    told = {
        "PATH": ":".join([*([f"{agents}/bin"] if agents else []), SYSTEM_PATH, tools]),
        "HOME": str(workspace.seen("home")),
        "LANG": "C.UTF-8",
        "TMPDIR": str(workspace.seen("tmp")),
        "FACTORY_OUT": str(workspace.seen("out")),
    }
    environment = workspace.environment(spec)
    if environment is not None:
        told |= _prepared(workspace, environment, told["PATH"])
        told |= {"VIRTUAL_ENV": str(environment)} if spec.environment_is_venv else {}
    scanners = spec.scanners and (SCANNERS if workspace.inside else Path(spec.scanners))
    if scanners:
        told["PATH"] = f"{scanners}/bin:{told['PATH']}"
    return told | command.environment | {MARKER: mark}


def _prepared(workspace: Workspace, environment: Path, path: str) -> dict[str, str]:
    return {
        "FACTORY_ENVIRONMENT": str(environment),
        "PATH": f"{environment / 'bin'}:{path}",
        "PYTHONPATH": f"{workspace.seen('work') / 'src'}:{workspace.seen('work')}",
    }
