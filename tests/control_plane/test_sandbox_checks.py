"""`factory doctor` believes a sandbox's own word on whether it works here."""

from typing import Any

import pytest

from control_plane.health.machine import sandbox_checks
from domain.sandbox import Isolation


class Stub:
    isolation = Isolation.NAMESPACES

    def __init__(self, works: bool) -> None:
        self.works = works

    def available(self) -> tuple[bool, str]:
        return self.works, "because"


@pytest.mark.parametrize("works", [True, False])
def test_a_backend_that_does_not_work_is_told_with_its_reason_and_remedy(works: bool) -> None:
    sandboxes: dict[str, Any] = {"process": Stub(works), "bubblewrap": Stub(works)}
    process, bubblewrap = sandbox_checks(sandboxes)
    assert process.ok is works
    assert bubblewrap.ok
    assert "because" in bubblewrap.detail
    assert (bubblewrap.remedy is None) is works
