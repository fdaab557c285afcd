"""Defects in what a change touches, how large it is, and who made it."""

from dataclasses import replace
from typing import Final

from tests.governance.corpus.planted import (
    BOT,
    PERSON,
    TRAILERS,
    Change,
    Content,
    Files,
    Link,
    Make,
    Pair,
    Tree,
    added,
    appended,
    ours,
    pair,
)

NOTE: Final = "def planted():\n    return None\n"
OWNERS: Final = {".github/CODEOWNERS": "* @ann\n"}
WORKFLOW: Final = ".github/workflows/checks.yaml"
CHECKS: Final = "on:\n  {}:\npermissions:\n  contents: {}\njobs:\n  test:\n    {}runs-on: ubuntu-24.04\n    steps:\n      - run: {}\n"
AS_IT_IS: Final = {WORKFLOW: CHECKS.format("push", "read", "", "make")}
_RIGHTS: Final = "permissions: {}\n    "


def workflow(event: str = "push", contents: str = "read", job: str = "", run: str = "make") -> Make:
    return added({WORKFLOW: CHECKS.format(event, contents, job, run)})


_TIDIED: Final = workflow(run="make test")
_NAMED: Final = CHECKS.format("push", "read", "", "make")
WORKFLOWS: Final = (
    pair("workflows", "more rights for every job", workflow(contents="write"), _TIDIED, AS_IT_IS),
    pair("workflows", "more rights for one job",
         workflow(job=_RIGHTS.format("{packages: write}")), workflow(job=_RIGHTS.format("{contents: read}")), AS_IT_IS),
    pair("workflows", "pull requests of strangers with the secrets",
         workflow("pull_request_target"), workflow("pull_request"), AS_IT_IS),
    pair("workflows", "rights no longer named",
         added({WORKFLOW: _NAMED.replace("permissions:\n  contents: read\n", "")}),
         added({WORKFLOW: _NAMED.replace("contents: read", "contents: none")}), AS_IT_IS),
    pair("workflows", "a new one that comments start",
         added({".github/workflows/new.yaml": CHECKS.format("issue_comment", "read", "", "make")}),
         added({".github/workflows/new.yaml": CHECKS.format("workflow_dispatch", "read", "", "make")})),
)  # fmt: skip

PROTECTED: Final = (
    ours("protected", "the factory names the owners", added(OWNERS), added({"docs/owners.md": "Ann owns it.\n"})),
    Pair("protected", "what a person may, the factory may not", Change(added(OWNERS)).by_the_factory(), Change(added(OWNERS))),
    ours("protected", "its own policy", added({".factory/governance.yaml": "size: {max_files: 100}\n"}),
         added({"docs/governance.yaml": "size: {max_files: 100}\n"})),
    ours("protected", "the policy on security, in other letters",
         added({"Security.md": "Tell nobody.\n"}), added({"docs/insecurity.md": "Tell somebody.\n"})),
    ours("protected", "a lock file without its manifest", added({"Cargo.lock": "version = 4\n"}),
         added({"Cargo.lock": "version = 4\n", "Cargo.toml": '[package]\nname = "planted"\n'})),
)  # fmt: skip


def lines(count: int) -> Make:
    return added({"docs/words.txt": "one more line\n" * count})


def many(count: int) -> Make:
    return added({f"docs/parts/{number}.txt": f"part {number}\n" for number in range(count)})


_BYTES: Final = bytes(range(256)) * 16
SIZE: Final = (
    pair("size", "a new binary file", added({"docs/tool.bin": _BYTES}), added({"docs/tool.txt": "A tool.\n" * 40})),
    pair("size", "more lines than a person reads", lines(5200), lines(900)),
    pair("size", "more files than a person reads", many(201), many(20)),
    pair("size", "a huge file in place of a small one", added({"docs/tool.bin": _BYTES * 1300}),
         added({"docs/tool.bin": _BYTES * 2}), {"docs/tool.bin": _BYTES}),
)  # fmt: skip


def _beside(content: Content) -> Make:
    return lambda tree: {f"{tree.package}/planted.dat": content}


def _moved(tree: Tree) -> Files:
    return {"elsewhere.py": tree.text(tree.module)}


SCOPE: Final = (
    ours("scope", "a file beside the package", added({"setup_hooks.py": NOTE}), appended(NOTE), scope=True),
    ours("scope", "a copy of a module elsewhere", _moved, appended(NOTE), scope=True),
    ours("scope", "a link that leads out", _beside(Link("/etc/passwd")), _beside("no link\n"), scope=True),
)


def _by(name: str, **told: str) -> Pair:
    good = Change(appended(NOTE)).by_the_factory()
    return Pair("provenance", name, replace(good, **told), good)  # type: ignore[arg-type]


PROVENANCE: Final = (
    _by("somebody else's commit", author=PERSON),
    _by("a commit that leads to no run", trailers=""),
    _by("a commit of another ticket", trailers=TRAILERS.replace("T-1", "T-2")),
    _by("an address that only looks like the bot's", author=f"{BOT}.example.invalid"),
)
