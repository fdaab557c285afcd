"""What a change amounts to, and what of that the factory may do: a person's yes to the run grants what it named."""

from domain.governance import ApprovalState, Validation
from domain.tickets import Tier
from factory_pipelines.execution.stages.context import RunContext
from policy.actions import Content, Permission, actions_of, grants_of, permit
from policy.attention import is_pause

SUBMITTING = ("push_branch", "open_pull_request")


def permissions(context: RunContext, facts: Validation, tier: Tier) -> list[Permission]:
    """Return the leave for each action of the change, submitting it included. What manifests introduce and what
    workflows were is not gathered before there is a commit, so that it counts as the worst it can be."""
    policy = context.factory.policy.actions
    decided = context.factory.oversight.approvals(run_id=context.run.id)
    yes = [one for one in decided if one.state is ApprovalState.APPROVED and not is_pause(one)]
    shared = context.factory.policy.governance.paths.shared
    grants = [grant for approval in yes for grant in grants_of(approval, policy)]
    actions = [*SUBMITTING, *actions_of(Content(files=facts.files, shared=shared), policy)]
    return [permit(action, context.run.id, tier, policy, grants) for action in actions]
