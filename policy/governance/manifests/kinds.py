"""Which files are manifests, and who reads them."""

import re
from collections.abc import Callable, Mapping
from typing import Final, NamedTuple

from domain.changes import Ecosystem
from policy.governance.manifests.npm import read_package_json
from policy.governance.manifests.npm_lock import read_package_lock
from policy.governance.manifests.pyproject import read_pyproject
from policy.governance.manifests.python_locks import read_poetry_lock, read_pylock, read_uv_lock
from policy.governance.manifests.requirements import read_requirements
from policy.governance.manifests.setup_files import read_setup_cfg, read_setup_py
from policy.governance.manifests.shape import Manifest, ManifestUnreadable


class Kind(NamedTuple):
    ecosystem: Ecosystem
    read: Callable[[str], Manifest]
    is_lock: bool = False
    is_requirements: bool = False


def _not_read(_text: str) -> Manifest:
    raise ManifestUnreadable("manifests of this kind are not read")


_PYPI, _NPM = Ecosystem.PYPI, Ecosystem.NPM
REQUIREMENTS: Final = Kind(_PYPI, read_requirements, is_requirements=True)
BY_NAME: Final[Mapping[str, Kind]] = {
    "pyproject.toml": Kind(_PYPI, read_pyproject),
    "setup.cfg": Kind(_PYPI, read_setup_cfg),
    "setup.py": Kind(_PYPI, read_setup_py),
    "uv.lock": Kind(_PYPI, read_uv_lock, is_lock=True),
    "poetry.lock": Kind(_PYPI, read_poetry_lock, is_lock=True),
    "pylock.toml": Kind(_PYPI, read_pylock, is_lock=True),
    "package.json": Kind(_NPM, read_package_json),
    "package-lock.json": Kind(_NPM, read_package_lock, is_lock=True),
    "npm-shrinkwrap.json": Kind(_NPM, read_package_lock, is_lock=True),
    **dict.fromkeys(("Pipfile", "Pipfile.lock", "pdm.lock", "environment.yml", "environment.yaml", "conda-lock.yml"),
                    Kind(_PYPI, _not_read)),
    **dict.fromkeys(("yarn.lock", "pnpm-lock.yaml", "pnpm-workspace.yaml", "bun.lock", "bun.lockb"),
                    Kind(_NPM, _not_read)),
}  # fmt: skip
_REQUIREMENTS: Final = re.compile(
    r"(?:.*[/._-])?(?:requirements?|constraints?|reqs?)(?:[._-][^/]*)?\.(?:txt|in|lock|pip)"
    r"|(?:.*/)?(?:requirements?|constraints?|reqs?)/[^/]+\.(?:txt|in|lock|pip)",
    re.IGNORECASE,
)
_REQUIREMENT_SUFFIXES: Final = (".txt", ".in", ".lock", ".pip")  # looked at first: most paths have none of them
_PYLOCK: Final = re.compile(r"pylock\.[^./]+\.toml")


def kind_of(path: str) -> Kind | None:
    """Return how a file of the repository is read; None when it is no manifest."""
    name = path.rpartition("/")[2]
    if found := BY_NAME.get(name):
        return found
    if _PYLOCK.fullmatch(name):
        return BY_NAME["pylock.toml"]
    asks = name.lower().endswith(_REQUIREMENT_SUFFIXES) and _REQUIREMENTS.fullmatch(path)
    return REQUIREMENTS if asks else None


def is_manifest(path: str) -> bool:
    """Tell whether a file can ask for packages. Installed copies under `node_modules` are nobody's manifest."""
    return kind_of(path) is not None and "node_modules" not in path.split("/")[:-1]
