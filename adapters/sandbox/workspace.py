"""Where a sandbox lies on disk: `root/<id>/{work,home,out,tmp,etc}` and the spec it was made from."""

import errno
import os
import shutil
import stat
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from domain.errors import PatchTooLarge, SandboxFailed, StorageFull
from domain.sandbox import SandboxSpec

FOLDERS = ("work", "home", "out", "tmp", "etc")
GIVEN = FOLDERS[:4]  #: what commands may write to
FULL = (errno.ENOSPC, errno.EDQUOT)
READ_FLAGS = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


@dataclass(frozen=True, slots=True)
class Workspace:
    top: Path

    @property
    def work(self) -> Path:
        return self.top / "work"

    @property
    def home(self) -> Path:
        return self.top / "home"

    @property
    def out(self) -> Path:
        return self.top / "out"

    @property
    def tmp(self) -> Path:
        return self.top / "tmp"

    @property
    def etc(self) -> Path:
        return self.top / "etc"

    def create(self, spec: SandboxSpec, owner: int | None) -> None:
        """Make the folders; with `owner`, those that commands may write to belong to that user id."""
        self.top.mkdir(parents=True, mode=0o700)
        for name in FOLDERS:
            folder = self.top / name
            folder.mkdir()
            folder.chmod(0o755)
            if owner is not None and name in GIVEN:
                os.chown(folder, owner, owner)
        (self.top / "spec.json").write_text(spec.model_dump_json())

    def spec(self) -> SandboxSpec:
        """Raises SandboxFailed when the sandbox is gone."""
        try:
            return SandboxSpec.model_validate_json((self.top / "spec.json").read_text())
        except (OSError, ValueError) as error:
            raise SandboxFailed(f"the sandbox {self.top.name} is gone: {error}") from error

    def lend(self, name: str, source: Path) -> Path:
        """Copy a host file into `out`, before any command has run there."""
        target = self.out / name
        shutil.copyfile(source, target)
        target.chmod(0o644)
        return target

    def collect(self, name: str, limit: int) -> bytes | None:
        if name in {"", ".", ".."} or "/" in name or "\0" in name:
            return None
        try:
            folder = os.open(self.out, READ_FLAGS | os.O_DIRECTORY)
        except OSError:
            return None
        try:
            return _read_regular(folder, name, limit)
        finally:
            os.close(folder)

    def remove(self) -> None:
        """Remove everything, however deep, odd or unwritable; links are removed, never followed."""
        for _ in range(2):
            if not self.top.exists():
                return
            subprocess.run(["rm", "-rf", "--", self.top], capture_output=True, check=False)
            if self.top.exists():
                subprocess.run(["chmod", "-R", "u+rwX", "--", self.top], capture_output=True, check=False)
        if self.top.exists():
            raise SandboxFailed(f"cannot remove {self.top}")


def _read_regular(folder: int, name: str, limit: int) -> bytes | None:
    try:
        descriptor = os.open(name, READ_FLAGS, dir_fd=folder)
    except OSError:
        return None
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        return None
    with os.fdopen(descriptor, "rb") as file:
        content = file.read(limit + 1)
    if len(content) > limit:
        raise PatchTooLarge(f"{name} has more than {limit} bytes", name=name, limit=limit)
    return content


@contextmanager
def told_plainly() -> Iterator[None]:
    """Turn the machine's errors into the taxonomy's."""
    try:
        yield
    except OSError as error:
        failure = StorageFull if error.errno in FULL else SandboxFailed
        raise failure(f"cannot make the sandbox: {error}") from error
