"""What a ticket lacks before it may be worked on."""

from domain.repositories import RepositorySettings
from domain.tickets import Manifest

OPTIONAL = ("owner", "milestone", "acceptance", "idempotency-key")


def missing_for(manifest: Manifest, settings: RepositorySettings) -> tuple[str, ...]:
    """Return the ticket keys its harness needs and its repository demands that are empty."""
    missing = [key for key in settings.require if not getattr(manifest, key.replace("-", "_"), None)]
    if manifest.engine == "command" and not manifest.commands:
        missing.append("commands")
    return tuple(dict.fromkeys(missing))
