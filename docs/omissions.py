"""What a change left out of the documents: a module that does not say what it is, a visible change no changelog tells.

Usage: python docs/omissions.py [--base REVISION]   (the base branch's merge base when it is known; else modules only)
"""

import argparse
import ast
import subprocess
import sys
from collections.abc import Iterable, Iterator
from fnmatch import fnmatchcase
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PRODUCT = ("adapters", "control_plane", "domain", "factory_pipelines", "policy", "resources", "sensors")
EXEMPT = ("*/migrations/versions/*", "*/__init__.py")
#: what people see of the product
VISIBLE = (
    "control_plane/cli/*.py", "control_plane/webhooks/route.py", "deploy/*", "policy/profiles/*", "policy/rules/*",
    "resources/settings.py", "domain/tickets.py",
)  # fmt: skip
BASES = ("origin/main", "main")


def undocumented(root: Path) -> Iterator[str]:
    """Yield product modules that do not begin by saying what they are."""
    for folder in PRODUCT:
        for path in sorted((root / folder).rglob("*.py")):
            name = path.relative_to(root).as_posix()
            if any(fnmatchcase(name, pattern) for pattern in EXEMPT):
                continue
            if not ast.get_docstring(ast.parse(path.read_text())):
                yield name


def unannounced(changed: Iterable[str]) -> list[str]:
    """Return the visible files of a change that has no line in the changelog."""
    names = list(changed)
    seen = [name for name in names if any(fnmatchcase(name, pattern) for pattern in VISIBLE)]
    return [] if "CHANGELOG.md" in names else seen


def changed_since(root: Path, base: str | None) -> list[str]:
    """Return what differs from the merge base with a revision; nothing where there is none to compare with."""
    for one in (base,) if base else BASES:
        found = _git(root, "merge-base", "HEAD", one)
        if found is not None:
            return (_git(root, "diff", "--name-only", found.strip()) or "").splitlines()
    if base:
        raise SystemExit(f"no revision {base} to compare with")
    return []


def _git(root: Path, *words: str) -> str | None:
    done = subprocess.run(["git", *words], cwd=root, capture_output=True, text=True, check=False)
    return done.stdout if done.returncode == 0 else None


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--base", help="a revision; none: the base branch, where it is known")
    parser.add_argument("--root", type=Path, default=ROOT, help="of the repository that is looked at")
    told = parser.parse_args()
    wrong = [f"{name}: begin the module by saying what it is" for name in undocumented(told.root)]
    wrong += [f"{name}: CHANGELOG.md says nothing of it" for name in unannounced(changed_since(told.root, told.base))]
    if wrong:
        sys.exit("\n".join(wrong))


if __name__ == "__main__":
    main()
