"""What the stand-in answers, held to GitHub's own description of its answers."""

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
import requests
from github.Repository import Repository
from openapi_core.datatypes import RequestParameters
from openapi_core.exceptions import OpenAPIError
from werkzeug.datastructures import Headers, ImmutableMultiDict

from tests.github.conftest import APP, open_pull
from tests.support.github import StandIn, description

#: where the description forbids a null that GitHub's own recorded answers have; and an account that is two things at once
NULLS = (
    "conclusion: None",
    "state_reason: None",
    "start_side: None",
    "description: None",
    "author: None",
    "committer: None",
    "account: ",
)

ANSWERS = [
    "", "/branches", "/branches/{branch}", "/branches/{branch}/protection", "/collaborators", "/collaborators/{username}/permission",
    "/commits", "/commits/{ref}", "/commits/{ref}/check-runs", "/commits/{ref}/check-suites", "/commits/{ref}/status",
    "/commits/{ref}/statuses", "/compare/{basehead}", "/contents/{path}", "/git/ref/{ref}", "/git/trees/{tree_sha}",
    "/git/commits/{commit_sha}", "/issues", "/issues/comments", "/issues/{issue_number}", "/issues/{issue_number}/comments",
    "/issues/{issue_number}/labels", "/labels", "/labels/{name}", "/pulls", "/pulls/comments", "/pulls/{pull_number}",
    "/pulls/{pull_number}/comments", "/pulls/{pull_number}/commits", "/pulls/{pull_number}/files", "/pulls/{pull_number}/reviews",
    "/pulls/{pull_number}/requested_reviewers", "/hooks",
]  # fmt: skip


def live(github: StandIn, ann: Repository, bob: Repository) -> dict[str, Any]:
    pull = open_pull(github, bob, files={"a b.txt": "x\n", "src/calc.py": "y = 1\n"})
    theirs = ann.get_pull(pull.number)
    theirs.create_review_comment("why", ann.get_commit(pull.head.sha), "a b.txt", line=1)
    theirs.create_review(body="no", event="REQUEST_CHANGES")
    pull.create_issue_comment("words")
    pull.add_to_labels("needs human")
    bob.create_issue("x", "y", labels=["bug"])
    bob.get_commit(pull.head.sha).create_status("success", context="x")
    github.ci(APP).get_repo(APP).create_check_run("build", pull.head.sha, conclusion="failure")
    ann.get_branch("main").edit_protection(required_approving_review_count=1, contexts=["x"], strict=True)
    ann.create_hook("web", {"url": "http://127.0.0.1:9/", "content_type": "json"}, ["push"], active=False)
    return {
        "owner": "acme", "repo": "app", "branch": "main", "username": "bob", "ref": "heads/main", "basehead": "main...feature",
        "path": "src/calc.py", "tree_sha": pull.head.sha, "commit_sha": pull.head.sha, "issue_number": pull.number,
        "pull_number": pull.number, "name": "bug",
    }  # fmt: skip


def mistakes(template: str, values: dict[str, Any], answer: requests.Response) -> Iterator[str]:
    request = description.Described(
        host_url=description.HOST,
        path=description._path(template, values),
        method="get",
        parameters=RequestParameters(query=ImmutableMultiDict(), header=Headers(), cookie=ImmutableMultiDict()),
        content_type="application/json",
        body=None,
    )
    told = SimpleNamespace(
        data=answer.content,
        status_code=answer.status_code,
        content_type="application/json",
        headers=Headers(dict(answer.headers)),
    )
    try:
        description._description().validate_response(request, told)
    except OpenAPIError as error:
        for one in getattr(error.__cause__, "schema_errors", ()) or [error]:
            where = ".".join(map(str, getattr(one, "absolute_path", ())))
            line = f"{template} {where}: {getattr(one, 'message', one)}"
            if not any(word in line for word in NULLS):
                yield line[:300]


def test_answers_have_githubs_shape(github: StandIn, ann: Repository, bob: Repository):
    values = live(github, ann, bob)
    headers = {"Authorization": f"Bearer {github.token('ann')}"}
    found = []
    for tail in ANSWERS:
        template = f"/repos/{{owner}}/{{repo}}{tail}"
        given = {**values, "ref": values["commit_sha"]} if tail.startswith("/commits/") else values
        wanted = {name: value for name, value in given.items() if f"{{{name}}}" in template}
        answer = requests.get(github.base_url + template.format(**wanted), headers=headers, timeout=30)
        assert answer.status_code == 200, (template, answer.text)
        found += mistakes(template, wanted, answer)
    assert found == []


@pytest.mark.parametrize("gone", ["head", "number"])
def test_a_planted_mistake_is_found(github: StandIn, ann: Repository, bob: Repository, gone: str):
    values = live(github, ann, bob)
    template = "/repos/{owner}/{repo}/pulls/{pull_number}"
    headers = {"Authorization": f"Bearer {github.token('ann')}"}
    told = requests.get(github.base_url + template.format(**values), headers=headers, timeout=30).json()
    del told[gone]
    answer = requests.models.Response()
    answer.status_code, answer._content = 200, requests.models.complexjson.dumps(told).encode()
    assert list(mistakes(template, {name: values[name] for name in ("owner", "repo", "pull_number")}, answer))
