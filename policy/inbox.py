"""A webhook → what it asks of the factory. Pure: the same delivery always asks the same."""

from collections.abc import Callable, Mapping
from typing import Final, NamedTuple

from domain.model import Value
from domain.tracking import FactoryLabel
from domain.webhooks import Account, Check, Comment, Issue, Payload
from policy.commands import commands_in
from policy.effects import (
    CancelTicket,
    Effect,
    FileTicket,
    FollowUp,
    JudgePull,
    Nothing,
    ObeyCommand,
    PullEnded,
)

JUDGED_ON: Final = frozenset({"opened", "synchronize", "reopened", "ready_for_review"})
JUDGED_AGAIN_ON: Final = frozenset({"reopened", "edited"})  #: the last by who gives it another base
GONE: Final = {"closed": "it was closed", "deleted": "it was deleted", "transferred": "it went to another repository"}
FAILED: Final = frozenset({"failure", "timed_out", "startup_failure"})  #: conclusions of a check
FAILED_STATUS: Final = frozenset({"failure", "error"})

Effects = tuple[Effect, ...]


class Ourselves(Value):
    """As whom the factory acts on the forge."""

    logins: tuple[str, ...] = ()  #: `factory[bot]`, or the user whose token it is
    apps: tuple[str, ...] = ()  #: slug or id of its app

    def is_login(self, account: Account | None) -> bool:
        return account is not None and account.login.lower() in {login.lower() for login in self.logins if login}

    def made(self, thing: Comment | Issue | Check) -> bool:
        """Tell whether our app made it, whoever's name is on it."""
        app = thing.app if isinstance(thing, Check) else thing.performed_via_github_app
        return app is not None and bool({app.slug.lower(), str(app.id)} & {name.lower() for name in self.apps if name})


class Told(NamedTuple):
    payload: Payload
    us: Ourselves

    @property
    def by(self) -> str:
        return self.payload.sender.login

    @property
    def by_us(self) -> bool:
        return self.us.is_login(self.payload.sender)


def decide(event: str, payload: Payload, us: Ourselves) -> Effects:
    """Return what a delivery asks for, in the order to do it; never empty."""
    judge = EVENTS.get(event)
    if judge is None:
        return _nothing(f"no use for {event}" if event != "ping" else "ping: the webhook works")
    return judge(Told(payload, us)) or _nothing(f"no use for {event} {payload.action}".rstrip())


def _nothing(reason: str) -> Effects:
    return (Nothing(reason=reason),)


def _issue(told: Told) -> Effects:
    issue, action = told.payload.issue, told.payload.action
    if issue is None or issue.number is None or issue.pull_request is not None:
        return ()
    if told.by_us:
        return _nothing("our own doing")
    if action in GONE:
        return (CancelTicket(number=issue.number, by=told.by, reason=GONE[action]),)
    marks, is_mark = _marked(told, issue)
    if action in ("labeled", "assigned", "opened", "reopened") and marks:
        return (FileTicket(number=issue.number, by=told.by),)
    if action in ("unlabeled", "unassigned") and is_mark:
        taken = "the label was taken off" if action == "unlabeled" else "it was taken from the factory"
        return (CancelTicket(number=issue.number, by=told.by, reason=taken),)
    return ()


def _marked(told: Told, issue: Issue) -> tuple[bool, bool]:
    """Return whether the issue is marked for the factory in what changed or was opened, and whether the change is one.

    A new label beside ours asks for nothing: whoever edits may be less trusted than whoever marked.
    """
    label, assignee = told.payload.label, told.payload.assignee
    is_mark = (label is not None and label.name == FactoryLabel.RUN) or told.us.is_login(assignee)
    if told.payload.action in ("labeled", "assigned"):
        return is_mark, is_mark
    labeled = any(one.name == FactoryLabel.RUN for one in issue.labels)
    return labeled or any(told.us.is_login(one) for one in issue.assignees), is_mark


def _issue_comment(told: Told) -> Effects:
    issue, comment = told.payload.issue, told.payload.comment
    if told.payload.action != "created" or issue is None or comment is None:
        return ()
    return _orders(told, comment, issue.number, is_pull=issue.pull_request is not None)


