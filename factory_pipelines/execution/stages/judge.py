"""judge: gates over facts, then the autonomy policy over the verdict."""

from datetime import timedelta

from domain.errors import GatesFailed, NotFound
from domain.execution import RunFacts, Step
from domain.governance import ApprovalState, Clearance, Decision, PolicyReport, Validation, Verdict
from domain.repositories import RepositorySettings
from factory_pipelines.execution.stages.context import RunContext, StepResult
from factory_pipelines.execution.stages.permissions import permissions
from factory_pipelines.execution.stages.validate import load_validation
from policy.actions import ACTION, held_back, stop_for
from policy.attention import is_pause
from policy.autonomy import Change, decide, effective_risk, effective_tier
from policy.gates import judge as judge_gates
from policy.gates import overall
from policy.scopes import scope_report
from resources.workspaces import settings_at


def judge(context: RunContext) -> StepResult:
    facts = load_validation(context)
    if facts is None:
        raise NotFound(f"{context.run.id} was not validated")
    settings = settings_at(context.factory, context.repository, facts.base_sha)
    report = _report(context, facts, settings)
    decision = _decide(context, facts, report, settings)
    context.record(RunFacts(), Step.JUDGE)
    metadata = {"verdict": report.verdict, "decision": decision.clearance, "rule": decision.rule}
    if decision.clearance is Clearance.REFUSED:
        raise GatesFailed(_words(report))
    if decision.clearance is Clearance.OPEN or _approved(context, decision):
        return StepResult(metadata=metadata, report=report)
    context.factory.run_ledger.await_approval(
        context.lease,
        rule=decision.rule,
        reason=decision.reason,
        deadline=context.factory.now() + timedelta(seconds=context.factory.settings.approval_deadline),
        now=context.factory.now(),
    )
    return StepResult(metadata=metadata, report=report, cleared=False)


def _report(context: RunContext, facts: Validation, settings: RepositorySettings) -> PolicyReport:
    _keep_scope_report(context, facts, settings)
    verdicts = judge_gates(facts, settings, context.factory.policy.gates)
    report = PolicyReport(
        run_id=context.run.id,
        base_sha=facts.base_sha,
        tree_sha=facts.tree_sha,
        verdict=overall(verdicts),
        verdicts=verdicts,
        judged_at=context.factory.now(),
    )
    context.factory.evidence.save_report(context.lease, report, now=context.factory.now())
    judged = {"verdict": report.verdict, "rules": {one.rule: one.verdict for one in verdicts}}
    context.event("policy_judged", **judged, base_sha=facts.base_sha, tree_sha=facts.tree_sha)
    return report


def _keep_scope_report(context: RunContext, facts: Validation, settings: RepositorySettings) -> None:
    told = scope_report(facts.files, settings.scope, facts.allowed_scope)
    context.keep(told.model_dump_json(indent=1).encode(), kind="json", name="scope-report.json")


def _decide(context: RunContext, facts: Validation, report: PolicyReport, settings: RepositorySettings) -> Decision:
    policy = context.factory.policy.approvals
    paths = tuple(path for file in facts.files for path in (file.path, file.old_path) if path)
    risk = effective_risk(context.ticket.risk, paths, policy)
    tier = effective_tier(settings.autonomy, context.ticket.manifest.autonomy, context.factory.policy.stages.stage)
    context.record(RunFacts(risk=risk, tier=tier))
    change = Change(tier=tier, risk=risk, verdict=report.verdict, manifest=context.ticket.manifest, paths=paths)
    decision = decide(change, policy)
    held = stop_for(permissions(context, facts, tier))
    return decision if held is None else held_back(decision, held)


def _approved(context: RunContext, decision: Decision) -> bool:
    """Tell whether people said yes to this change, and to every action that still needs it."""
    decided = context.factory.oversight.approvals(run_id=context.run.id)
    said_yes = any(one.state is ApprovalState.APPROVED and not is_pause(one) for one in decided)
    return said_yes and not decision.rule.startswith(ACTION)


def _words(report: PolicyReport) -> str:
    failed = [one for one in report.verdicts if one.mandatory and one.verdict in (Verdict.FAIL, Verdict.ERROR)]
    return "; ".join(f"{one.rule}: {one.message}" for one in failed)
