"""Words of people on a waiting run → is it decided? Each counts once, by the last thing they said."""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Final

from domain.model import Instant, Value
from domain.tickets import ReviewPolicy
from domain.tracking import Standing

#: who never decides about work of the factory, beside whoever the factory writes as
NOT_PEOPLE: Final = frozenset({"", "factory", "factory-bot", "claude", "codex", "gemini", "copilot"})


class Vote(Value):
    person: str
    approved: bool
    reason: str = ""
    at: Instant


class Word(StrEnum):
    APPROVED = "approved"
    REJECTED = "rejected"
    OPEN = "open"


class Tally(Value):
    """Where an approval stands. `actor` and `reason` are what is kept of a decision."""

    word: Word
    approved_by: tuple[str, ...] = ()
    waits_for: tuple[str, ...] = ()  #: named reviewers who have not said yes
    needed: int = 1
    actor: str = ""
    reason: str = ""


def is_person(login: str, myself: str) -> bool:
    """Tell whether a login may be a person's: not the factory's own, no agent's and no app's."""
    name = login.strip().lower()
    return name not in NOT_PEOPLE | {myself.lower()} and not name.endswith("[bot]")


def reviewers_of(review: ReviewPolicy) -> tuple[tuple[str, ...], int]:
    """Return whom a ticket names to decide, and how many of them must say yes; without names it is one person."""
    if not isinstance(review, dict) or not review["reviewers"]:
        return (), 1
    names = tuple(dict.fromkeys(name.lower() for name in review["reviewers"]))
    needs = review.get("approvals", "all")
    count = {"all": len(names), "any": 1}.get(needs) if isinstance(needs, str) else needs
    return names, min(count or len(names), len(names))


def tally(votes: Sequence[Vote], review: ReviewPolicy, standings: Mapping[str, Standing], myself: str) -> Tally:
    """Count the votes of who may decide: the named reviewers, or without names everyone who may write.

    One no of one of them ends it.
    """
    names, needed = reviewers_of(review)
    last: dict[str, Vote] = {}
    for vote in sorted(votes, key=lambda one: one.at):
        person = vote.person.lower()
        able = person in names if names else standings.get(person, Standing.NONE).may_command
        if able and is_person(vote.person, myself):
            last[person] = vote
    against = next((vote for vote in last.values() if not vote.approved), None)
    in_favour = tuple(vote.person for vote in last.values() if vote.approved)
    waits_for = tuple(name for name in names if name not in last)
    told = {"approved_by": in_favour, "waits_for": waits_for, "needed": needed}
    if against is not None:
        why = against.reason or "rejected in the tracker"
        return Tally(word=Word.REJECTED, actor=against.person, reason=why, **told)
    if len(in_favour) < needed:
        return Tally(word=Word.OPEN, **told)
    newest = max((vote for vote in last.values()), key=lambda one: one.at)
    who = ", ".join(in_favour)
    reason = f"{newest.reason} (approved by {who})" if newest.reason else f"approved by {who}"
    return Tally(word=Word.APPROVED, actor=newest.person, reason=reason, **told)
