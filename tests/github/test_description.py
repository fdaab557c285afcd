"""GitHub's own description judges every request; what it does not know fails the test that asked."""

from pathlib import Path

import pytest
import requests

from tests.github.conftest import APP
from tests.support.github import InvalidRequests, StandIn, description, github_stand_in
from tests.support.github.description import KNOWN_GAPS, DescriptionMissing, described
from tests.support.github.routing import ROUTES
from tests.support.github.server import routes

assert routes.__all__


def ask(github: StandIn, method: str, path: str, **more: object) -> requests.Response:
    headers = {"Authorization": f"Bearer {github.token('bob')}"}
    return requests.request(method, github.base_url + path, headers=headers, timeout=30, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("method", "path", "body", "words"),
    [
        ("POST", f"/repos/{APP}/pulls", {"title": "x", "head": "y"}, "'base' is a required property"),
        ("POST", f"/repos/{APP}/pulls", {"title": "x", "head": "y", "base": 3}, "base: 3 is not of type 'string'"),
        ("POST", f"/repos/{APP}/issues", {}, "'title' is a required property"),
        ("POST", f"/repos/{APP}/check-runs", {"name": "x"}, "'head_sha' is a required property"),
        ("POST", f"/repos/{APP}/statuses/{'a' * 40}", {"state": "good"}, "is not one of"),
        ("PUT", f"/repos/{APP}/pulls/1/merge", {"merge_method": "force"}, "is not one of"),
        ("POST", f"/repos/{APP}/pulls/1/reviews", {"event": "REJECT"}, "is not one of"),
        ("PUT", f"/repos/{APP}/branches/main/protection", {"enforce_admins": True}, "is a required property"),
        ("PUT", f"/repos/{APP}/branches/main/protection", ["x"], "is not"),
        ("GET", f"/repos/{APP}/pulls?state=merged", None, "'merged' is not one of"),
        ("GET", f"/repos/{APP}/nonsense", None, "the stand-in cannot do"),
        ("DELETE", f"/repos/{APP}", None, "the stand-in cannot do"),
        ("PATCH", f"/repos/{APP}/pulls", {}, "the stand-in cannot do"),
    ],
)
def test_wrong_request_is_answered_400_and_fails_the_test(
    tmp_path: Path, method: str, path: str, body: object, words: str
):
    with pytest.raises(InvalidRequests) as error, github_stand_in(tmp_path) as github:
        github.repository(APP, {"a": "b"})
        github.grant(APP, "bob", "admin")
        answer = ask(github, method, path, **({"json": body} if body is not None else {}))
        assert answer.status_code == 400
        assert words in answer.json()["message"]
    assert words in str(error.value)


@pytest.mark.parametrize("body", [b"", b"{", b"\xff\xfe", b"null", b"[]", b'"x"', b"[" * 5000])
def test_broken_body_is_answered_400(tmp_path: Path, body: bytes):
    with pytest.raises(InvalidRequests), github_stand_in(tmp_path) as github:
        github.repository(APP, {"a": "b"})
        github.grant(APP, "bob", "admin")
        assert ask(github, "POST", f"/repos/{APP}/issues", data=body).status_code == 400


def test_over_a_limit_is_githubs_answer_and_no_mistake(github: StandIn):
    app = github.as_app(github.install(github.app("x", {"checks": "write"}), APP))
    token = next(iter(one for one in github.world.tokens.known if one.startswith("stand-in-app")), None)
    assert app.get_repo(APP)
    token = token or next(one for one in github.world.tokens.known if one.startswith("stand-in-app"))
    note = {"path": "a", "start_line": 1, "end_line": 1, "annotation_level": "notice", "message": "m"}
    body = {"name": "x", "head_sha": "a" * 40, "output": {"title": "t", "summary": "s", "annotations": [note] * 51}}
    answer = requests.post(
        f"{github.base_url}/repos/{APP}/check-runs", json=body, headers={"Authorization": f"Bearer {token}"}, timeout=30
    )
    assert answer.status_code == 422
    assert github.invalid == []


def test_labels_may_be_a_bare_array(github: StandIn):
    number = ask(github, "POST", f"/repos/{APP}/issues", json={"title": "x"}).json()["number"]
    for body in (["a", "b"], {"labels": ["a", "b"]}):
        answer = ask(github, "POST", f"/repos/{APP}/issues/{number}/labels", json=body)
        assert [one["name"] for one in answer.json()] == ["a", "b"]


def test_every_operation_is_one_of_githubs_or_a_named_gap():
    paths = described("api.github.com.json")["paths"]
    undescribed = {
        (one.method, one.template) for one in ROUTES if one.method.lower() not in paths.get(one.template, {})
    }
    assert undescribed == {(one.method, one.template) for one in ROUTES if not one.described}
    assert len(undescribed) == 3
    assert {"old statuses", "root", "graphql"} <= set(KNOWN_GAPS)


def test_family_fails_and_does_not_skip_without_the_description(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(description, "FOLDER", tmp_path / ".github-description")
    description._description.cache_clear()
    try:
        with pytest.raises(DescriptionMissing, match=r"tests/support/github/install"), github_stand_in(tmp_path):
            pass
    finally:
        description._description.cache_clear()


def test_readme_names_every_gap():
    readme = (Path(description.__file__).parent / "README.md").read_text()
    assert [name for name in KNOWN_GAPS if f"**{name}**" not in readme] == []
