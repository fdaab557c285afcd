"""Secrets by name, read where they are used and nowhere kept: FACTORY_SECRET_<NAME> of the process's environment."""

import os

PREFIX = "FACTORY_SECRET_"


def secret(name: str) -> str | None:
    """Return a secret; None when this process was not given it."""
    return os.environ.get(variable(name)) or None


def variable(name: str) -> str:
    return PREFIX + name.upper().replace("-", "_")


def without_secrets(environment: dict[str, str]) -> dict[str, str]:
    """Return the environment for a process that must not hold any."""
    return {key: value for key, value in environment.items() if not key.startswith(PREFIX)}
