"""The factory's merged pull requests, by the ledger alone."""

from typing import Final

from adapters.ledger.contract import Lookup
from domain.forge import PullRequest
from domain.lifecycle import Stage
from policy.governance.escapes import Pull

MOST: Final = 10_000


def merged_pulls(lookup: Lookup) -> list[PullRequest]:
    """Return the merged pull requests of the factory whose merge commit is known."""
    shipped = lookup.tickets(stage=Stage.SHIPPED, limit=MOST)
    found = (lookup.pull_request(ticket.id) for ticket in shipped)
    return [one for one in found if one is not None and one.merge_sha is not None]


def merge_commits(lookup: Lookup) -> dict[Pull, str]:
    return {(one.repository, one.number): one.merge_sha for one in merged_pulls(lookup) if one.merge_sha}
