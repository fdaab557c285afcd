"""Git's own objects: refs, blobs, trees, commits, tags."""

import re
from base64 import b64decode, b64encode
from binascii import Error as NotBase64
from typing import Any

from tests.support.github.answers import Answer, Page, Refused, created, invalid, missing, nothing, unprocessable
from tests.support.github.bare import NOTHING, Bare, GitFailed, Person
from tests.support.github.moves import move
from tests.support.github.routing import Call, route
from tests.support.github.shapes import code
from tests.support.github.shapes.repositories import url
from tests.support.github.world import instant

G = "/repos/{owner}/{repo}/git"
SHA = re.compile(r"[0-9a-f]{40}")
MODES = {"100644": "blob", "100755": "blob", "120000": "blob", "040000": "tree", "160000": "commit"}


def is_ref(git: Bare, name: str) -> bool:
    return name.startswith(("refs/heads/", "refs/tags/", "refs/notes/")) and git.asks("check-ref-format", name)


@route("GET", G + "/ref/{ref}", "contents:read")
def get_ref(call: Call) -> Any:
    name = f"refs/{call.values['ref']}"
    found = call.repository.git.refs(name).get(name)
    if not found:
        raise missing()
    return code.ref(call.world, call.repository, name, *found)


@route("GET", G + "/matching-refs/{ref}", "contents:read")
def matching_refs(call: Call) -> Page:
    found = list(call.repository.git.refs(f"refs/{call.values['ref']}").items())
    return Page(found, lambda one: code.ref(call.world, call.repository, one[0], *one[1]))


@route("POST", G + "/refs", "contents:write")
def create_ref(call: Call) -> Answer:
    git, name, sha = call.repository.git, call.body["ref"], call.body["sha"]
    if not is_ref(git, name):
        raise unprocessable(f"{name} is not a valid ref name.")
    if not git.has(sha, "commit"):
        raise unprocessable(
            "Object does not exist" if SHA.fullmatch(sha) else "The sha parameter must be exactly 40 characters."
        )
    if git.ref(name):
        raise unprocessable("Reference already exists")
    _refuse_folder(git, name)
    move(call.world, call.repository, call.actor, name, sha)
    return created(code.ref(call.world, call.repository, name, "commit", sha))


def _refuse_folder(git: Bare, name: str) -> None:
    if any(other.startswith(f"{name}/") or name.startswith(f"{other}/") for other in git.refs()):
        raise unprocessable("Reference cannot be created: it is in the way of another")


@route("PATCH", G + "/refs/{ref}", "contents:write")
def update_ref(call: Call) -> Any:
    git, name, sha = call.repository.git, f"refs/{call.values['ref']}", call.body["sha"]
    old = git.ref(name)
    if not old:
        raise unprocessable("Reference does not exist")
    if not git.has(sha, "commit"):
        raise unprocessable("Object does not exist")
    if not call.body.get("force") and not git.contains(sha, old):
        raise unprocessable("Update is not a fast forward")
    move(call.world, call.repository, call.actor, name, sha)
    return code.ref(call.world, call.repository, name, "commit", sha)


@route("DELETE", G + "/refs/{ref}", "contents:write")
def delete_ref(call: Call) -> Answer:
    home, name = call.repository, f"refs/{call.values['ref']}"
    if not is_ref(home.git, name) or not home.git.ref(name):
        raise unprocessable("Reference does not exist")
    if name == f"refs/heads/{home.default_branch}":
        raise unprocessable("Cannot delete the default branch")
    move(call.world, home, call.actor, name, NOTHING)
    return nothing()


@route("POST", G + "/blobs", "contents:write")
def create_blob(call: Call) -> Answer:
    content = call.body["content"]
    try:
        data = b64decode(content) if call.body.get("encoding", "utf-8") == "base64" else content.encode()
    except NotBase64:
        raise unprocessable("content is not valid Base64") from None
    sha = call.repository.git.write_blob(data)
    return created({"sha": sha, "url": f"{url(call.world, call.repository)}/git/blobs/{sha}"})


@route("GET", G + "/blobs/{file_sha}", "contents:read")
def get_blob(call: Call) -> Any:
    home, sha = call.repository, call.values["file_sha"]
    if not home.git.has(sha, "blob"):
        raise missing()
    data = home.git.output("cat-file", "blob", sha)
    told = {"sha": sha, "node_id": f"B_{sha}", "size": len(data), "url": f"{url(call.world, home)}/git/blobs/{sha}"}
    return {**told, "content": b64encode(data).decode(), "encoding": "base64"}


@route("GET", G + "/trees/{tree_sha}", "contents:read")
def get_tree(call: Call) -> Any:
    home, name = call.repository, call.values["tree_sha"]
    sha = name if home.git.has(name, "tree") else home.git.commit(name)
    if not sha:
        raise missing()
    return _tree(call, home.git.run("rev-parse", f"{sha}^{{tree}}"), recursive="recursive" in call.request.args)


