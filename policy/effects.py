"""What a webhook asks of the factory. It says where to look; forge and tracker say what holds."""

from typing import Annotated

from pydantic import Field

from domain.model import Sha1, Value
from policy.commands import Command

Number = Annotated[int, Field(gt=0)]


class FileTicket(Value):
    """An item is wanted: a ticket, if it still is."""

    number: Number
    by: str


class CancelTicket(Value):
    """An item is wanted no more: its ticket ends, if it still is not."""

    number: Number
    by: str
    reason: str


class ObeyCommand(Value):
    """A person gives an order in a comment or review. Whether they may is asked when it is carried out."""

    person: str
    command: Command
    number: Number  #: of the item or pull request it was said on
    is_pull: bool = False
    comment: Number  #: or review, whose id it is
    place: int = 0  #: of the order in it; comment and place make the order unique


class JudgePull(Value):
    """A pull request, whoever's, has a head to judge."""

    number: Number
    head: Sha1 | None = None  #: when it was sent
    again: bool = False  #: though this head was judged: somebody asks, or it is for another base now


class FollowUp(Value):
    """Somebody objects to a pull request, which is perhaps ours; number or head tells which."""

    number: Number | None = None
    head: Sha1 | None = None  #: that it is about; an objection to an earlier head is over
    reason: str


class PullEnded(Value):
    number: Number
    merged: bool
    by: str
    sha: Sha1 | None = None  #: of the merge


class Nothing(Value):
    reason: str


Effect = FileTicket | CancelTicket | ObeyCommand | JudgePull | FollowUp | PullEnded | Nothing
