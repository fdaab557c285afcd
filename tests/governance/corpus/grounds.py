"""Real projects that changes are made to: released sources of PyPI, fetched by their digest, as git repositories."""

import fcntl
import subprocess
import sys
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final

from domain.repositories import RepositorySettings
from tests.e2e.released import Sdist
from tests.governance.corpus.planted import Tree
from tests.support.repositories import commit, git

_VENV: Final = 'uv venv -q --allow-existing "$FACTORY_ENVIRONMENT"'
_INSTALL: Final = 'uv pip install -q --system-certs --python "$FACTORY_ENVIRONMENT/bin/python" '
VERIFY: Final = "PYTHONPATH=src python -m pytest -q -p no:cacheprovider"


@dataclass(frozen=True)
class Release:
    """An sdist of a project."""

    name: str
    sdist: Sdist

    def fetch(self, cache: Path) -> Path:
        """Return the unpacked source, fetched once by pip from where it is set to; a wrong digest fails."""
        cache.mkdir(parents=True, exist_ok=True)
        folder = cache / f"{self.name}-{self.sdist.version}"
        with (cache / f"{self.name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)  # other test processes fetch too
            if not folder.is_dir():
                self._download(cache)
                half = cache / f"{folder.name}.half"
                half.mkdir(exist_ok=True)
                packed = cache / f"{folder.name}.tar.gz"
                subprocess.run(["tar", "-xzf", packed, "-C", half, "--no-same-owner"], check=True)
                (half / folder.name).rename(folder)
                half.rmdir()
        return folder

    def make_repository(self, cache: Path, folder: Path) -> Path:
        """Return a repository whose one commit, tagged `release`, is the source."""
        source = self.fetch(cache)
        files = {
            str(path.relative_to(source)): path.read_bytes() for path in sorted(source.rglob("*")) if path.is_file()
        }
        folder.mkdir(parents=True)
        git(folder, "init", "-q", "-b", "main")
        commit(folder, dict(files), f"{self.name} {self.sdist.version}")
        git(folder, "tag", "release")
        return folder

    def _download(self, cache: Path) -> None:
        pin = cache / f"{self.name}.pin"
        pin.write_text(f"{self.name}=={self.sdist.version} --hash=sha256:{self.sdist.sha256}\n")
        how = ["--no-deps", "--ignore-requires-python", "--require-hashes", "--no-binary", self.name]
        argv = [sys.executable, "-m", "pip", "download", "-q", "--disable-pip-version-check", *how, "-d", str(cache)]
        done = subprocess.run([*argv, "-r", str(pin)], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr[-3000:]


@dataclass(frozen=True)
class Ground:
    """A project, and where it is changed."""

    release: Release
    module: str
    breaks: tuple[str, str]
    tidied: str
    needs: str  #: what its tests need

    @property
    def name(self) -> str:
        return self.release.name

    @property
    def settings(self) -> RepositorySettings:
        return RepositorySettings(setup=(_VENV, _INSTALL + self.needs), verify=(VERIFY,))


@dataclass(frozen=True)
class Field:
    """A ground with its repository."""

    ground: Ground
    source: Path

    @cached_property
    def tree(self) -> Tree:
        names = git(self.source, "ls-tree", "-r", "--name-only", "release").splitlines()
        module = self.ground.module
        return Tree(
            files={name: (self.source / name).read_bytes() for name in names},
            module=module,
            package=module.rpartition("/")[0],
            breaks=self.ground.breaks,
            tidied=self.ground.tidied,
        )


GROUNDS: Final = (
    Ground(
        Release("itsdangerous", Sdist("2.2.0", "e0050c0b7da1eea53ffaf149c0cfbb5c6e2e2b69c4bef22c81fa6eb73e5f6173")),
        module="src/itsdangerous/encoding.py",
        breaks=('return _int_to_bytes(num).lstrip(b"\\x00")', 'return _int_to_bytes(num).lstrip(b"\\x01")'),
        tidied='packed = _int_to_bytes(num)\n    return packed.lstrip(b"\\x00")',
        needs="pytest==8.4.2 freezegun==1.5.5",
    ),
    Ground(
        Release("tomlkit", Sdist("0.15.2", "83e32755ba1d20d9340bd069ee97e9f6232ba2346b63ffcba425de01f7e327a6")),
        module="tomlkit/_utils.py",
        breaks=('if sign == "-":', 'if sign == "+":'),
        tidied='is_west = sign == "-"\n                if is_west:',
        needs="pytest==8.4.2 pyyaml==6.0.3",
    ),
    Ground(
        Release("click", Sdist("8.5.1", "9bbfada76703fd1d784b83eea012e3e8c6a001a876543ef104fa56aaaeb072b4")),
        module="src/click/utils.py",
        breaks=('return "-".join(name.split()).lower()', 'return "_".join(name.split()).lower()'),
        tidied='words = name.split()\n    return "-".join(words).lower()',
        needs="pytest==8.4.2 click==8.5.1",  # its tests read the metadata; what they import is the source
    ),
)
