"""Every registered scanner, in the sandbox that isolates nothing and in one that does: no network, another user."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from adapters.sandbox.bubblewrap import BubblewrapSandbox
from adapters.sandbox.process import ProcessSandbox
from adapters.scanner.catalogue import SCANNERS
from adapters.scanner.contract import Scanner
from tests.adapters.scanner.at_work import Bench
from tests.adapters.scanner.at_work import bench as made
from tests.adapters.scanner.conformance import ScannerConformance
from tests.adapters.scanner.samples import SAMPLES
from tests.support.needed import scanners


@pytest.fixture(scope="module", params=["process", pytest.param("bubblewrap", marks=pytest.mark.bubblewrap)])
def bench(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    scanners()
    root: Path = tmp_path_factory.mktemp("sandboxes")
    sandbox = BubblewrapSandbox(root) if request.param == "bubblewrap" else ProcessSandbox(root)
    if not (works := sandbox.available()).works:
        pytest.skip(f"bwrap cannot make namespaces here: {works.detail}")
    with made(sandbox) as found:
        yield found


@pytest.fixture(params=sorted(SCANNERS))
def scanner(request: pytest.FixtureRequest) -> Scanner:
    return SCANNERS[request.param]


class TestRegistered(ScannerConformance):
    pass


def test_each_has_a_sample_and_its_own_canary() -> None:
    assert set(SAMPLES) == set(SCANNERS)
    assert len({one.traits.canary_name for one in SCANNERS.values()}) == len(SCANNERS)
    assert all(one.traits.canary_name.endswith(one.traits.suffixes or "") for one in SCANNERS.values())
