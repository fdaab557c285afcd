"""Items of a tracker: what people want, in their words; the factory keeps the reference and plans nothing twice."""

from enum import StrEnum

from domain.model import Instant, Name, Value


class ItemType(StrEnum):
    BUG = "bug"
    FEATURE = "feature"
    TASK = "task"


class ItemStatus(StrEnum):
    OPEN = "open"
    IN_PROGRESS = "in_progress"
    DONE = "done"
    CLOSED = "closed"
    WONT_FIX = "wont_fix"

    @property
    def is_over(self) -> bool:
        return self in (ItemStatus.DONE, ItemStatus.CLOSED, ItemStatus.WONT_FIX)


class FactoryLabel(StrEnum):
    """The labels that the factory sets and takes away; all others are people's."""

    RUN = "agent:run"  #: wanted from the factory; people set it too, and taking it away cancels
    WORKING = "agent:working"
    REVIEW = "agent:review"  #: a person's turn: to approve, or to review and merge
    DONE = "agent:done"
    NEEDS_HUMAN = "needs-human"  #: no further attempt without a person


class Standing(StrEnum):
    """What a person may do in a repository, from nothing to everything."""

    NONE = "none"
    READ = "read"
    WRITE = "write"
    ADMIN = "admin"

    @property
    def may_command(self) -> bool:
        return self in (Standing.WRITE, Standing.ADMIN)


class ItemComment(Value):
    id: int
    author: str
    text: str
    at: Instant
    edited: bool = False  #: perhaps by somebody else: what it says now commands nothing


class Item(Value):
    repository: Name
    number: int
    type: ItemType = ItemType.TASK
    title: str
    text: str
    status: ItemStatus
    priority: str = "medium"
    labels: tuple[str, ...] = ()
    assignees: tuple[str, ...] = ()
    author: str
    source: str = "person"  #: or auto_detected
    votes: int = 0
    comments: tuple[ItemComment, ...] = ()
    url: str
    updated_at: Instant

    @property
    def reference(self) -> str:
        """What a ticket keeps of it."""
        return f"{self.repository}#{self.number}"
