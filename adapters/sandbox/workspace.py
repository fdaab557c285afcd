"""Where a sandbox lies on disk: `root/<id>/disk/{work,home,out,tmp}`, its `etc`, and the spec it was made from."""

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

GIVEN = ("work", "home", "out", "tmp")  #: what commands may write to
INSIDE = Path("/sandbox")  #: where an isolated command finds them
MIRROR, ENVIRONMENT = Path("/run/factory/mirror.git"), Path("/run/factory/environment")  #: and what is lent to it
FULL = (errno.ENOSPC, errno.EDQUOT)
READ_FLAGS = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


@dataclass(frozen=True, slots=True)
class Workspace:
    top: Path
    inside: Path | None = None  #: where commands see the disk, when not in its own place

    @property
    def disk(self) -> Path:
        return self.top / "disk"

    @property
    def etc(self) -> Path:
        return self.top / "etc"

    @property
    def out(self) -> Path:
        return self.disk / "out"

    def seen(self, name: str) -> Path:
        """Return where a command finds one of the given folders."""
        return (self.inside or self.disk) / name

    def mirror(self, spec: SandboxSpec) -> Path | None:
        """Return where commands find the repository to clone from."""
        return None if spec.mirror is None else MIRROR if self.inside else Path(spec.mirror)

    def environment(self, spec: SandboxSpec) -> Path | None:
        """Return where commands find the prepared environment."""
        return None if spec.environment is None else ENVIRONMENT if self.inside else Path(spec.environment)

    def begin(self, spec: SandboxSpec) -> None:
        """Make the folder that marks the sandbox as existing, with what it was made from."""
        self.top.mkdir(parents=True, mode=0o700)
        self.etc.mkdir()
        self.etc.chmod(0o755)
        (self.top / "spec.json").write_text(spec.model_dump_json())

    def make_folders(self, owner: int | None) -> None:
        """Make what commands may write to as plain folders, given to `owner` when told."""
        self.disk.mkdir()
        for name in GIVEN:
            folder = self.disk / name
            folder.mkdir()
            folder.chmod(0o755)
            if owner is not None:
                os.chown(folder, owner, owner)

    def spec(self) -> SandboxSpec:
        """Raises SandboxFailed when the sandbox is gone."""
        try:
            return SandboxSpec.model_validate_json((self.top / "spec.json").read_text())
        except (OSError, ValueError) as error:
            raise SandboxFailed(f"the sandbox {self.top.name} is gone: {error}") from error

    def lend(self, name: str, source: Path) -> None:
        target = self.out / name
        shutil.copyfile(source, target)
        target.chmod(0o644)

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


def image_of(environment: str) -> Path:
    """Return the file that keeps a prepared environment of an isolating sandbox."""
    return Path(f"{environment}.img")


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
