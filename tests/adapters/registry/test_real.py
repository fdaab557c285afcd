"""A handful of questions to the registries that this machine's own tools are set to; an outage is named, not hidden."""

import functools

import pytest
import requests

from adapters._vendor.fetching import Fetcher
from adapters.registry.npm import NpmRegistry
from adapters.registry.pypi import PypiRegistry
from adapters.registry.shelf import Shelf
from domain.changes import Known
from resources.registries import npm_registry, pip_index, trusted

NOBODY = "no-such-package-of-anyone-7f3a9c"


@functools.cache
def place(ask) -> str:
    address = ask()
    if address is None:
        pytest.skip(f"{ask.__name__}: the tool is not set to a registry")
    try:
        requests.get(address, timeout=20, stream=True, verify=trusted()).close()
    except requests.RequestException as error:
        pytest.skip(f"{ask.__name__}: the registry does not answer: {type(error).__name__}")
    return address


def test_the_python_index():
    registry = PypiRegistry(Fetcher(place(pip_index), verify=trusted()), Shelf(None))
    found = registry.look_up("itsdangerous", "2.1.2")
    assert (found.known, found.version_known) == (Known.FOUND, Known.FOUND)
    assert registry.look_up("itsdangerous", "99.0").version_known is Known.ABSENT
    assert registry.look_up(NOBODY).known is Known.ABSENT


def test_the_npm_registry():
    registry = NpmRegistry(Fetcher(place(npm_registry), verify=trusted()), Shelf(None))
    found = registry.look_up("left-pad", "1.3.0")
    assert (found.known, found.version_known, found.license) == (Known.FOUND, Known.FOUND, "WTFPL")
    assert registry.look_up("left-pad", "99.0.0").version_known is Known.ABSENT
    assert registry.look_up(NOBODY).known is Known.ABSENT
