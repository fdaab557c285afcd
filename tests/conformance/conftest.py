from collections.abc import Iterator

import pytest

from tests.conformance.bench import Bench, bench


@pytest.fixture(scope="session")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    """One factory with one broker and one model for all of a worker's runs."""
    with pytest.MonkeyPatch.context() as monkeypatch, bench(tmp_path_factory.mktemp("live"), monkeypatch) as made:
        yield made
