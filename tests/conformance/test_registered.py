"""No agent program is registered without its live suite."""

from pathlib import Path

from adapters.harness.catalogue import HARNESSES as REGISTERED
from tests.conformance.cases import HARNESSES, LONG


def test_every_registered_agent_has_its_suite() -> None:
    agents = {name for name, make in REGISTERED.items() if not make().trusted}
    assert agents == set(HARNESSES) == set(LONG)
    assert {path.stem.removeprefix("test_") for path in Path(__file__).parent.glob("test_*.py")} == agents | {
        "registered"
    }
