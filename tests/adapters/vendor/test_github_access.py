"""Signing in as an App: narrowed to the repository, to what is wanted and granted, renewed before it ends."""

from datetime import UTC, datetime, timedelta

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from adapters._vendor.github import Addresses, GitHub
from adapters._vendor.github_access import AppAccess, TokenAccess, granted
from adapters._vendor.github_failures import github_failures
from adapters._vendor.github_limits import Manners
from domain.errors import ForgeRefused, RepositoryInvalid, SettingsInvalid
from tests.adapters.vendor.scripted_api import DROP, scripted_api

KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
PEM = KEY.private_bytes(
    serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
).decode()
QUICK = Manners(attempts=3, first_wait=0.0, reading_pause=None, writing_pause=None)
INSTALLATION = (
    200,
    {"permissions": {"contents": "write", "checks": "read", "metadata": "read", "deployments": "write"}},
)


def _minted(token: str, **left):
    ends = datetime.now(UTC) + timedelta(**(left or {"hours": 1}))
    return 201, {"token": token, "expires_at": ends.strftime("%Y-%m-%dT%H:%M:%SZ")}


@pytest.fixture
def api():
    with scripted_api() as found:
        yield found


def _github(api, key=PEM):
    return GitHub(AppAccess("42", 7, lambda: key), base_url=api.url, manners=QUICK)


def test_the_token_is_for_one_repository_and_what_is_both_wanted_and_granted(api):
    api.say(INSTALLATION, _minted("one"))
    assert _github(api).token("ann/shop") == "one"
    looked, asked = api.asked
    assert (asked.verb, asked.path) == ("POST", "/app/installations/7/access_tokens")
    assert asked.body == {
        "repositories": ["shop"], "permissions": {"contents": "write", "checks": "read", "metadata": "read"}
    }  # fmt: skip
    claims = jwt.decode(asked.headers["authorization"].split()[1], KEY.public_key(), algorithms=["RS256"])
    assert claims["iss"] == "42" and claims["exp"] - claims["iat"] <= 600
    assert looked.path == "/app/installations/7"


def test_it_is_kept_until_shortly_before_its_end(api):
    api.say(INSTALLATION, _minted("one"), INSTALLATION, _minted("two"))
    github = _github(api)
    assert [github.token("ann/shop") for _ in range(3)] == ["one"] * 3
    api.say(INSTALLATION, _minted("short", minutes=4), INSTALLATION, _minted("long"))
    github = _github(api)
    assert [github.token("ann/shop") for _ in range(3)] == ["short", "long", "long"]


def test_a_minted_token_is_in_no_log(api, caplog):
    api.say(INSTALLATION, _minted("minted-4711"))
    with caplog.at_level("DEBUG"):
        assert _github(api).token("ann/shop") == "minted-4711"
    assert "access_tokens" in caplog.text and "minted-4711" not in caplog.text


def test_repositories_have_tokens_of_their_own(api):
    api.say(INSTALLATION, _minted("one"), INSTALLATION, _minted("two"))
    github = _github(api)
    assert [github.token(name) for name in ("ann/shop", "ann/till", "ann/shop")] == ["one", "two", "one"]


def test_a_lost_answer_is_asked_for_again(api):
    api.say(INSTALLATION, DROP, _minted("again"))
    assert _github(api).token("ann/shop") == "again"


def test_a_repository_outside_of_the_installation_is_named(api):
    api.say(INSTALLATION, (422, {"message": "There is at least one repository that does not exist"}))
    with pytest.raises(ForgeRefused, match="installation 7 does not reach ann/shop: add the repository to it"):
        _github(api).token("ann/shop")


NONE = (404, {"message": "Not Found"})


@pytest.mark.parametrize("answers", [(NONE,), (INSTALLATION, NONE)])
def test_an_installation_that_is_not_the_apps_is_named_with_what_to_set(api, answers):
    api.say(*answers)
    with pytest.raises(ForgeRefused, match=r"installation 7 does not exist for the App 42: `github.installation_id`"):
        _github(api).token("ann/shop")


