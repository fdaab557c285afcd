"""Whether our pull request could be merged without a person, weighed when its report is told. People merge."""

from domain.execution import EventDraft
from domain.forge import PullHead
from domain.governed import GovernanceReport
from domain.tickets import Ticket
from factory_pipelines.governance.stages.context import HeadContext
from policy.merging import LEARNT_FROM, Eligibility, merge_eligibility
from resources.governance.pulls import own_ticket

WEIGHED = "merge_weighed"


def weigh_merge(context: HeadContext, pull: PullHead, report: GovernanceReport) -> None:
    """Record what a person may go by, once a head and answer."""
    ticket = own_ticket(context.factory.lookup, pull)
    if ticket is None:
        return
    found = _weighed(context, ticket, report)
    payload = {"head_sha": report.head_sha, **found.model_dump(mode="json")}
    known = context.factory.lookup.timeline(ticket_id=ticket.id, names=(WEIGHED,))
    if not known or known[-1].payload != payload:
        draft = EventDraft(name=WEIGHED, payload=payload, ticket_id=ticket.id, component="governance")
        context.factory.run_ledger.record_event(draft, lease=None, now=context.factory.now())


def _weighed(context: HeadContext, ticket: Ticket, report: GovernanceReport) -> Eligibility:
    factory = context.factory
    runs = factory.lookup.runs(ticket_id=ticket.id)
    newest = runs[-1] if runs else None
    lately = factory.oversight.outcomes(since=factory.now() - LEARNT_FROM)
    alike = [one for one in lately if one.repository == report.repository and newest and one.harness == newest.harness]
    risk = ticket.risk if newest is None or newest.risk is None else newest.risk
    policy = factory.policy.pull_requests.merge
    return merge_eligibility(policy, verdict=report.verdict, risk=risk, outcomes=alike)
