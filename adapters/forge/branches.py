"""The one branch of a ticket, moved by compare-and-swap under the newest fence."""

from adapters._vendor.git import Git
from adapters.forge.protection import push
from adapters.forge.records import PullRecords, TicketMark
from domain.errors import ForgeRefused
from domain.forge import ChangeRequest
from domain.repositories import Repository


def refuse_branch(git: Git, repository: Repository, change: ChangeRequest) -> None:
    """Raises ForgeRefused unless the request is for this repository and for a branch that the factory may write."""
    branch = change.branch
    if change.repository != repository.name:
        raise ForgeRefused(f"the change is for {change.repository!r}, not for {repository.name!r}")
    if branch in {change.base, repository.settings.base}:
        raise ForgeRefused(f"{branch!r} is the base branch; only people change it")
    if not branch.startswith("factory/"):
        raise ForgeRefused(f"branch {branch!r} is outside factory/")  # the receiving side says so too
    if "\0" in branch or not git.holds("check-ref-format", f"refs/heads/{branch}"):
        raise ForgeRefused(f"{branch!r} cannot name a branch")


def move_branch(git: Git, records: PullRecords, change: ChangeRequest, commit: str) -> str:
    """Put the branch on the commit and return it as read back; a former branch of the ticket goes. Holds the lock.

    Raises:
        ForgeFenced: a newer fence has written for the ticket; nothing was changed.
    """
    mark = records.mark_of(change.ticket_id, change.fence)
    owner = records.owner_of(change.branch)
    if owner not in {None, change.ticket_id}:
        raise ForgeRefused(f"branch {change.branch!r} belongs to ticket {owner}")
    former = {*mark.former, mark.branch} - {None, change.branch}
    mark = mark.model_copy(update={"branch": change.branch, "former": tuple(sorted(filter(None, former)))})
    records.store_mark(mark)
    reference = f"refs/heads/{change.branch}"
    push(git, reference, commit, git.commit(reference))
    _remove_former(git, records, mark)
    return git.text("rev-parse", "--verify", reference)


def _remove_former(git: Git, records: PullRecords, mark: TicketMark) -> None:
    for branch in mark.former:
        git.run("update-ref", "-d", f"refs/heads/{branch}")
    if mark.former:
        records.store_mark(mark.model_copy(update={"former": ()}))
