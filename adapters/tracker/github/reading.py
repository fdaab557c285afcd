"""GitHub's issues → items, in the order and with the words GitHub has now."""

from collections.abc import Iterable
from itertools import islice
from typing import Final

from github.Issue import Issue
from github.IssueComment import IssueComment

from domain.tracking import FactoryLabel, Item, ItemComment, ItemStatus, ItemType

MOST_COMMENTS: Final = 300  #: of one item, the newest
AT_WORK: Final = frozenset({FactoryLabel.WORKING, FactoryLabel.REVIEW, FactoryLabel.NEEDS_HUMAN})
BY_BOTS: Final = frozenset({"auto-detected", "auto_detected"})  #: labels of what no person reported
GHOST: Final = "ghost"  #: whoever wrote under an account that is gone, as GitHub shows it


def item_of(repository: str, issue: Issue) -> Item:
    """Return an issue as an item."""
    labels = tuple(label.name for label in issue.labels)
    automatic = BY_BOTS & {label.lower() for label in labels} or (issue.user is not None and issue.user.type == "Bot")
    return Item(
        repository=repository,
        number=issue.number,
        type=_type(labels),
        title=issue.title or "",
        text=issue.body or "",
        status=_status(issue, labels),
        labels=labels,
        assignees=tuple(one.login for one in issue.assignees),
        author=author_of(issue),
        source="auto_detected" if automatic else "person",
        votes=_votes(issue),
        comments=tuple(_comments(issue)),
        url=issue.html_url,
        updated_at=issue.updated_at,
    )


def is_pull(issue: Issue) -> bool:
    """Tell a pull request by its address: PyGithub asks once more for the key that plain issues lack."""
    return issue.html_url.rpartition("/")[0].endswith("/pull")


def author_of(one: Issue | IssueComment) -> str:
    return one.user.login if one.user is not None else GHOST


def _comments(issue: Issue) -> Iterable[ItemComment]:
    newest = islice(issue.get_comments().reversed, MOST_COMMENTS) if issue.comments else ()
    for one in reversed(list(newest)):
        edited = one.updated_at > one.created_at
        yield ItemComment(id=one.id, author=author_of(one), text=one.body or "", at=one.created_at, edited=edited)


def _status(issue: Issue, labels: tuple[str, ...]) -> ItemStatus:
    if issue.state == "closed":
        if issue.state_reason in ("not_planned", "duplicate"):
            return ItemStatus.WONT_FIX
        return ItemStatus.DONE if FactoryLabel.DONE in labels else ItemStatus.CLOSED
    return ItemStatus.IN_PROGRESS if AT_WORK & set(labels) else ItemStatus.OPEN


def _type(labels: tuple[str, ...]) -> ItemType:
    told = {label.lower().removeprefix("type:").strip() for label in labels}
    if "bug" in told:
        return ItemType.BUG
    return ItemType.FEATURE if told & {"feature", "enhancement"} else ItemType.TASK


def _votes(issue: Issue) -> int:
    reactions = issue.reactions
    return int(reactions.get("+1") or 0) if isinstance(reactions, dict) else 0
