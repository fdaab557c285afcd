"""A hostile program as a command: its source goes in by standard input, so nothing is mounted for it."""

import json
from collections.abc import Mapping
from datetime import timedelta
from functools import cache
from importlib.resources import files
from typing import Any

from control_plane.sandboxes.hostile import programs
from control_plane.sandboxes.hostile.shapes import Behaviour, How
from domain.harness import Command

SHARED = ("loot", "syscalls")  #: in the order of their imports
WALL_CLOCK = timedelta(seconds=2)
INTERPRETER = "/usr/bin/python3"


@cache
def source(module: str) -> str:
    return (files(programs) / f"{module}.py").read_text()


def command_for(behaviour: Behaviour, token: str, canaries: Mapping[str, Any]) -> Command:
    """Return the command; `token` stands in its words, so that all its processes are found from outside."""
    modules = [(f"{programs.__name__}.{name}", source(name)) for name in (*SHARED, behaviour.theme)]
    orders = {
        "modules": modules,
        "theme": modules[-1][0],
        "function": behaviour.name,
        "canaries": {**canaries, "token": token},
    }
    seconds = WALL_CLOCK if behaviour.how is How.TIMED else timedelta(seconds=behaviour.seconds)
    return Command(
        argv=(INTERPRETER, "-c", source("loader"), token),
        stdin=json.dumps(orders),
        timeout=seconds,
        output_limit=64_000_000,
        network=behaviour.door,
    )
