"""The harnesses this release ships, made."""

from adapters.harness.catalogue import HARNESSES
from adapters.harness.contract import Harness


def shipped_harnesses() -> dict[str, Harness]:
    return {name: make() for name, make in HARNESSES.items()}
