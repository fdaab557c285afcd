"""The small parts: where a repository lies, which secret it has and who is given it, and the sensor."""

import dagster as dg
import pytest
from pydantic import ValidationError

from control_plane.services.plan import environment_of, front_door
from domain.repositories import RepositoryFile, RepositorySettings
from policy.inbox import Ourselves
from resources.secrets import without_secrets
from resources.webhooks import address_of, webhook_secret, webhook_secret_name
from sensors.deliveries import deliveries_sensor
from tests.webhooks.carrying import Heard


@pytest.mark.parametrize(
    ("source", "address"),
    [
        ("https://github.com/Octo/Hello-World", ("github.com", "octo/hello-world")),
        ("https://github.com/octo/hello.git/", ("github.com", "octo/hello")),
        ("https://user:secret@GHE.example.org:8443/octo/hello", ("ghe.example.org:8443", "octo/hello")),
        ("http://127.0.0.1:4000/octo/hello.git", ("127.0.0.1:4000", "octo/hello")),
        ("https://ghe.example.org/api/v3/octo/hello", ("ghe.example.org", "octo/hello")),
        ("ssh://git@github.com/octo/hello.git", ("github.com", "octo/hello")),
        ("git@github.com:octo/hello.git", ("github.com", "octo/hello")),
        ("/srv/git/octo/hello", None),
        ("file:///srv/octo/hello", None),
        ("octo/hello", None),
        ("https://github.com/octo", None),
        ("https://github.com", None),
        ("https://[x/octo/hello", None),
        ("", None),
    ],
)
def test_where_a_repository_lies(source, address):
    assert address_of(source) == address


def test_each_repository_has_a_secret_of_its_own(sender, monkeypatch):
    repository = sender.factory.lookup.repository("hello")
    assert webhook_secret_name(repository) == "webhook-hello"
    assert webhook_secret(repository) == b"It's a Secret to Everybody"
    dotted = repository.model_copy(update={"name": "hello.world-x"})
    assert webhook_secret(dotted) is None
    monkeypatch.setenv("FACTORY_SECRET_WEBHOOK_HELLO_WORLD_X", "s")
    assert webhook_secret(dotted) == b"s"


@pytest.mark.parametrize("name", ["github-token", "", "web-hook", "webhook/x", "webhook x", "webhook" + "x" * 94])
def test_no_other_secret_can_be_made_one_of_webhooks(name):
    with pytest.raises(ValidationError):
        RepositorySettings.model_validate({"webhook-secret": name})


def test_a_repository_s_own_file_cannot_choose_its_secret():
    with pytest.raises(ValidationError):
        RepositoryFile.model_validate({"webhook-secret": "webhook-x"})


def test_the_web_process_gets_secrets_of_webhooks_and_no_other(sender, monkeypatch, tmp_path):
    monkeypatch.setenv("FACTORY_SECRET_GITHUB_TOKEN", "t")
    monkeypatch.setenv("FACTORY_SECRET_OPENAI", "k")
    settings = sender.factory.settings
    service = front_door(settings, tmp_path / "workspace.yaml", 3000)
    told = environment_of(settings, secrets=service.holds_secrets, holds=service.holds)
    assert {key for key in told if key.startswith("FACTORY_SECRET_")} == {"FACTORY_SECRET_WEBHOOK_HELLO"}
    assert not [key for key in environment_of(settings) if key.startswith("FACTORY_SECRET_")]
    assert without_secrets({"FACTORY_SECRET_X": "1", "Y": "2"}) == {"Y": "2"}


def test_the_sensor_drains_and_says_what_it_did(sender):
    heard = Heard()
    sensor = deliveries_sensor(lambda _factory: heard, lambda _factory: Ourselves())
    repository = {"full_name": "Codertocat/Hello-World", "html_url": "https://github.com/Codertocat/Hello-World"}
    sender.send("pull_request", {"action": "opened", "pull_request": {"number": 2}, "repository": repository})
    sender.send("star", {"repository": repository})

    def tick() -> str:
        context = dg.build_sensor_context(resources={"factory": sender.factory})
        data = sensor.evaluate_tick(context)
        return str(data.skip_message)

    assert tick() == "1 done, 1 ignored"
    assert tick() == "no delivery waits"
    assert len(heard.effects) == 1
