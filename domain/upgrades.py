"""How stored values of an older shape are read: one function a step, from version N to N + 1.

A reader calls `upgraded` on the stored mapping before it validates it. Fields that are only added need no
step: they have defaults, and readers ignore what they do not know (docs/versioning.md).
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

from domain.errors import LedgerOutdated

Payload = Mapping[str, Any]
Upgrade = Callable[[Payload], dict[str, Any]]
Upgrades = Mapping[tuple[str, int], Upgrade]

#: (model name, from version) → the step; every model is at version 1 in this release, so there is none yet.
UPGRADES: Final[Upgrades] = {}


def current_version(model: str, upgrades: Upgrades = UPGRADES) -> int:
    """Return the version a model's stored values are brought to."""
    return 1 + max((version for name, version in upgrades if name == model), default=0)


def upgraded(model: str, payload: Payload, upgrades: Upgrades = UPGRADES) -> dict[str, Any]:
    """Bring a stored value up to the current version, step by step.

    Raises:
        LedgerOutdated: a newer release wrote it, or a step is missing.
    """
    value, current = dict(payload), current_version(model, upgrades)
    version = int(value.get("schema_version", 1))
    if version > current:
        raise LedgerOutdated(f"a {model} of version {version} was written by a newer release; this one reads {current}")
    for step in range(version, current):
        if (model, step) not in upgrades:
            raise LedgerOutdated(f"no step takes a {model} from version {step} to {step + 1}")
        value = {**upgrades[model, step](value), "schema_version": step + 1}
    return value
