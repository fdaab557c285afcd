"""Who made the commits of a branch that is the factory's."""

from domain.changes import Author, ChangeFacts, CommitFact
from domain.governance import Verdict
from policy.governance.model import GovernancePolicy
from policy.governance.shape import Ruling, excluded
from policy.governance.visible import counted, lines


def provenance(facts: ChangeFacts, policy: GovernancePolicy) -> Ruling:
    """Judge that every commit is the bot's and leads to the ticket and its run; an exclusion's `finding` is a commit
    or the e-mail address of its author. Where nobody knows whose change it is, commits that say so themselves are
    judged."""
    if facts.author is Author.PERSON:
        return Ruling(Verdict.SKIP, "a person's change")
    if facts.ours and not facts.commits:
        return Ruling(Verdict.UNDETERMINED, "the commits could not be read")
    commits = [one for one in facts.commits if facts.ours or _claims(one, policy)]
    if not commits:
        return Ruling(Verdict.SKIP, "no commit says that it is the factory's")
    told = [(commit, _objection(commit, facts, policy)) for commit in commits]
    foreign = [f"{commit.sha[:12]} {commit.subject}: {why}" for commit, why in told if why]
    if not foreign:
        return Ruling(Verdict.PASS, f"{counted(len(told), 'commit')}, all of the factory with ticket and run")
    return Ruling(Verdict.FAIL, f"{len(foreign)} of {len(told)} commits: {foreign[0]}", lines(foreign))


def _claims(commit: CommitFact, policy: GovernancePolicy) -> bool:
    """Tell whether a commit says that the factory made it."""
    bots = {one.casefold() for one in policy.provenance.bots}
    signed = {commit.author.casefold(), commit.committer.casefold()} & bots
    return bool(signed) or commit.ticket_id is not None or commit.run_id is not None


def _objection(commit: CommitFact, facts: ChangeFacts, policy: GovernancePolicy) -> str:
    names = {commit.sha, commit.author, commit.committer}
    if any(excluded(policy, "provenance", "", name, facts.now.date()) for name in names):
        return ""
    bots = {one.casefold() for one in policy.provenance.bots}
    strangers = {one for one in (commit.author, commit.committer) if one.casefold() not in bots}
    if strangers:
        return f"by {' and '.join(sorted(strangers))}, not the factory"
    if commit.ticket_id is None or commit.run_id is None:
        return "without Factory-Ticket and Factory-Run trailers"
    if facts.ticket_id is not None and commit.ticket_id != facts.ticket_id:
        return f"of ticket {commit.ticket_id}, not {facts.ticket_id}"
    return ""
