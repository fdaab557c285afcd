"""What is kept for a while only: everything else stays, whatever its age."""

import os
import time
from pathlib import Path

import pytest

from domain.errors import SettingsInvalid
from resources.container_broker import config_of
from resources.governance.checkout import checkouts_dir, mirror_checkout
from resources.retention import EVERY_SECONDS, forget_checkouts, forget_old
from resources.settings import load_settings
from resources.wiring import open_factory
from tests.support.repositories import commit, make_repository

DAY = 86400.0


@pytest.fixture
def factory(tmp_path):
    return open_factory(load_settings(tmp_path / "home"), migrate=True)


def age(path, days: float) -> None:
    then = time.time() - days * DAY
    os.utime(path, (then, then))


def test_old_bodies_of_webhooks_go_and_nothing_else_does(factory):
    put = factory.artifacts.put
    old, young = (put(text, kind="webhook", name="body") for text in (b"old", b"young"))
    others = [put(b"old", kind=kind, name="n") for kind in ("json", "report", "facts", "log", "patch", "anything")]
    for ref in (old, *others):
        age(factory.artifacts.path(ref), 31)
    age(factory.artifacts.path(young), 29)
    forget_old(factory)
    there = [Path(factory.artifacts.path(ref)).exists() for ref in (old, young, *others)]
    assert there == [False, True, *(True for _ in others)]


@pytest.mark.parametrize("kind", ["json", "report", "facts", "anything", "../x"])
def test_only_what_has_files_of_its_own_can_be_forgotten(factory, kind):
    with pytest.raises(ValueError, match="share their files"):
        factory.artifacts.forget(kind, before=time.time())


def test_it_looks_once_an_hour(factory):
    ref = factory.artifacts.put(b"old", kind="webhook", name="body")
    forget_old(factory)
    age(factory.artifacts.path(ref), 31)
    forget_old(factory)
    assert Path(factory.artifacts.path(ref)).exists()
    forget_old(factory, time.time() + EVERY_SECONDS + 1)
    assert not Path(factory.artifacts.path(ref)).exists()


def test_a_mirror_that_nobody_used_goes_and_comes_again(factory, tmp_path):
    settings = factory.settings
    shops = [make_repository(tmp_path / name) for name in ("one", "two")]
    for shop in shops:
        commit(shop, {"a.py": "a = 1\n"}, "more")
    mirrors = [mirror_checkout(settings, shop, "shop", "HEAD~1", "HEAD").remote.parent for shop in shops]
    for mirror in mirrors:
        age(mirror, 15)
    mirror_checkout(settings, shops[1], "shop", "HEAD~1", "HEAD")
    assert forget_checkouts(settings, time.time()) == 1
    assert [one.is_dir() for one in mirrors] == [False, True]
    assert mirror_checkout(settings, shops[0], "shop", "HEAD~1", "HEAD").remote.is_dir()
    assert len(list(checkouts_dir(settings).iterdir())) == 2


@pytest.mark.parametrize("name", ["webhooks_kept", "checkouts_kept"])
@pytest.mark.parametrize("told", ["0", "-1", "3600", "soon"])
def test_nothing_is_kept_for_less_than_a_day(tmp_path, monkeypatch, name, told):
    monkeypatch.setenv(f"FACTORY_{name.upper()}", told)
    with pytest.raises(SettingsInvalid, match=name):
        load_settings(tmp_path)


def test_docker_sandboxes_may_read_the_mirrors_too(tmp_path):
    settings = load_settings(tmp_path)
    assert checkouts_dir(settings) in config_of(settings).roots.readable
