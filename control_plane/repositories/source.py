"""git, asked for what a commit holds (in the forge's own bare repository) and whether a source is dirty."""

import os
import subprocess
from pathlib import Path

from control_plane.repositories.detection import Tree
from domain.errors import FactoryError
from domain.repositories import Repository
from resources.wiring import Factory

READ_LIMIT = 1_000_000


def tree_at(factory: Factory, repository: Repository, commit: str) -> Tree:
    """Return the files of a commit of an enrolled repository."""
    listing = _git("--git-dir", repository.remote, "ls-tree", "-r", "-z", "--name-only", commit)
    forge = factory.forges[repository.forge]

    def read(path: str) -> str | None:
        try:
            return forge.read_file(repository, commit, path, limit=READ_LIMIT)
        except FactoryError:
            return None  # too large or not text: it decides nothing

    return Tree(names=frozenset(filter(None, listing.split("\0"))), read=read)


def is_dirty(source: str) -> bool:
    """Tell whether a path has changes that no commit holds; False for a URL."""
    return Path(source).is_dir() and bool(_git("-C", source, "status", "--porcelain"))


def whole_source(source: str) -> str:
    """Return a path as an absolute one and a URL as it is."""
    path = Path(source).expanduser()
    return str(path.resolve()) if "://" not in source and path.exists() else source


def _git(*words: str) -> str:
    quiet = {
        "PATH": os.environ.get("PATH", os.defpath),
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_OPTIONAL_LOCKS": "0",
        "LC_ALL": "C",
    }
    options = ("-c", "safe.directory=*", "-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null")
    done = subprocess.run(
        ["git", *options, *words], capture_output=True, check=False, env=quiet, timeout=60, stdin=subprocess.DEVNULL
    )
    return done.stdout.decode("utf-8", "replace") if done.returncode == 0 else ""
