"""The quarantine: a fresh bare repository beside the mirror's objects, gone when the answer is given."""

import errno
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from adapters._vendor.git import Git, GitError
from adapters.quarantine import parcel
from adapters.quarantine.bundle import open_bundle
from adapters.quarantine.contract import Admitted, Ground, Unpacked
from adapters.quarantine.judging import Judge
from domain.errors import (
    PatchDoesNotApply,
    PatchTooLarge,
    PatchUnreadable,
    ResultRefused,
    SandboxFailed,
    StorageFull,
)
from policy.results import ResultPolicy, shown

TIME_LIMIT: Final = 120.0  #: seconds one git command may take
STALE_SECONDS: Final = 3600.0  #: what a killed process left is removed by a later one
_FULL: Final = {errno.ENOSPC, errno.EDQUOT}


@contextmanager
def quarantine_failures() -> Iterator[None]:
    """Everything that goes wrong below leaves as a FactoryError."""
    try:
        yield
    except GitError as error:
        if "No space left on device" in error.words or "Disk quota exceeded" in error.words:
            raise StorageFull(shown(str(error))) from error
        if not error.refused:
            raise PatchTooLarge(f"the result cannot be read within bounds: {shown(str(error))}") from error
        raise PatchUnreadable(f"the result cannot be read: {shown(error.words[-500:])}") from error
    except OSError as error:
        kind = StorageFull if error.errno in _FULL else SandboxFailed
        raise kind(f"the quarantine's files: {error}") from error


class LocalQuarantine:
    """Works in folders of its own below `root`. See `contract.Quarantine`."""

    def __init__(self, root: Path, policy: ResultPolicy) -> None:
        self._root = root.absolute()
        self._policy = policy

    def admit(self, ground: Ground, bundle: bytes, *, patch_limit: int) -> Admitted:
        opened = open_bundle(bundle, ground.commit, self._policy)
        with quarantine_failures(), self._judge(ground) as judge:
            unchecked = _index_strictly(judge.git, bytes(opened.pack))
            _refuse_ancestry(judge.git, opened.tip, ground.commit)
            change = judge.describe(opened.tip, patch_limit, unchecked)
            if _apply(judge.git, ground.commit, change.patch) != change.tree_sha:
                raise ResultRefused("the result's patch does not give its tree back: it has modes git does not write")
            return change

    def replay(self, ground: Ground, patch: bytes, *, patch_limit: int) -> Admitted:
        with quarantine_failures(), self._judge(ground) as judge:
            return judge.describe(_apply(judge.git, ground.commit, patch), patch_limit)

    def unpack(self, parcel_bytes: bytes) -> Unpacked:
        return parcel.unpack(parcel_bytes, self._policy)

    @contextmanager
    def _judge(self, ground: Ground) -> Iterator[Judge]:
        """Give a bare repository that sees the mirror's objects and writes none there."""
        self._root.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._sweep()
        with tempfile.TemporaryDirectory(prefix="result-", dir=self._root) as folder:
            git = Git(self._root / ".git-home", Path(folder) / "quarantine.git", timeout=TIME_LIMIT)
            git.run("init", "--quiet", "--bare", "--template=", "--initial-branch=quarantine")
            information = Path(folder) / "quarantine.git" / "objects" / "info"
            information.mkdir(exist_ok=True)
            (information / "alternates").write_text(f"{Path(ground.mirror).absolute() / 'objects'}\n")
            if git.commit(ground.commit) is None:
                raise PatchUnreadable(f"the mirror has no commit {ground.commit}")
            yield Judge(git, ground.commit, self._policy.within(ground.repository))

    def _sweep(self) -> None:
        for left in self._root.glob("result-*"):
            with suppress(FileNotFoundError):
                if time.time() - left.stat().st_mtime > STALE_SECONDS:
                    shutil.rmtree(left, ignore_errors=True)


def _refuse_ancestry(git: Git, tip: str, base: str) -> None:
    if git.text("cat-file", "-t", tip) != "commit":
        raise ResultRefused("the bundle's tip is no commit")
    parents = git.text("rev-list", "--parents", "--max-count=1", tip).split()[1:]
    if parents != [base]:
        raise ResultRefused("the result is not one commit on the base", parents=parents[:5], base=base)


def _index_strictly(git: Git, pack: bytes) -> frozenset[str]:
    """Take a pack in as `git fsck --strict` would have it: this is that check, on the new objects and nothing else.

    Returns:
        `.gitmodules` blobs that trees of the pack name and the pack does not hold, so that they were not checked.
    """
    try:
        told = git.text("index-pack", "--stdin", "--fix-thin", "--strict", stdin=pack)
    except GitError as error:
        if "fsck error" in error.words:
            raise ResultRefused(f"git fsck --strict: {shown(error.words[-1000:])}") from error
        raise
    return frozenset(line for line in told.splitlines() if not line.startswith("pack\t"))


def _apply(git: Git, base: str, patch: bytes) -> str:
    assert git.repository is not None  # noqa: S101 - narrows for the type checker
    index = {"GIT_INDEX_FILE": str(git.repository / "scratch.index")}
    git.run("read-tree", base, environment=index)
    if patch:
        try:
            git.run("apply", "--cached", "--binary", "--whitespace=nowarn", "-", stdin=patch, environment=index)
        except GitError as error:
            if not error.refused or "No space left" in error.words:
                raise
            raise PatchDoesNotApply(f"on {base[:12]}: {shown(error.words[-500:])}") from error
    return git.text("write-tree", environment=index)
