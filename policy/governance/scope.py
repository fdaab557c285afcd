"""Where a change may reach."""

from domain.changes import Author, ChangeFacts
from domain.governance import Verdict
from policy.governance.model import GovernancePolicy
from policy.governance.shape import Ruling, excluded
from policy.governance.visible import counted, lines, named
from policy.scopes import LEADS_ELSEWHERE, scope_report


def scope(facts: ChangeFacts, policy: GovernancePolicy) -> Ruling:
    """Judge what lies outside of the scope of the ticket or its profile, and of the factory's in this repository."""
    scopes = (() if facts.author is Author.PERSON else facts.repository_scope, facts.allowed_scope)
    allowed = " and ".join(named(one) for one in scopes if one)
    if not allowed:
        return Ruling(Verdict.SKIP, "no scope is set for this change")
    kinds = {file.path: LEADS_ELSEWHERE.get(file.mode) for file in facts.files}
    report = scope_report(facts.files, *scopes)
    outside = [path for path in report.outside if not excluded(policy, "scope", path, "", facts.now.date())]
    if not outside:
        return Ruling(Verdict.PASS, f"{counted(len(report.inside), 'path')}, all in scope")
    evidence = [f"{path}: {kinds.get(path) or 'outside'}; allowed: {allowed}" for path in outside]
    verdict = Verdict.FAIL if policy.paths.scope == "enforce" else Verdict.WARN
    return Ruling(verdict, f"outside of the allowed scope: {named(outside)}", lines(evidence))
