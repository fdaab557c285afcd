"""Every harness, by name."""

from collections.abc import Callable, Mapping
from typing import Final

from adapters.harness.command import CommandHarness
from adapters.harness.contract import Harness

HARNESSES: Final[Mapping[str, Callable[[], Harness]]] = {
    "command": CommandHarness,
}
