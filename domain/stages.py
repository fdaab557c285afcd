"""What the ledger shows of recent work, on which the next tier of autonomy rests."""

from domain.governance import Verdict
from domain.model import Instant, Sha1, Value


class Judged(Value):
    """One judgement of one change."""

    base_sha: Sha1
    tree_sha: Sha1
    verdict: Verdict
    rules: dict[str, Verdict]


class StageReport(Value):
    """Measured: duplicates, reruns that came to the same, and whether the share of verified runs holds."""

    repository: str | None  #: None: of the whole factory
    since: Instant
    runs: int  #: that ended, of those that could succeed
    duplicates: tuple[str, ...]  #: tickets that ask again for what an earlier one asks for
    reruns: int  #: changes that were judged more than once
    equal_reruns: int  #: of these, to the same verdict of every rule
    pass_rate_before: float | None  #: share of verified runs in the window's first half; None: too few runs
    pass_rate_now: float | None  #: and in its second
    steady: bool | None  #: None: not known
    lacking: tuple[str, ...]  #: why it is no evidence yet; empty: it is
    breaches: tuple[str, ...]  #: why a repository goes a tier back

    @property
    def is_green(self) -> bool:
        return not self.lacking
