"""What `git log` says of a branch's commits."""

from typing import Final

from domain.changes import CommitFact

_FIELDS: Final = (
    "%H", "%ae", "%ce", "%s",
    "%(trailers:key=Factory-Ticket,valueonly,separator=%x1f)",
    "%(trailers:key=Factory-Run,valueonly,separator=%x1f)",
)  # fmt: skip
LOG_FORMAT: Final = "%x1e" + "%x00".join(_FIELDS)  #: for `git log -z --format=`


def parse_log(text: str) -> tuple[CommitFact, ...]:
    """Read `git log -z --format=LOG_FORMAT`. A commit that names two tickets or two runs names none.

    Raises:
        ValueError: the text is not of that format.
    """
    commits = []
    for entry in text.split("\x1e")[1:]:
        fields = entry.removesuffix("\0").split("\0")
        if len(fields) != len(_FIELDS):
            raise ValueError(f"a commit of {len(fields)} fields, not {len(_FIELDS)}")
        sha, author, committer, subject, ticket, run = fields
        commits.append(
            CommitFact(
                sha=sha, author=author, committer=committer, subject=subject, ticket_id=_one(ticket), run_id=_one(run)
            )
        )
    return tuple(commits)


def _one(values: str) -> str | None:
    found = {value.strip() for value in values.split("\x1f") if value.strip()}
    return found.pop() if len(found) == 1 else None