def _tree(call: Call, sha: str, *, recursive: bool) -> dict[str, Any]:
    home, at = call.repository, url(call.world, call.repository)
    found = []
    for one in home.git.entries(sha, recursive=recursive):
        shape: dict[str, Any] = {"path": one.path, "mode": one.mode, "type": one.type, "sha": one.sha}
        shape |= {"size": one.size} if one.size is not None else {}
        found.append({**shape, "url": f"{at}/git/{one.type}s/{one.sha}"})
    return {"sha": sha, "url": f"{at}/git/trees/{sha}", "tree": found, "truncated": False}


@route("POST", G + "/trees", "contents:write")
def create_tree(call: Call) -> Answer:
    git, base = call.repository.git, call.body.get("base_tree")
    if base and not git.has(base, "tree"):
        raise unprocessable("base_tree is not a valid tree oid")
    tree = git.run("rev-parse", f"{base}^{{tree}}") if base else git.run("mktree")
    for one in call.body["tree"]:
        tree = _with_entry(git, tree, one)
    return created(_tree(call, tree, recursive=False))


def _with_entry(git: Bare, tree: str, one: dict[str, Any]) -> str:
    path, mode = one.get("path", ""), one.get("mode", "100644")
    if not path or path.startswith("/") or {"", ".", "..", ".git"} & set(path.split("/")):
        raise unprocessable("tree.path contains a malformed path component")
    if "sha" in one and one["sha"] is None:
        return git.with_file(tree, path, None)
    sha = one["sha"] if "sha" in one else git.write_blob(one.get("content", "").encode())
    if mode not in MODES or (mode != "160000" and not git.has(sha, MODES[mode])):
        raise unprocessable(f"tree.sha {sha} is not a valid {MODES.get(mode, 'mode')}")
    if mode == "040000":
        raise unprocessable("the stand-in takes files only, no trees inside of trees")
    return git.with_file(tree, path, sha, mode)


@route("POST", G + "/commits", "contents:write")
def create_commit(call: Call) -> Answer:
    git, body = call.repository.git, call.body
    parents = body.get("parents", [])
    if not git.has(body["tree"], "tree"):
        raise unprocessable("Tree SHA does not exist")
    if not all(git.has(one, "commit") for one in parents):
        raise unprocessable("Parent SHA does not exist or is not a commit object")
    author = signature(call, body.get("author"))
    committer = signature(call, body.get("committer") or body.get("author"))
    sha = git.write_commit(body["tree"], parents, body["message"], author, committer)
    return created(code.git_commit(call.world, call.repository, sha))


def signature(call: Call, told: dict[str, Any] | None) -> Person:
    """Raises: Refused with 422 for a person without name or address."""
    if not told:
        return call.world.person(call.actor.account)
    if not told.get("name") or not told.get("email"):
        raise invalid("Commit", "author", "missing_field")
    if told.get("date") and not instant(told["date"]):
        raise invalid("Commit", "date")
    bad = set("<>\n")
    if bad & set(told["name"]) or bad & set(told["email"]):
        raise invalid("Commit", "author")
    return Person(told["name"], told["email"], instant(told.get("date")) or call.now)


@route("GET", G + "/commits/{commit_sha}", "contents:read")
def get_commit_object(call: Call) -> Any:
    sha = call.values["commit_sha"]
    if not call.repository.git.has(sha, "commit"):
        raise missing()
    return code.git_commit(call.world, call.repository, sha)


@route("POST", G + "/tags", "contents:write")
def create_tag(call: Call) -> Answer:
    git, body = call.repository.git, call.body
    if not git.has(body["object"], body["type"]):
        raise unprocessable("Object does not exist")
    tagger = signature(call, body.get("tagger"))
    text = f"object {body['object']}\ntype {body['type']}\ntag {body['tag']}\ntagger {tagger}\n\n{body['message']}\n"
    try:
        sha = git.run("mktag", given=text)
    except GitFailed as error:
        raise Refused(422, str(error)) from None
    return created(_tag(call, sha))


@route("GET", G + "/tags/{tag_sha}", "contents:read")
def get_tag(call: Call) -> Any:
    if not call.repository.git.has(call.values["tag_sha"], "tag"):
        raise missing()
    return _tag(call, call.values["tag_sha"])


def _tag(call: Call, sha: str) -> dict[str, Any]:
    head, _, message = call.repository.git.run("cat-file", "tag", sha).partition("\n\n")
    told = {name: value for name, _, value in (line.partition(" ") for line in head.splitlines())}
    at = f"{url(call.world, call.repository)}/git"
    return {
        "node_id": f"TA_{sha}", "sha": sha, "url": f"{at}/tags/{sha}", "tag": told["tag"], "message": message,
        "tagger": code.signed(told["tagger"]), "verification": code.UNSIGNED,
        "object": {"sha": told["object"], "type": told["type"], "url": f"{at}/{told['type']}s/{told['object']}"},
    }  # fmt: skip
