"""Changes of GitHub workflows that give their token more rights or let more events start them."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from domain.changes import ChangeFacts, WorkflowChange
from domain.governance import Verdict
from policy.governance.approvals import who_approved
from policy.governance.model import GovernancePolicy
from policy.governance.shape import Ruling, excluded
from policy.governance.visible import counted, lines, named
from policy.governance.workflow_files import is_workflow
from policy.governance.workflow_jobs import opened
from policy.governance.workflow_rights import Rights, Unclear, raised, read_rights
from policy.governance.workflow_triggers import broadened, read_triggers

BROADENING: Final = "workflow_broadening"
UNREADABLE = object()  #: in place of a document that is no YAML


def compare_workflows(path: str, base: Any, head: Any) -> WorkflowChange:
    """Compare two loaded documents of one workflow, whose `on` is the text `on`.

    Args:
        path: In the repository.
        base: None: it is new. UNREADABLE: it could not be loaded.
        head: The same; None: it is removed.
    """
    if head is None:
        return WorkflowChange(path=path)
    try:
        return WorkflowChange(path=path, raised=tuple(_raised(base, head)), broadened=tuple(_broadened(base, head)))
    except Unclear:
        return WorkflowChange(path=path, unreadable=True)


def workflows(facts: ChangeFacts, policy: GovernancePolicy) -> Ruling:
    """Judge every changed workflow; an exclusion's `finding` is the right or trigger as the evidence spells it."""
    changed = sorted(file.path for file in facts.files if is_workflow(file.path) and file.status != "D")
    if not changed:
        return Ruling(Verdict.SKIP, "no workflow is changed")
    known = {one.path for one in facts.workflows if not one.unreadable}
    unclear = [f"{path}: cannot be read" for path in changed if path not in known]
    changes = sorted(facts.workflows, key=lambda one: one.path)
    told = [(one.path, text) for one in changes for text in _worse(one, facts, policy)]
    agreed = {path: by for path, _ in told if (by := who_approved(facts, path, BROADENING)) is not None}
    worse = [text for path, text in told if path not in agreed]
    if worse:
        more = f" and {len(worse) - 1} more" if len(worse) > 1 else ""
        return Ruling(Verdict.FAIL, f"{worse[0]}{more}", lines([*worse, *unclear]), len(known))
    if unclear:
        return Ruling(Verdict.UNDETERMINED, named(unclear), lines(unclear), len(known))
    if agreed:
        shown = lines([f"{text} (approved by {agreed[path]})" for path, text in told])
        return Ruling(
            Verdict.WARN, f"{counted(len(shown), 'change')} of rights or triggers, approved", shown, len(known)
        )
    return Ruling(
        Verdict.PASS, f"{counted(len(changed), 'workflow')}, no more rights or triggers than before", (), len(known)
    )


def _worse(one: WorkflowChange, facts: ChangeFacts, policy: GovernancePolicy) -> Iterator[str]:
    for words, many in (("raises permissions", one.raised), ("broadens triggers", one.broadened)):
        for what in many:
            if not excluded(policy, "workflows", one.path, what, facts.now.date()):
                yield f"{one.path}: {words}: {what}"


def _raised(base: Any, head: Any) -> Iterator[str]:
    before, after = _rights(base), _rights(head)
    top = list(raised(before, after))
    yield from top
    old_jobs = {} if base is None else _jobs(base)
    for name, job in _jobs(head).items():
        own = read_rights(job.get("permissions"))
        old = old_jobs.get(name)
        had = before if old is None else _first(read_rights(old.get("permissions")), before)
        told = list(raised(had, _first(own, after)))
        yield from (f"job {name}: {what}" for what in told if own is not None or what not in top)
        if job.get("secrets") == "inherit" and (old is None or old.get("secrets") != "inherit"):
            yield f"job {name}: secrets: inherit"
        yield from (f"job {name}: {what}" for what in opened(old, job))


def _broadened(base: Any, head: Any) -> Sequence[str]:
    return list(broadened({} if base is None else _triggers(base), _triggers(head)))


def _rights(document: Any) -> Rights | None:
    return None if document is None else read_rights(_mapping(document).get("permissions"))


def _triggers(document: Any) -> Mapping[str, Mapping[str, Any]]:
    return read_triggers(_mapping(document).get("on"))


def _jobs(document: Any) -> Mapping[str, Mapping[str, Any]]:
    jobs = _mapping(document).get("jobs")
    if not isinstance(jobs, dict) or not all(isinstance(job, dict) for job in jobs.values()):
        raise Unclear("jobs")
    return {str(name): job for name, job in jobs.items()}


def _mapping(document: Any) -> Mapping[str, Any]:
    if not isinstance(document, dict):
        raise Unclear("not a mapping")
    return document


def _first(own: Rights | None, inherited: Rights | None) -> Rights | None:
    return inherited if own is None else own
