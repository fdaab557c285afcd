"""What the hostile tests share: real doors, and a finding as an assertion."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from adapters.egress.doors import DoorFolder
from control_plane.sandboxes.hostile.accepted import reason_for
from control_plane.sandboxes.hostile.catalogue import CATALOGUE
from control_plane.sandboxes.hostile.playing import Stage
from control_plane.sandboxes.hostile.suite import find
from tests.support.services import eventually

BROKER = """
import asyncio, sys
from pathlib import Path
from adapters.egress.broker import serve
asyncio.run(serve(Path(sys.argv[1]), (), lambda name: None))
"""
NAMES = [behaviour.name for behaviour in CATALOGUE]


@contextmanager
def real_doors(root: Path) -> Iterator[DoorFolder]:
    """Doors with a broker of their own, which has no upstream and no key."""
    root.mkdir()
    doors = DoorFolder(root)
    words = [sys.executable, "-c", BROKER, str(root)]
    with subprocess.Popen(words, cwd=Path(__file__).parents[2], stdout=subprocess.DEVNULL) as process:
        try:
            eventually(doors.alive, "the egress broker serves")
            yield doors
        finally:
            process.terminate()


def assert_contained(stage: Stage, name: str, backend: str) -> None:
    """One that is on the documented list must really not be contained, so that the list does not grow old."""
    behaviour = next(one for one in CATALOGUE if one.name == name)
    finding = find(stage, behaviour, backend)
    reason = reason_for(name, backend)
    assert finding.accepted_reason == reason, f"{name}: {finding.evidence}"
    assert finding.contained is (reason is None), f"{name}: {finding.evidence}"
