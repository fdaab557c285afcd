"""All pairs, each with the project it is made in."""

from typing import Final, NamedTuple

from tests.governance.corpus.checks import TESTS
from tests.governance.corpus.code import LINT, SAST, SECRETS
from tests.governance.corpus.grounds import GROUNDS, Ground
from tests.governance.corpus.planted import Change, Pair
from tests.governance.corpus.shape import PROTECTED, PROVENANCE, SCOPE, SIZE, WORKFLOWS
from tests.governance.corpus.supplies import DEPENDENCIES, LICENSES, SBOM, VULNERABILITIES

PAIRS: Final = (
    *LINT, *TESTS, *SAST, *VULNERABILITIES, *DEPENDENCIES, *LICENSES, *SECRETS, *SCOPE, *PROTECTED, *WORKFLOWS, *SIZE,
    *PROVENANCE, *SBOM,
)  # fmt: skip


class Case(NamedTuple):
    pair: Pair
    ground: Ground
    is_defect: bool

    @property
    def change(self) -> Change:
        return self.pair.bad if self.is_defect else self.pair.good

    def __str__(self) -> str:
        kind = "defect" if self.is_defect else "twin"
        return f"{self.pair.rule}: {self.pair.name} ({self.ground.name}, {kind})"


CASES: Final = [
    Case(pair, GROUNDS[number % len(GROUNDS)], is_defect)
    for number, pair in enumerate(PAIRS)
    for is_defect in (True, False)
]
