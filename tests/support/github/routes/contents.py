"""Files by path, and how commits compare."""

from base64 import b64decode, b64encode
from binascii import Error as NotBase64
from typing import Any
from urllib.parse import quote

from tests.support.github import diffs
from tests.support.github.answers import Answer, Page, Refused, created, missing, unprocessable
from tests.support.github.bare import Entry
from tests.support.github.moves import move
from tests.support.github.routes.refs import signature
from tests.support.github.routing import Call, route
from tests.support.github.shapes import code, pulls
from tests.support.github.shapes.repositories import html, url
from tests.support.github.world import instant

R = "/repos/{owner}/{repo}"
API_LIMIT = 1024 * 1024  # bytes; larger files come without content


@route("GET", R + "/contents/{path}", "contents:read")
def get_contents(call: Call) -> Any:
    git, path = call.repository.git, call.values["path"].strip("/")
    name = call.query("ref") or call.repository.default_branch
    commit = git.commit(name)
    if not commit:
        raise Refused(404, f"No commit found for the ref {name}")
    if not path:
        return [_file(call, one, name) for one in git.entries(commit)]
    found = git.at(commit, path)
    if not found:
        raise missing()
    if found.type == "tree":
        return [_file(call, one._replace(path=f"{path}/{one.path}"), name) for one in git.entries(found.sha)]
    if "raw" in call.request.headers.get("Accept", ""):
        return Answer(200, git.output("cat-file", "blob", found.sha))
    return _file(call, found, name) | _content(call, found)


@route("GET", R + "/contents/", "contents:read", described=False)
def get_root(call: Call) -> Any:
    call.values["path"] = ""
    return get_contents(call)


def _content(call: Call, one: Entry) -> dict[str, Any]:
    if (one.size or 0) > API_LIMIT:
        return {"content": "", "encoding": "none"}
    data = call.repository.git.output("cat-file", "blob", one.sha)
    return {"content": b64encode(data).decode(), "encoding": "base64"}


def _file(call: Call, one: Entry, ref: str) -> dict[str, Any]:
    at, page = url(call.world, call.repository), html(call.world, call.repository)
    kind = {"tree": "dir", "commit": "submodule"}.get(one.type, "symlink" if one.mode == "120000" else "file")
    path, revision = quote(one.path), quote(ref)
    links = {
        "self": f"{at}/contents/{path}?ref={revision}",
        "git": f"{at}/git/{one.type}s/{one.sha}",
        "html": f"{page}/{one.type}/{revision}/{path}",
    }
    return {
        "name": one.path.rpartition("/")[2],
        "path": one.path,
        "sha": one.sha,
        "size": one.size or 0,
        "url": links["self"],
        "html_url": links["html"],
        "git_url": links["git"],
        "download_url": f"{page}/raw/{revision}/{path}" if kind == "file" else None,
        "type": kind,
        "_links": links,
    }


@route("PUT", R + "/contents/{path}", "contents:write")
def put_contents(call: Call) -> Answer:
    try:
        content = b64decode(call.body["content"])
    except NotBase64:
        raise unprocessable("content is not valid Base64") from None
    return _change(call, call.repository.git.write_blob(content))


@route("DELETE", R + "/contents/{path}", "contents:write")
def delete_contents(call: Call) -> Answer:
    return _change(call, None)


def _change(call: Call, blob: str | None) -> Answer:
    home, path, body = call.repository, call.values["path"], call.body
    if {"", ".", "..", ".git"} & set(path.split("/")):
        raise unprocessable("path contains a malformed path component")
    branch = body.get("branch") or home.default_branch
    tip = home.git.branch(branch)
    if not tip and home.git.refs("refs/heads/"):
        raise Refused(404, f"Branch {branch} not found")
    before = home.git.at(tip, path) if tip else None
    _refuse_stale(path, before, body.get("sha"), deletes=blob is None)
    tree = home.git.with_file(f"{tip}^{{tree}}" if tip else home.git.run("mktree"), path, blob)
    author = signature(call, body.get("author"))
    committer = signature(call, body.get("committer")) if body.get("committer") else call.world.web_flow()
    sha = home.git.write_commit(tree, [tip] if tip else [], body["message"], author, committer)
    move(call.world, home, call.actor, f"refs/heads/{branch}", sha)
    after = home.git.at(sha, path) if blob else None
    shape = {"content": _file(call, after, branch) if after else None, "commit": code.git_commit(call.world, home, sha)}
    return Answer(200, shape) if before else created(shape)