@pytest.mark.parametrize(
    "key", [None, "", "nonsense", PEM[:200], "-----BEGIN PRIVATE KEY-----\nMIIB\n-----END PRIVATE KEY-----"]
)
def test_a_key_that_is_none_is_said_and_not_shown(api, key):
    api.say(INSTALLATION)
    with pytest.raises(ForgeRefused, match="private key") as told, github_failures():
        _github(api, key).token("ann/shop")
    assert told.value.__cause__ is None
    assert key or "FACTORY_SECRET_GITHUB_APP_KEY" in str(told.value)
    assert not key or key[:60] not in str(told.value)
    assert api.asked == []


def test_the_app_writes_under_its_bots_name(api):
    api.say((200, {"slug": "factory-app"}))
    github = _github(api)
    assert [github.login(), github.login()] == ["factory-app[bot]"] * 2
    assert len(api.asked) == 1


def test_a_token_writes_under_its_owners_name(api):
    api.say((200, {"login": "factory-bot"}))
    assert GitHub(TokenAccess(lambda: "t"), base_url=api.url, manners=QUICK).login() == "factory-bot"


def test_credentials_are_in_no_representation():
    assert "lambda" not in repr(TokenAccess(lambda: "t")) + repr(AppAccess("1", 2, lambda: "k"))


def test_levels_are_the_lower_of_the_two():
    given = {"a": "read", "b": "admin", "c": "odd"}
    assert granted({"a": "write", "b": "write", "c": "read", "d": "read"}, given) == {"a": "read", "b": "write"}


@pytest.mark.parametrize(
    ("base", "web"),
    [
        ("https://api.github.com", "https://github.com"),
        ("https://api.github.com/", "https://github.com"),
        ("https://git.example.org/api/v3", "https://git.example.org"),
        ("https://git.example.org:8443/api/v3", "https://git.example.org:8443"),
        ("http://127.0.0.1:4000/api/v3", "http://127.0.0.1:4000"),
        ("https://api.firm.ghe.com", "https://firm.ghe.com"),
    ],
)
def test_the_web_address_follows_from_the_apis(base, web):
    assert Addresses.of(base).web == web


@pytest.mark.parametrize("base", ["", "github.com", "http://github.com", "ftp://x", "https://u:p@h/api/v3", "https://h/api/v4", "https://h/api/v3?x=1", "https:///api/v3", "file:///etc"])  # fmt: skip
def test_other_base_urls_are_refused(base):
    with pytest.raises(SettingsInvalid) as told:
        Addresses.of(base)
    assert "u:p" not in str(told.value)


@pytest.mark.parametrize(
    "source", ["https://github.com/ann/shop", "https://github.com/ann/shop.git", "https://github.com/ann/shop/"]
)
def test_a_repository_is_named_by_its_page(source):
    found = Addresses.of()
    assert found.full_name(source) == "ann/shop"
    assert found.clone_url("ann/shop") == "https://github.com/ann/shop.git"


@pytest.mark.parametrize("source", ["", "ann/shop", "https://github.com/ann", "https://github.com/ann/shop/tree/main", "https://github.com/ann/..", "https://github.com/../shop", "https://github.com/ann/sh op", "https://evil.example/ann/shop", "http://github.com/ann/shop", "https://github.com.evil.example/ann/shop", "git@github.com:ann/shop", "https://ann:secret@github.com/ann/shop", "https://github.com/-x/shop", "https://github.com/ann/shop\n", "https://github.com/ann/shop?x=1"])  # fmt: skip
def test_anything_else_is_no_repository(source):
    with pytest.raises(RepositoryInvalid) as told:
        Addresses.of().full_name(source)
    assert "secret" not in str(told.value)
