"""Who types."""

import getpass


def current_person() -> str:
    """Return the name of whoever types; the factory's own name is never a person's."""
    try:
        name = getpass.getuser()
    except (KeyError, OSError):
        return "operator"
    return "operator" if name == "factory" else name
