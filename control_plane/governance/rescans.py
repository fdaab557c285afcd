"""`factory governance rescan`: merged changes judged again, and what escaped before they were merged."""

from collections.abc import Callable
from typing import Any

from domain.errors import NotFound
from domain.forge import PullRequest
from domain.governed import GovernanceReport
from policy.governance.escapes import Escapes
from resources.brokers import brokers
from resources.governance.rescanning import rescan, unscanned
from resources.merged import merged_pulls
from resources.unowned import making
from resources.wiring import Factory


def rescan_merged(factory: Factory, what: str | None, tell: Callable[[str], None]) -> list[GovernanceReport]:
    """Judge one merged pull request (NAME#NUMBER), or every one that was not judged since it was merged.

    Raises:
        NotFound: it is not known as merged.
    """
    pulls = unscanned(factory) if what is None else [_named(factory, what)]
    with brokers(factory), making(factory.settings):
        return [_told(factory, pull, tell) for pull in pulls]


def document(reports: list[GovernanceReport], counted: Escapes) -> dict[str, Any]:
    judged = [
        {"repository": one.repository, "number": one.number, "head_sha": one.head_sha, "verdict": one.verdict.value}
        for one in reports
    ]
    return {"judged": judged, **counted.model_dump()}


def _named(factory: Factory, what: str) -> PullRequest:
    for pull in merged_pulls(factory.lookup):
        if what == f"{pull.repository}#{pull.number}":
            return pull
    raise NotFound(f"{what[:200]!r} is no merged pull request of the factory")


def _told(factory: Factory, pull: PullRequest, tell: Callable[[str], None]) -> GovernanceReport:
    tell(f"{pull.repository}#{pull.number} …")
    return rescan(factory, pull, tell)
