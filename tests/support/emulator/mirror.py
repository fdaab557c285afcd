"""Tells the emulator, over its REST API, what a bare repository was pushed: it has no git of its own.

As a post-receive hook: `python -m tests.support.emulator.mirror URL OWNER/NAME TOKEN`, in the repository.
The emulator names objects as git does; one that it names otherwise is an error.
"""

import subprocess
import sys
from base64 import b64encode
from pathlib import Path
from typing import Any

import requests

NOTHING = "0" * 40


class Mirror:
    def __init__(self, url: str, full_name: str, token: str) -> None:
        self._place = f"{url}/repos/{full_name}/git"
        self._session = requests.Session()
        self._session.headers["Authorization"] = f"Bearer {token}"
        self._told = Path("told-to-the-emulator")

    def moved(self, name: str, old: str, new: str) -> None:
        if new == NOTHING:
            self._ask("DELETE", f"/{name}")
            return
        for sha in _git("rev-list", "--reverse", new).split():
            self._commit(sha)
        if old == NOTHING:
            self._ask("POST", "/refs", {"ref": name, "sha": new})
        else:
            self._ask("PATCH", f"/{name}", {"sha": new, "force": True})

    def _commit(self, sha: str) -> None:
        if sha in self._known():
            return
        entries = [self._entry(line) for line in _git("ls-tree", "-r", "-z", sha).split("\0") if line]
        tree = self._ask("POST", "/trees", {"tree": entries})["sha"]
        shown = _git("show", "-s", "--format=%P%x00%an%x00%ae%x00%aI%x00%cn%x00%ce%x00%cI%x00%B", sha).split("\0", 7)
        parents, *people, message = shown
        author, committer = (dict(zip(("name", "email", "date"), people[at : at + 3], strict=True)) for at in (0, 3))
        told = {"tree": tree, "parents": parents.split(), "author": author, "committer": committer}
        self._same(sha, self._ask("POST", "/commits", {**told, "message": message.rstrip("\n")})["sha"])

    def _entry(self, line: str) -> dict[str, Any]:
        (mode, kind, sha), path = line.partition("\t")[0].split(), line.partition("\t")[2]
        if kind == "blob" and sha not in self._known():
            content = subprocess.run(["git", "cat-file", "blob", sha], check=True, capture_output=True).stdout
            told = self._ask("POST", "/blobs", {"content": b64encode(content).decode(), "encoding": "base64"})
            self._same(sha, told["sha"])
        return {"path": path, "mode": mode, "type": kind, "sha": sha}

    def _known(self) -> set[str]:
        return set(self._told.read_text().split()) if self._told.exists() else set()

    def _same(self, ours: str, theirs: str) -> None:
        if ours != theirs:
            raise SystemExit(f"the emulator names {ours} {theirs}")
        with self._told.open("a") as told:
            told.write(f"{ours}\n")

    def _ask(self, verb: str, place: str, body: object = None) -> Any:
        answer = self._session.request(verb, self._place + place, json=body, timeout=60)
        if not answer.ok:
            raise SystemExit(f"the emulator answers {verb} {place} with {answer.status_code}: {answer.text[:300]}")
        return answer.json() if answer.content else None


def _git(*words: str) -> str:
    return subprocess.run(["git", *words], check=True, capture_output=True).stdout.decode()


if __name__ == "__main__":
    mirror = Mirror(*sys.argv[1:])
    for moved in sys.stdin.read().splitlines():
        before, after, reference = moved.split(" ")
        if reference.startswith("refs/heads/"):  # nothing else is asked of it
            mirror.moved(reference, before, after)
