"""Package registries: what they say of one package at one version, and nothing they do not say."""

from typing import Protocol

from domain.changes import Ecosystem, Package


class Registry(Protocol):
    """Guarantees, proved by tests/adapters/registry/conformance.py.

    ABSENT is said only where the registry answers for a package everybody knows; what cannot be asked, is refused,
    cut short or not understood is OFFLINE. A look-up never raises, and logs neither names nor credentials.
    """

    ecosystem: Ecosystem

    def look_up(self, name: str, version: str | None = None, specifier: str = "") -> Package:
        """Return what the registry says; advisories and lookalikes are not its business.

        Args:
            name: As the registry normalises it.
            version: One exact version; None: the newest that `specifier` allows, which the answer then names. When
                the registry has none such, its `version` is None and `version_known` is ABSENT.
            specifier: As the manifest writes it; used without a version only.
        """
