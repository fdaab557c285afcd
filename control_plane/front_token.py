"""The secret that opens the front door: made once a home, readable by its owner only."""

import os
import secrets
from pathlib import Path

NAME = "front_door.token"


def front_token(home: Path) -> str:
    """Return the home's token, making it when there is none."""
    path = home / NAME
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        path.chmod(0o600)
        return path.read_text().strip()
    with os.fdopen(handle, "w") as file:
        token = secrets.token_urlsafe(32)
        file.write(token)
    return token
