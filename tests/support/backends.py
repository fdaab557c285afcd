"""The sandboxes that isolate, each where it works, with both brokers of a home."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from resources.brokers import brokers
from resources.settings import load_settings
from resources.wiring import open_factory

BACKENDS = [
    pytest.param("bubblewrap", marks=pytest.mark.bubblewrap),
    pytest.param("docker", marks=pytest.mark.docker),
]


@contextmanager
def serving(home: Path, backend: str) -> Iterator[None]:
    """Have the brokers of a home serve; skip the test where the sandbox does not work."""
    factory = open_factory(load_settings(home), migrate=True)
    with brokers(factory):
        found = factory.sandboxes[backend].available()
        if not found.works:
            pytest.skip(f"{backend} does not work here: {found.detail}")
        yield