def _orders(told: Told, comment: Comment, number: int | None, *, is_pull: bool) -> Effects:
    if told.by_us or told.us.made(comment):
        return _nothing("our own words")
    orders = commands_in(comment.body)
    if number is None or comment.id is None or not orders:
        return ()
    if not told.payload.sender.is_person or comment.user.login != told.by:
        return _nothing("only people give orders")
    where = {"person": told.by, "number": number, "is_pull": is_pull, "comment": comment.id}
    return tuple(ObeyCommand(command=order, place=place, **where) for place, order in enumerate(orders))


def _pull_request(told: Told) -> Effects:
    """What the factory itself pushes is judged too; that it closed its own pull request it knows."""
    pull, action = told.payload.pull_request, told.payload.action
    if pull is None or pull.number is None:
        return ()
    if action in JUDGED_ON or (action == "edited" and told.payload.changes.base is not None):
        return (JudgePull(number=pull.number, head=pull.head.sha, again=action in JUDGED_AGAIN_ON),)
    if action != "closed":
        return ()
    if told.by_us and not pull.merged:
        return _nothing("our own doing")
    by = pull.merged_by.login if pull.merged and pull.merged_by is not None else ""
    sha = pull.merge_commit_sha if pull.merged else None
    return (PullEnded(number=pull.number, merged=pull.merged, by=by or told.by, sha=sha),)


def _review(told: Told) -> Effects:
    """An approving review is a word for whoever counts them; what it says may hold orders too."""
    pull, review = told.payload.pull_request, told.payload.review
    if told.payload.action != "submitted" or pull is None or pull.number is None or review is None:
        return ()
    if told.by_us or told.us.made(review):
        return _nothing("our own words")
    state = review.state.lower()
    if state == "changes_requested":
        return (FollowUp(number=pull.number, reason=f"{told.by} requested changes"),)
    orders = _orders(told, review, pull.number, is_pull=True)
    if state != "approved" or review.id is None or not told.payload.sender.is_person:
        return orders
    return _approval(told, review.id, pull.number)


def _approval(told: Told, review: int, number: int) -> Effects:
    command = commands_in("/approve")[0]
    return (ObeyCommand(person=told.by, command=command, number=number, is_pull=True, comment=review),)


def _review_comment(told: Told) -> Effects:
    pull, comment = told.payload.pull_request, told.payload.comment
    if told.payload.action != "created" or pull is None or pull.number is None or comment is None:
        return ()
    reason = f"{told.by} commented on a line"
    return _orders(told, comment, pull.number, is_pull=True) or (FollowUp(number=pull.number, reason=reason),)


def _check(told: Told) -> Effects:
    """A check of others that failed is an objection; one of ours that somebody asks for again is judged again."""
    check, action = told.payload.check_run or told.payload.check_suite, told.payload.action
    if check is None:
        return ()
    numbers: list[int | None] = [pull.number for pull in check.pull_requests if pull.number is not None]
    if told.us.made(check):
        if action != "rerequested":
            return _nothing("our own check")
        return tuple(JudgePull(number=number, head=check.head_sha, again=True) for number in numbers if number)
    if action != "completed" or check.conclusion not in FAILED or check.head_sha is None:
        return ()
    reason = f"the check {check.name or 'suite'} ended in {check.conclusion}"
    return tuple(FollowUp(number=number, head=check.head_sha, reason=reason) for number in numbers or [None])


def _status(told: Told) -> Effects:
    payload = told.payload
    if payload.state not in FAILED_STATUS or payload.sha is None:
        return ()
    if told.by_us:
        return _nothing("our own status")
    return (FollowUp(head=payload.sha, reason=f"the status {payload.context} is {payload.state}"),)


EVENTS: Final[Mapping[str, Callable[[Told], Effects]]] = {
    "issues": _issue,
    "issue_comment": _issue_comment,
    "pull_request": _pull_request,
    "pull_request_review": _review,
    "pull_request_review_comment": _review_comment,
    "check_run": _check,
    "check_suite": _check,
    "status": _status,
}
