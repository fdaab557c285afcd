"""What a repository needs to be set up and verified, read from its own files; each choice says why."""

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from policy.images import TELLING


@dataclass(frozen=True)
class Tree:
    """The files of one commit: their names, and a reader that gives None for what is not there."""

    names: frozenset[str]
    read: Callable[[str], str | None]

    def text(self, name: str) -> str:
        return (self.read(name) or "") if name in self.names else ""

    def first(self, names: Sequence[str]) -> str | None:
        return next((name for name in names if name in self.names), None)


@dataclass(frozen=True)
class Detection:
    kind: str = "unknown"
    setup: tuple[str, ...] = ()
    setup_files: tuple[str, ...] = ()
    verify: tuple[str, ...] = ()
    reasons: tuple[str, ...] = field(default=("nothing here says how it is tested: give --verify",))


def detect_node(tree: Tree) -> Detection | None:
    """A package.json whose test script is not npm's placeholder."""
    try:
        package = json.loads(tree.text("package.json") or "{}")
        test = str(package.get("scripts", {}).get("test", ""))
    except (ValueError, AttributeError):
        return None
    if not test or "no test specified" in test:
        return None
    locked = "package-lock.json" in tree.names
    files = ("package.json", "package-lock.json") if locked else ("package.json",)
    install = "ci" if locked else "install"
    return Detection(
        kind="node",
        setup=(
            f'cp {" ".join(files)} "$FACTORY_ENVIRONMENT/"',
            f'npm {install} --no-audit --no-fund --prefix "$FACTORY_ENVIRONMENT"',
        ),
        setup_files=files,
        verify=('ln -sfn "$FACTORY_ENVIRONMENT/node_modules" node_modules && npm test',),
        reasons=(f"package.json has a test script: npm {install}, npm test",),
    )


def detect_make(tree: Tree) -> Detection | None:
    """A Makefile with a test target: the last resort."""
    name = tree.first(TELLING["make"])
    if name is None or not re.search(r"^test\s*:(?!=)", tree.text(name), re.MULTILINE):
        return None
    return Detection(kind="make", verify=("make test",), reasons=(f"{name} has a target `test`",))
