from collections.abc import Iterator

import pytest

from tests.conformance.bench import Bench, bench


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Each program's class says which faults and stalls it is tried with."""
    for name, values in (("fault", "faults"), ("stall", "stalls")):
        if name in metafunc.fixturenames:
            metafunc.parametrize(name, getattr(metafunc.cls, values))


@pytest.fixture(scope="session")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    """One factory with one broker and one model for all of a worker's runs."""
    with pytest.MonkeyPatch.context() as monkeypatch, bench(tmp_path_factory.mktemp("live"), monkeypatch) as made:
        yield made
