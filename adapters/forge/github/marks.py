"""A ticket's mark on the forge itself: a reference of its own, moved by compare-and-swap with the ticket's branch.

It holds the newest fence that wrote for the ticket and every branch the ticket ever had, so that any factory finds its
own and older work is turned away, whatever our records say.
"""

from typing import Final

from pydantic import ValidationError

from adapters._vendor.git import Git
from adapters.forge.replay import BOT_EMAIL, BOT_NAME, signature
from domain.errors import ForgeFenced, ForgeRefused
from domain.model import Name, Record

REFERENCES: Final = "refs/factory/tickets/"


class TicketMark(Record):
    ticket_id: Name
    run_id: Name | None = None
    fence: int = 0
    branches: tuple[str, ...] = ()  #: oldest first; the last is the ticket's now

    @property
    def branch(self) -> str | None:
        return self.branches[-1] if self.branches else None

    def raised(self, run_id: str, fence: int, branch: str | None) -> "TicketMark":
        """Return the mark of a newer write.

        Raises:
            ForgeFenced: a newer fence has written already.
        """
        if fence < self.fence:
            raise ForgeFenced(
                f"fence {fence} of ticket {self.ticket_id} is older than {self.fence}, which has written on GitHub"
            )
        others = tuple(one for one in self.branches if one != branch)
        told = {"run_id": run_id, "fence": fence}
        return self.model_copy(update=told if branch is None else {**told, "branches": (*others, branch)})


def reference(ticket_id: str) -> str:
    return REFERENCES + ticket_id.replace(".", "%2E")  # git allows no name with `..` or ending in `.lock`


def read_mark(git: Git, ticket_id: str) -> TicketMark:
    """Return the ticket's mark as last fetched; a fence of 0 when it has none.

    Raises:
        ForgeRefused: somebody wrote something else there.
    """
    subject = _subjects(git, reference(ticket_id)).get(reference(ticket_id))
    if subject is None:
        return TicketMark(ticket_id=ticket_id)
    try:
        mark = TicketMark.model_validate_json(subject)
    except ValidationError as error:
        raise ForgeRefused(f"{reference(ticket_id)} on GitHub is not a mark of the factory; remove it there") from error
    if mark.ticket_id != ticket_id:
        raise ForgeRefused(f"{reference(ticket_id)} on GitHub is the mark of {mark.ticket_id}; remove it there")
    return mark


def owner_of(git: Git, branch: str) -> str | None:
    """Return the ticket whose branch this is, as last fetched."""
    for name, subject in _subjects(git, REFERENCES).items():
        try:
            mark = TicketMark.model_validate_json(subject)
        except ValidationError:
            continue
        if mark.branch == branch and name == reference(mark.ticket_id):
            return mark.ticket_id
    return None


def written(git: Git, mark: TicketMark) -> str:
    """Return the commit that holds a mark: the same mark is always the same commit."""
    bot = (BOT_NAME, BOT_EMAIL, 0)
    return git.text(
        "commit-tree", git.text("mktree"), "-F", "-",
        stdin=mark.model_dump_json().encode(),
        environment=signature("AUTHOR", *bot) | signature("COMMITTER", *bot),
    )  # fmt: skip


def _subjects(git: Git, pattern: str) -> dict[str, str]:
    lines = git.text("for-each-ref", "--format=%(refname)%09%(contents:subject)", pattern).splitlines()
    return dict(line.split("\t", 1) for line in lines)
