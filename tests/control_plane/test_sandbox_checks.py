"""`factory doctor` believes a sandbox's own word on whether it works here."""

from typing import Any

import pytest

from control_plane.health.machine import sandbox_checks
from domain.sandbox import Availability, Isolation


class Stub:
    def __init__(self, works: bool, isolation: Isolation = Isolation.NAMESPACES) -> None:
        self.works, self.isolation = works, isolation

    def available(self) -> Availability:
        return Availability(works=self.works, detail="because", remedy=None if self.works else "install it")


@pytest.mark.parametrize("works", [True, False])
def test_a_backend_that_does_not_work_is_told_with_its_reason_and_remedy(works: bool) -> None:
    sandboxes: dict[str, Any] = {"bubblewrap": Stub(works), "process": Stub(True, Isolation.NONE)}
    bubblewrap, process, agents = sandbox_checks(sandboxes)
    assert process.ok
    assert bubblewrap.ok
    assert "because" in bubblewrap.detail
    assert (bubblewrap.remedy is None) is works
    assert agents.detail.startswith("run in bubblewrap" if works else "run nowhere")