def _refuse_stale(path: str, before: Entry | None, told: str | None, *, deletes: bool) -> None:
    if deletes and not before:
        raise missing()
    if before and not told:
        raise unprocessable('Invalid request.\n\n"sha" wasn\'t supplied.')
    if before and told != before.sha:
        raise Refused(409, f"{path} does not match {told}")


@route("GET", R + "/commits", "contents:read")
def list_commits(call: Call) -> Page:
    home, start = call.repository, call.query("sha") or call.repository.default_branch
    tip = home.git.commit(start)
    if not tip:
        if not home.git.refs("refs/heads/"):
            raise Refused(409, "Git Repository is empty.")
        raise missing()
    words = [f"--{name}={call.query(name)}" for name in ("since", "until") if instant(call.query(name))]
    path = ["--", call.query("path")] if call.query("path") else []
    found = home.git.run("rev-list", *words, tip, *path).split()
    if call.query("author"):
        found = [sha for sha in found if call.query("author") in code.parse(home.git, sha).author.values()]
    return Page(found, lambda sha: code.commit(call.world, home, sha))


@route("GET", R + "/commits/{ref}", "contents:read")
def get_commit(call: Call) -> Any:
    sha = call.repository.git.commit(call.values["ref"])
    if not sha:
        raise unprocessable(f"No commit found for SHA: {call.values['ref']}")
    return code.full_commit(call.world, call.repository, sha)


@route("GET", R + "/commits/{commit_sha}/pulls", "pull_requests:read")
def pulls_of_commit(call: Call) -> Page:
    home = call.repository
    sha = home.git.commit(call.values["commit_sha"])
    found = [one for one in home.pulls() if one.pull and sha in pulls.pull_commits(home, one.pull)]
    return Page(found, lambda one: pulls.pull(call.world, home, one))


@route("GET", R + "/compare/{basehead}", "contents:read")
def compare(call: Call) -> Any:
    home, parts = call.repository, call.values["basehead"].split("...")
    found = [_side(call, part) for part in parts]
    if len(parts) != 2 or None in found:
        raise missing()
    base, head = str(found[0]), str(found[1])
    fork = home.git.merge_base(base, head)
    if not fork:
        raise Refused(404, f"No common ancestor between {parts[0]} and {parts[1]}.")
    ahead, behind = home.git.commits(head, base)[::-1], home.git.commits(base, head)
    words = {(True, True): "diverged", (True, False): "ahead", (False, True): "behind", (False, False): "identical"}
    page = f"{html(call.world, home)}/compare/{call.values['basehead']}"
    return {
        "url": f"{url(call.world, home)}/compare/{call.values['basehead']}",
        "html_url": page,
        "permalink_url": page,
        "diff_url": f"{page}.diff",
        "patch_url": f"{page}.patch",
        "base_commit": code.commit(call.world, home, base),
        "merge_base_commit": code.commit(call.world, home, fork),
        "status": words[bool(ahead), bool(behind)],
        "ahead_by": len(ahead),
        "behind_by": len(behind),
        "total_commits": len(ahead),
        "commits": [code.commit(call.world, home, sha) for sha in ahead[:250]],
        "files": [code.file(call.world, home, head, one) for one in diffs.files(home.git, fork, head)[:300]],
    }


def _side(call: Call, text: str) -> str | None:
    owner, colon, name = text.rpartition(":")
    home = call.repository
    if not colon or owner.lower() == home.owner.login.lower():
        return home.git.commit(name)
    for other in call.world.repositories.values():
        if other.owner.login.lower() == owner.lower() and home in (other, other.parent):
            sha = other.git.commit(name)
            if sha:
                home.git.run("fetch", "--quiet", "--no-tags", str(other.git.folder), sha)
            return sha
    return None
