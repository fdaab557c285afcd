"""Commits, trees, branches and differences as GitHub shows them."""

import re
from datetime import UTC, datetime
from typing import Any, NamedTuple
from urllib.parse import quote

from tests.support.github import diffs
from tests.support.github.bare import Bare
from tests.support.github.shapes.people import maybe_user, node
from tests.support.github.shapes.repositories import html, url
from tests.support.github.state import Repository
from tests.support.github.world import World, stamp

SIGNATURE = re.compile(r"(.*?) ?<(.*?)> (-?\d+) [+-]\d{4}")
UNSIGNED = {"verified": False, "reason": "unsigned", "signature": None, "payload": None, "verified_at": None}


class Parsed(NamedTuple):
    sha: str
    tree: str
    parents: list[str]
    author: dict[str, Any]
    committer: dict[str, Any]
    message: str


def signed(text: str) -> dict[str, Any]:
    match = SIGNATURE.match(text)
    if not match:
        return {"name": text, "email": "", "date": stamp(datetime.fromtimestamp(0, UTC))}
    return {"name": match[1], "email": match[2], "date": stamp(datetime.fromtimestamp(int(match[3]), UTC))}


def parse(git: Bare, sha: str) -> Parsed:
    head, _, message = git.output("cat-file", "commit", sha).decode(errors="replace").partition("\n\n")
    lines = [line.partition(" ") for line in head.splitlines()]
    told = {name: value for name, _, value in lines}
    parents = [value for name, _, value in lines if name == "parent"]
    return Parsed(sha, told["tree"], parents, signed(told["author"]), signed(told["committer"]), message.rstrip("\n"))


def git_commit(world: World, repository: Repository, sha: str) -> dict[str, Any]:
    """The commit as a git object, of `/git/commits`."""
    one, at = parse(repository.git, sha), url(world, repository)
    page = html(world, repository)
    return {
        "sha": sha,
        "node_id": f"C_{sha}",
        "url": f"{at}/git/commits/{sha}",
        "html_url": f"{page}/commit/{sha}",
        "author": one.author,
        "committer": one.committer,
        "tree": {"sha": one.tree, "url": f"{at}/git/trees/{one.tree}"},
        "message": one.message,
        "parents": [
            {"sha": each, "url": f"{at}/git/commits/{each}", "html_url": f"{page}/commit/{each}"}
            for each in one.parents
        ],
        "verification": UNSIGNED,
    }


def commit(world: World, repository: Repository, sha: str) -> dict[str, Any]:
    one, at, page = parse(repository.git, sha), url(world, repository), html(world, repository)
    return {
        "sha": sha,
        "node_id": f"C_{sha}",
        "commit": {
            "author": one.author,
            "committer": one.committer,
            "message": one.message,
            "tree": {"sha": one.tree, "url": f"{at}/git/trees/{one.tree}"},
            "url": f"{at}/git/commits/{sha}",
            "comment_count": 0,
            "verification": UNSIGNED,
        },
        "url": f"{at}/commits/{sha}",
        "html_url": f"{page}/commit/{sha}",
        "comments_url": f"{at}/commits/{sha}/comments",
        "author": maybe_user(world, world.by_email(one.author["email"])),
        "committer": maybe_user(world, world.by_email(one.committer["email"])),
        "parents": [
            {"sha": each, "url": f"{at}/commits/{each}", "html_url": f"{page}/commit/{each}"} for each in one.parents
        ],
    }


def full_commit(world: World, repository: Repository, sha: str) -> dict[str, Any]:
    parents = parse(repository.git, sha).parents
    found = diffs.files(repository.git, parents[0] if parents else diffs.EMPTY_TREE, sha)
    added, removed = sum(one.additions for one in found), sum(one.deletions for one in found)
    return {
        **commit(world, repository, sha),
        "stats": {"total": added + removed, "additions": added, "deletions": removed},
        "files": [file(world, repository, sha, one) for one in found],
    }


def file(world: World, repository: Repository, head: str, one: diffs.FileDiff) -> dict[str, Any]:
    path = quote(one.path)
    shape = {
        "sha": one.sha,
        "filename": one.path,
        "status": one.status,
        "additions": one.additions,
        "deletions": one.deletions,
        "changes": one.additions + one.deletions,
        "blob_url": f"{html(world, repository)}/blob/{head}/{path}",
        "raw_url": f"{html(world, repository)}/raw/{head}/{path}",
        "contents_url": f"{url(world, repository)}/contents/{path}?ref={head}",
    }
    if one.previous:
        shape["previous_filename"] = one.previous
    return {**shape, "patch": one.patch} if one.patch is not None else shape


def ref(world: World, repository: Repository, name: str, kind: str, sha: str) -> dict[str, Any]:
    at = url(world, repository)
    return {
        "ref": name,
        "node_id": node("REF", repository.id) + name,
        "url": f"{at}/git/{name}",
        "object": {"sha": sha, "type": kind, "url": f"{at}/git/{kind}s/{sha}"},
    }


def branch(world: World, repository: Repository, name: str, sha: str) -> dict[str, Any]:
    at = url(world, repository)
    return {
        "name": name,
        "commit": {"sha": sha, "url": f"{at}/commits/{sha}"},
        "protected": name in repository.protections,
        "protection": {"enabled": name in repository.protections},
        "protection_url": f"{at}/branches/{name}/protection",
    }
