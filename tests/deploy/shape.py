"""deploy/ as data: the compose file as docker-compose resolves it, the launcher's configuration, the image recipes."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import yaml

from tests.architecture.places import ROOT

DEPLOY = ROOT / "deploy"
DATA = "/var/lib/software-factory"
ONCE = {"prepare", "migrate"}
BROKER = "container-broker"
COMPOSE_V2 = ROOT / ".compose-v2"  #: where .ci/get-compose-v2 puts it on a machine that has none


def compose_v2() -> dict[str, str] | None:
    """Return what makes `docker compose` Compose v2: nothing where it is that already; None where there is none."""
    told = {"DOCKER_CONFIG": str(COMPOSE_V2)} if COMPOSE_V2.is_dir() else {}
    words = ["docker", "compose", "version"]
    asked = subprocess.run(words, env={**os.environ, **told}, capture_output=True, check=False)
    return told if asked.returncode == 0 else None


def compose_words() -> list[str]:
    """Return what `deploy/compose` would run here."""
    plugin = subprocess.run(["docker", "compose", "version"], capture_output=True, check=False).returncode == 0
    return ["docker", "compose"] if plugin else ["docker-compose"]


def plain_environment(**told: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("FACTORY_", "COMPOSE_", "PIP_"))}
    return {**kept, **told}


def written() -> dict[str, Any]:
    """Return the file as it stands, with its anchors resolved and its variables not."""
    return dict(yaml.safe_load((DEPLOY / "compose.yaml").read_text()))


def resolved(**variables: str) -> dict[str, Any]:
    """Return the file as compose understands it."""
    done = subprocess.run(
        [*compose_words(), "-f", str(DEPLOY / "compose.yaml"), "config"],
        capture_output=True, text=True, check=True, env=plain_environment(**variables),
    )  # fmt: skip
    return dict(yaml.safe_load(done.stdout))


def services() -> dict[str, dict[str, Any]]:
    return dict(written()["services"])


def sources(service: dict[str, Any]) -> list[str]:
    """Return the host paths a service is given, with FACTORY_DATA's default put in."""
    told = [one if isinstance(one, str) else f"{one['source']}:{one['target']}" for one in service.get("volumes", [])]
    return [one.replace("${FACTORY_DATA:-" + DATA + "}", DATA).split(":")[0] for one in told]


def configuration(path: Path) -> dict[str, Any]:
    return dict(yaml.safe_load(path.read_text()))


def worker() -> dict[str, Any]:
    return dict(configuration(DEPLOY / "dagster.yaml")["run_launcher"]["config"])


def told_to_broker() -> dict[str, Any]:
    text = services()[BROKER]["environment"]["FACTORY_WORKER"]
    return dict(
        json.loads(
            text.replace("${FACTORY_DATA:-" + DATA + "}", DATA).replace(
                "${FACTORY_IMAGE:-factory:latest}", "factory:latest"
            )
        )
    )
