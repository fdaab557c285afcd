"""Whether OpenHands is here to be tried: it needs a Python that not every machine has, and CI installs it where one is."""

import subprocess
from pathlib import Path
from typing import Final, TypeVar

import pytest

ROOT: Final = Path(__file__).parents[2]
INSTALLED: Final = ROOT / ".agents" / "openhands" / "bin" / "openhands"


def why_not() -> str | None:
    """Return why OpenHands cannot be tried; None where it is installed. Only a missing Python is a reason in CI."""
    if INSTALLED.exists():
        return None
    found = subprocess.run([ROOT / "deploy" / "install-openhands", "--python"], capture_output=True, check=False)
    return "there is no Python 3.12 for OpenHands here" if found.returncode else "run deploy/install-openhands"


WHY_NOT: Final = why_not()
T = TypeVar("T")


def needs_openhands(tests: T) -> T:
    """Put tests into a family of their own, which is skipped where OpenHands cannot be tried."""
    skipped = pytest.mark.skipif(WHY_NOT is not None, reason=str(WHY_NOT))
    return pytest.mark.openhands(skipped(tests))  # type: ignore[no-any-return]
