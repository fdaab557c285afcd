"""Policy files → the validated Policy; a wrong file stops the process with the field named."""

from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

import policy
from domain.errors import PolicyInvalid
from policy.images import ImagePolicy, catalogue
from policy.rules_model import Policy

SHIPPED = Path(policy.__file__).parent / "rules"
SHIPPED_PROFILES = Path(policy.__file__).parent / "profiles"
FILES = (
    "actions", "approvals", "breakers", "egress", "gates", "governance", "images", "limits", "prices", "pull_requests",
    "results", "retry", "routing", "stages", "tracking",
)  # fmt: skip
MAX_BYTES = 1_000_000  #: of one file
MAX_PROFILES = 500


def load_policy(folder: Path | None = None) -> Policy:
    """Read every policy file; one found in `folder` replaces the shipped one whole. Profiles lie in `profiles/`, where
    `folder` may add others.

    Raises:
        PolicyInvalid: a file cannot be read or a field is wrong; all of them are named.
    """
    content = {name: _read_rules(name, folder) for name in FILES}
    try:
        return Policy.model_validate({**content, "profiles": _read_profiles(folder)})
    except ValidationError as error:
        raise _invalid(error) from error


def load_images(folder: Path | None = None) -> frozenset[str]:
    """Return every image that the catalogue in force names.

    Raises:
        PolicyInvalid: as load_policy, of that one file.
    """
    try:
        return frozenset(catalogue(ImagePolicy.model_validate(_read_rules("images", folder))).values())
    except ValidationError as error:
        raise _invalid(error, "images") from error


def rules_file(name: str, folder: Path | None) -> Path:
    """Return the file in force: the one in `folder`, else the shipped one."""
    own = folder / f"{name}.yaml" if folder else None
    return own if own and own.is_file() else SHIPPED / f"{name}.yaml"


def _invalid(error: ValidationError, *above: str) -> PolicyInvalid:
    lines = [f"{'.'.join(map(str, (*above, *one['loc'])))}: {one['msg']}" for one in error.errors()]
    return PolicyInvalid("; ".join(lines), errors=lines)


def _read_rules(name: str, folder: Path | None) -> Any:
    return _read(rules_file(name, folder))


def _read_profiles(folder: Path | None) -> dict[str, Any]:
    paths = {path.stem: path for path in sorted(SHIPPED_PROFILES.glob("*.yaml"))}
    if folder is not None:
        paths |= {path.stem: path for path in sorted((folder / "profiles").glob("*.yaml"))}
    if len(paths) > MAX_PROFILES:
        raise PolicyInvalid(f"{len(paths)} profiles, more than {MAX_PROFILES}")
    return {name: _named(_read(path), name, path) for name, path in paths.items()}


def _named(content: Any, name: str, path: Path) -> Any:
    """A profile has its file's name, so that what a ticket says leads to one file."""
    told = content.get("name", name) if isinstance(content, dict) else name
    if told != name:
        raise PolicyInvalid(f"{path}: name is {told!r}; it must be the file's own, {name!r}")
    return content


def _read(path: Path) -> Any:
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
        if len(content) > MAX_BYTES:
            raise PolicyInvalid(f"{path}: more than {MAX_BYTES} bytes")
        return yaml.safe_load(content.decode())
    except (OSError, yaml.YAMLError, ValueError, RecursionError) as error:
        raise PolicyInvalid(f"{path}: {type(error).__name__}: {error}"[:2000]) from error
