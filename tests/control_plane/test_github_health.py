"""`factory doctor` on GitHub: the credential, and the secrets of webhooks."""

import pytest

from control_plane.health.github import github_checks
from resources.settings import load_settings
from tests.support.webhooks.sending import enrol

PUBLIC = {"FACTORY_PUBLIC_URL": "https://factory.example.org"}
APP = {"FACTORY_GITHUB__APP_ID": "1234", "FACTORY_GITHUB__INSTALLATION_ID": "5678"}
TOKEN = {"FACTORY_SECRET_GITHUB_TOKEN": "ghp_x"}
KEY = {"FACTORY_SECRET_GITHUB_APP_KEY": "PEM"}
HOOK = {"FACTORY_SECRET_WEBHOOK_SHOP": "s"}
PRODUCTION = {"FACTORY_ENVIRONMENT": "production"}


@pytest.fixture
def told(world, monkeypatch):
    """Return what the checks say of a repository on GitHub in this environment."""

    def tell(*environments, enrolled=True):
        for environment in environments:
            for name, value in environment.items():
                monkeypatch.setenv(name, value)
        if enrolled:
            enrol(world.factory, "shop", "https://github.com/acme/shop")
        found = github_checks(load_settings(world.factory.settings.home), world.factory.oversight.repositories())
        assert all(check.remedy for check in found if not check.ok)
        assert "ghp_x" not in str(found)
        return {check.name: (check.ok, f"{check.detail} -> {check.remedy}") for check in found}

    return tell


def test_nobody_speaks_of_github(told):
    assert told(PUBLIC, enrolled=False) == {}


@pytest.mark.parametrize(
    ("environment", "words"),
    [
        ({}, ["no credential", "shop", "FACTORY_SECRET_GITHUB_TOKEN", "github.app_id"]),
        (APP, ["App 1234", "private key is not set", "FACTORY_SECRET_GITHUB_APP_KEY"]),
        ({"FACTORY_GITHUB__APP_ID": "1234"}, ["`github.installation_id` is not set"]),
        ({"FACTORY_GITHUB__INSTALLATION_ID": "5678"}, ["`github.app_id` is not set"]),
        ({"FACTORY_GITHUB__TOKEN": "other"}, ["FACTORY_SECRET_OTHER"]),
    ],
)
def test_a_credential_that_lacks_is_named_with_what_to_set(told, environment, words):
    ok, line = told(environment)["github sign-in"]
    assert (ok, [word for word in words if word not in line]) == (False, [])


def test_an_app_without_its_key_is_told_before_anything_is_enrolled(told):
    assert told(APP, enrolled=False)["github sign-in"][0] is False


@pytest.mark.parametrize("environments", [(TOKEN,), (APP, KEY)])
def test_a_credential_that_is_there(told, environments):
    assert told(*environments).keys() == {"github sign-in"}
    assert told()["github sign-in"][0] is True


def test_a_webhook_secret_lacks_where_deliveries_are_expected(told):
    ok, line = told(TOKEN, PUBLIC)["github webhooks"]
    assert (ok, "shop" in line, "Set FACTORY_SECRET_WEBHOOK_SHOP." in line) == (False, True, True)
    assert told(HOOK)["github webhooks"][0] is True


def test_in_production_a_process_that_lacks_them_proves_nothing(told):
    found = told(APP, PUBLIC, PRODUCTION)
    assert all(ok and "deploy/README.md" in line for ok, line in found.values())
    assert len(found) == 2


def test_doctor_prints_it_and_fails(world, cli, monkeypatch):
    for name, value in {**APP, **PUBLIC}.items():
        monkeypatch.setenv(name, value)
    enrol(world.factory, "shop", "https://github.com/acme/shop")
    said = cli("doctor", "--json")
    checks = {check["name"]: check for check in said.document["checks"]}
    assert (said.code, checks["github sign-in"]["ok"], checks["github webhooks"]["ok"]) == (1, False, False)


def test_doctor_tells_of_half_an_app_that_opens_no_factory(world, cli, monkeypatch):
    monkeypatch.setenv("FACTORY_GITHUB__APP_ID", "1234")
    said = cli("doctor").out
    assert "BAD github sign-in: an App needs both" in said
    assert "-> Set `github.installation_id`." in said
