"""A local forge with one enrolled repository, for tests that need no other."""

from pathlib import Path

import pytest

from adapters.forge.local import LocalForge
from tests.adapters.forge.workshop import Workshop


@pytest.fixture
def forge(tmp_path: Path) -> LocalForge:
    return LocalForge(tmp_path / "forge")


@pytest.fixture
def workshop(tmp_path: Path) -> Workshop:
    return Workshop(tmp_path / "workshop")


@pytest.fixture
def repository(forge, workshop):
    return workshop.repository(forge.enrol("demo", str(workshop.source), None)[0])
