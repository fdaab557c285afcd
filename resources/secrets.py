"""Secrets by name, read where they are used and nowhere kept: FACTORY_SECRET_<NAME> of the process's environment, else
the file <NAME> of the folder that FACTORY_SECRETS_DIR names, as containers are given them.
"""

import os
from collections.abc import Mapping
from pathlib import Path

PREFIX = "FACTORY_SECRET_"
FOLDER = "FACTORY_SECRETS_DIR"
LARGEST = 64 * 1024  #: bytes of a secret


def secret(name: str) -> str | None:
    """Return a secret; None when this process was not given it."""
    return os.environ.get(variable(name)) or _in_folder(os.environ, variable(name).removeprefix(PREFIX))


def held() -> list[str]:
    """Return the value of every secret that this process was given."""
    told = [value for name, value in os.environ.items() if name.startswith(PREFIX)]
    return [*told, *(value for name in _names_in_folder(os.environ) if (value := _in_folder(os.environ, name)))]


def variable(name: str) -> str:
    return PREFIX + name.upper().replace("-", "_")


def without_secrets(environment: dict[str, str], *, but: tuple[str, ...] = ()) -> dict[str, str]:
    """Return the environment for a process that must hold no secret, or only those whose names begin as told.

    Such a process is not shown the folder: what it may hold of that is put into its environment.
    """
    kept = tuple(variable(name) for name in but)
    filed = {PREFIX + name: _in_folder(environment, name) for name in _names_in_folder(environment)}
    told = {name: value for name, value in filed.items() if value} | environment
    return {
        name: value
        for name, value in told.items()
        if name != FOLDER and (not name.startswith(PREFIX) or name.startswith(kept))
    }


def _in_folder(environment: Mapping[str, str], name: str) -> str | None:
    folder = environment.get(FOLDER)
    if not folder or "/" in name or name.startswith("."):
        return None
    try:
        with (Path(folder) / name).open(encoding="utf-8", errors="surrogateescape") as file:
            return file.read(LARGEST).strip() or None
    except OSError:
        return None


def _names_in_folder(environment: Mapping[str, str]) -> list[str]:
    try:
        return sorted(path.name for path in Path(environment.get(FOLDER) or "/nonexistent").iterdir())
    except OSError:
        return []
