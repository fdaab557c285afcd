"""Texts of a repository → what governance decides on: its workflows before and after, its own stricter policy."""

from typing import Any

from domain.changes import WorkflowChange
from domain.errors import PolicyInvalid
from policy.governance.model import GovernancePolicy
from policy.governance.refinement import COMMITTED, refined
from policy.governance.workflows import UNREADABLE, compare_workflows
from resources.yaml_documents import DocumentUnreadable, read_document


def workflow_change(path: str, base: str | None, head: str | None) -> WorkflowChange:
    """Compare the texts of one workflow; None: it is not there. For a renamed one, `base` is the text it had."""
    return compare_workflows(path, _loaded(base), _loaded(head))


def refined_policy(policy: GovernancePolicy, committed: str | None) -> GovernancePolicy:
    """Lay the text of `.factory/governance.yaml` at the merge base over the policy; None: there is none.

    Raises:
        PolicyInvalid: with the line of each wrong key.
    """
    if committed is None:
        return policy
    try:
        document = read_document(committed)
    except DocumentUnreadable as error:
        raise PolicyInvalid(f"{COMMITTED}: {error}", errors=[f"{COMMITTED}: {error}"]) from error
    return refined(policy, document.value, document.line_of)


def _loaded(text: str | None) -> Any:
    if text is None:
        return None
    try:
        value = read_document(text).value
    except DocumentUnreadable:
        return UNREADABLE
    return UNREADABLE if value is None else value
