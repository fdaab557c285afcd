"""One bare repository on disk, driven by the git program."""

import os
import re
import subprocess
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

HEX = re.compile(r"[0-9a-f]{7,40}")
ENVIRONMENT = {
    "PATH": os.environ.get("PATH", os.defpath),
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_TERMINAL_PROMPT": "0",
    "LC_ALL": "C",
}
NOTHING = "0" * 40


class GitFailed(Exception):
    """Git refused; its words are the message."""


class Person(NamedTuple):
    name: str
    email: str
    date: datetime

    def __str__(self) -> str:
        return f"{self.name} <{self.email}> {int(self.date.timestamp())} +0000"


class Entry(NamedTuple):
    mode: str
    type: str
    sha: str
    path: str
    size: int | None


class Bare:
    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def output(self, *words: str, given: bytes = b"") -> bytes:
        command = ["git", f"--git-dir={self.folder}", *words]
        done = subprocess.run(command, input=given, capture_output=True, env=ENVIRONMENT, check=False)
        if done.returncode:
            raise GitFailed(done.stderr.decode(errors="replace").strip() or done.stdout.decode(errors="replace"))
        return done.stdout

    def run(self, *words: str, given: str = "") -> str:
        return self.output(*words, given=given.encode()).decode(errors="replace").strip()

    def asks(self, *words: str) -> bool:
        try:
            self.output(*words)
        except GitFailed:
            return False
        return True

    def refs(self, prefix: str = "refs/") -> dict[str, tuple[str, str]]:
        """Return ref -> (type, object id) of every ref that starts with the prefix, hidden ones too."""
        lines = self.run("for-each-ref", "--format=%(refname) %(objecttype) %(objectname)").splitlines()
        found = {name: (kind, sha) for name, kind, sha in (line.split(" ") for line in lines)}
        return {name: told for name, told in found.items() if name.startswith(prefix)}

    def ref(self, name: str) -> str | None:
        told = self.refs(name).get(name)
        return told[1] if told else None

    def branch(self, name: str) -> str | None:
        return self.ref(f"refs/heads/{name}")

    def commit(self, text: str) -> str | None:
        """Return the commit that a branch, tag, ref or (short) object id names."""
        for name in (f"refs/heads/{text}", f"refs/tags/{text}", text if text.startswith("refs/") else "", text):
            if name and (name.startswith("refs/") or HEX.fullmatch(name)):
                try:
                    return self.run("rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}")
                except GitFailed:
                    continue
        return None

    def has(self, sha: str, kind: str) -> bool:
        return bool(re.fullmatch(r"[0-9a-f]{40}", sha)) and self.asks("cat-file", "-e", f"{sha}^{{{kind}}}")

    def move(self, ref: str, new: str, old: str | None = None) -> None:
        """Point a ref somewhere; forty zeros delete it."""
        if new == NOTHING:
            self.run("update-ref", "-d", ref)
        else:
            self.run("update-ref", ref, new, *([old] if old else []))

    def contains(self, tip: str, commit: str) -> bool:
        return self.asks("merge-base", "--is-ancestor", commit, tip)

    def merge_base(self, one: str, other: str) -> str | None:
        try:
            return self.run("merge-base", one, other)
        except GitFailed:
            return None

    def commits(self, tip: str, *others: str) -> list[str]:
        """Return what the tip has and the others have not, newest first."""
        return self.run("rev-list", tip, *(f"^{other}" for other in others)).split()

    def write_blob(self, content: bytes) -> str:
        return self.output("hash-object", "-w", "--stdin", given=content).decode().strip()

    def write_commit(self, tree: str, parents: list[str], message: str, author: Person, committer: Person) -> str:
        lines = [f"tree {tree}", *(f"parent {parent}" for parent in parents)]
        text = "\n".join([*lines, f"author {author}", f"committer {committer}", "", message])
        return self.run("hash-object", "-t", "commit", "-w", "--stdin", given=text)

    def entries(self, tree: str, *, recursive: bool = False) -> list[Entry]:
        flags = ["-r", "-t"] if recursive else []
        lines = self.output("ls-tree", "-z", "-l", *flags, tree).decode(errors="replace").split("\0")
        return [_entry(line) for line in lines if line]

    def at(self, commit: str, path: str) -> Entry | None:
        found = self.output("ls-tree", "-z", "-l", commit, "--", path).decode(errors="replace").split("\0")
        return _entry(found[0]) if found[0] else None

    def with_file(self, tree: str, path: str, blob: str | None, mode: str = "100644") -> str:
        """Return a tree that differs in one file; None takes the file away."""
        index = self.folder / f"index-{os.urandom(6).hex()}"
        environment = {**ENVIRONMENT, "GIT_INDEX_FILE": str(index)}
        line = f"{mode if blob else 0} {blob or NOTHING}\t{path}\0"

        def step(*words: str, given: str = "") -> str:
            command = ["git", f"--git-dir={self.folder}", *words]
            done = subprocess.run(command, input=given, capture_output=True, text=True, env=environment, check=False)
            if done.returncode:
                raise GitFailed(done.stderr.strip())
            return done.stdout.strip()

        try:
            step("read-tree", tree)
            step("update-index", "--add", "-z", "--index-info", given=line)
            return step("write-tree")
        finally:
            index.unlink(missing_ok=True)

    def merged_tree(self, ours: str, theirs: str) -> str | None:
        """Return the tree of a merge; None when it has conflicts."""
        try:
            return self.run("merge-tree", "--write-tree", ours, theirs).splitlines()[0]
        except GitFailed:
            return None


def _entry(line: str) -> Entry:
    head, _, path = line.partition("\t")
    mode, kind, sha, size = head.split()
    return Entry(mode, kind, sha, path, None if size == "-" else int(size))


def make_bare(folder: Path, default: str) -> Bare:
    bare = Bare(folder)
    folder.mkdir(parents=True)
    bare.run("init", "--quiet", "--bare", "--template=", f"--initial-branch={default}")
    for name, value in (
        ("http.receivepack", "true"),
        ("uploadpack.allowReachableSHA1InWant", "true"),
        ("receive.hideRefs", "refs/pull"),
        ("gc.auto", "0"),
        ("receive.autogc", "false"),
        ("core.hooksPath", str(Path(__file__).parent / "hooks")),
    ):
        bare.run("config", name, value)
    return bare
