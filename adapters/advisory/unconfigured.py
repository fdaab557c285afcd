"""No source of advisories: nothing is known, and it says so."""

from collections.abc import Sequence

from adapters.advisory.contract import Subject, Told


class NoSource:
    def advisories(self, subjects: Sequence[Subject]) -> Told:
        return Told((None,) * len(subjects), "none", reason="no source of advisories is configured")
