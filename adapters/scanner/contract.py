"""A program or library that looks at a change and says what it saw."""

from typing import Protocol

from domain.governance import SecretFinding


class SecretScanner(Protocol):
    def scan(self, patch: bytes) -> tuple[SecretFinding, ...] | None:
        """Return possible secrets in the added lines of a patch; None when the scan could not be made."""
