"""GitHub Apps: JWT, installations, narrowed tokens."""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import jwt
import pytest
import requests
from github import Auth, BadCredentialsException, GithubException, GithubIntegration, UnknownObjectException

from tests.github.conftest import APP, refused
from tests.support.github import StandIn
from tests.support.github.state import App, Installation

PERMISSIONS = {"contents": "write", "pull_requests": "write", "issues": "read", "checks": "write", "metadata": "read"}
Raw = Callable[..., requests.Response]


@pytest.fixture
def installation(github: StandIn) -> Installation:
    github.repository("acme/other", {"a": "b"})
    github.repository("acme/secret", {"a": "b"})
    return github.install(github.app("factory", PERMISSIONS), APP, "acme/other")


def integration(github: StandIn, app: App) -> GithubIntegration:
    auth = Auth.AppAuth(app.id, app.private_key)
    return GithubIntegration(
        auth=auth, base_url=github.base_url, seconds_between_requests=None, seconds_between_writes=None, retry=None
    )


def signed(app: App, key: str | None = None, algorithm: str = "RS256", **claims: object) -> str:
    now = int(time.time())
    told = {"iat": now - 30, "exp": now + 300, "iss": str(app.id), **claims}
    return jwt.encode(
        {name: value for name, value in told.items() if value is not None}, key or app.private_key, algorithm
    )


def test_app_finds_its_installation_and_works(github: StandIn, installation: Installation):
    ours = integration(github, installation.app)
    assert ours.get_app().slug == "factory"
    assert [one.id for one in ours.get_installations()] == [installation.id]
    assert ours.get_repo_installation("acme", "app").id == installation.id
    assert ours.get_app_installation(installation.id).permissions == PERMISSIONS
    token = ours.get_access_token(installation.id)
    assert timedelta(minutes=59) < token.expires_at - datetime.now(UTC) <= timedelta(hours=1)
    assert token.permissions == PERMISSIONS
    home = github.as_app(installation).get_repo(APP)
    home.create_file("x", "by the app", "y", branch="main")
    assert home.get_commit("main").author.login == "factory[bot]"
    assert {one.full_name for one in ours.get_app_installation(installation.id).get_repos()} == {APP, "acme/other"}
    ours.close()


def test_token_is_narrowed_to_permissions_and_repositories(github: StandIn, installation: Installation, raw: Raw):
    path = f"/app/installations/{installation.id}/access_tokens"
    asked = {"repositories": ["app"], "permissions": {"contents": "read"}}
    told = raw("POST", path, signed(installation.app), json=asked).json()
    assert (told["permissions"], [one["full_name"] for one in told["repositories"]]) == (
        {"metadata": "read", "contents": "read"},
        [APP],
    )
    client = github.client(Auth.Token(told["token"]))
    assert client.get_repo(APP).get_contents("README.md").decoded_content == b"# app\n"
    with pytest.raises(UnknownObjectException):
        client.get_repo("acme/other")
    with pytest.raises(GithubException) as error:
        client.get_repo(APP).create_file("x", "y", "z")
    assert refused(error)[0] == 403
    assert "Resource not accessible by integration" in refused(error)[1]
    with pytest.raises(GithubException) as error:
        client.get_repo(APP).get_pulls().totalCount  # noqa: B018
    assert refused(error)[0] == 403


@pytest.mark.parametrize(
    "asked",
    [
        {"permissions": {"issues": "write"}},
        {"permissions": {"administration": "read"}},
        {"repositories": ["secret"]},
        {"repositories": ["nothing"]},
        {"repository_ids": [1]},
    ],
)
def test_more_than_was_installed_is_refused(installation: Installation, raw: Raw, asked: dict[str, object]):
    answer = raw("POST", f"/app/installations/{installation.id}/access_tokens", signed(installation.app), json=asked)
    assert answer.status_code == 422


def test_repository_that_is_not_installed_is_not_there(github: StandIn, installation: Installation):
    with pytest.raises(UnknownObjectException):
        github.as_app(installation).get_repo("acme/secret")
    with pytest.raises(UnknownObjectException):
        integration(github, installation.app).get_repo_installation("acme", "secret")


def test_wrong_jwt_is_refused(github: StandIn, installation: Installation, raw: Raw):
    app, now = installation.app, int(time.time())
    other = github.app("other", {})
    assert raw("GET", "/app", signed(app)).status_code == 200
    for bad in (
        signed(app, key=other.private_key),
        signed(app, exp=now - 1),
        signed(app, exp=now + 3600),
        signed(app, iat=now + 300),
        signed(app, iss="1"),
        signed(app, iss="x"),
        signed(app, exp=None),
        signed(app, key="shared secret of thirty-two bytes", algorithm="HS256"),
        "a.b.c",
        "..",
    ):
        assert raw("GET", "/app", bad).status_code == 401, bad
    assert raw("GET", f"/repos/{APP}", signed(app)).status_code == 404, "an App as itself reads no private repository"
    assert raw("GET", f"/app/installations/{installation.id}", signed(other)).status_code == 404


def test_token_ends_after_an_hour_or_when_revoked(github: StandIn, installation: Installation, raw: Raw):
    path = f"/app/installations/{installation.id}/access_tokens"
    one, two = (raw("POST", path, signed(installation.app), json={}).json()["token"] for _ in range(2))
    assert raw("GET", "/installation/repositories", one).json()["total_count"] == 2
    assert raw("DELETE", "/installation/token", one).status_code == 204
    assert raw("GET", f"/repos/{APP}", one).status_code == 401
    assert raw("GET", f"/repos/{APP}", two).status_code == 200
    github.pass_time(3601)
    assert raw("GET", f"/repos/{APP}", two).status_code == 401


def test_client_renews_its_token(github: StandIn, installation: Installation):
    home = github.as_app(installation).get_repo(APP)
    secrets = [one for one in github.world.tokens.known if one.startswith("stand-in-app-")]
    assert len(secrets) == 1
    github.expire(secrets[0])
    with pytest.raises(BadCredentialsException):
        home.get_branch("main")


def test_app_is_no_user(github: StandIn, installation: Installation):
    with pytest.raises(GithubException) as error:
        github.as_app(installation).get_user().login  # noqa: B018
    assert refused(error)[0] == 403
    assert github.as_app(installation).get_user("factory[bot]").type == "Bot"
