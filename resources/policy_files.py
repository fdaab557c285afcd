"""Policy files → the validated Policy; a wrong file stops the process with the field named."""

from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

import policy
from domain.errors import PolicyInvalid
from policy.rules_model import Policy

SHIPPED = Path(policy.__file__).parent / "rules"
FILES = ("approvals", "egress", "gates", "results", "retry")


def load_policy(folder: Path | None = None) -> Policy:
    """Read every policy file; one found in `folder` replaces the shipped one whole.

    Raises:
        PolicyInvalid: a file cannot be read or a field is wrong; all of them are named.
    """
    content = {name: _read(name, folder) for name in FILES}
    try:
        return Policy.model_validate(content)
    except ValidationError as error:
        lines = [f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors()]
        raise PolicyInvalid("; ".join(lines), errors=lines) from error


def _read(name: str, folder: Path | None) -> Any:
    own = folder / f"{name}.yaml" if folder else None
    path = own if own and own.is_file() else SHIPPED / f"{name}.yaml"
    try:
        return yaml.safe_load(path.read_text())
    except (OSError, yaml.YAMLError, UnicodeDecodeError) as error:
        raise PolicyInvalid(f"{path}: {error}") from error
