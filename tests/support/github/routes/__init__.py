"""Importing this package fills the routing table."""

from tests.support.github.routes import (
    apps,
    checks,
    contents,
    hooks,
    issues,
    labels,
    merges,
    pulls,
    refs,
    remarks,
    repos,
    reviews,
    users,
)

__all__ = [
    "apps", "checks", "contents", "hooks", "issues", "labels", "merges", "pulls", "refs", "remarks", "repos", "reviews",
    "users",
]  # fmt: skip
