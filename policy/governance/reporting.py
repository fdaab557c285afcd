"""Facts and policy → the stored report of one head, and what the forge is told of each rule."""

import hashlib
import json
from collections import defaultdict
from collections.abc import Sequence

from domain.changes import ChangeFacts
from domain.execution import ArtifactRef
from domain.forge import CheckTold
from domain.governance import Verdict
from domain.governed import GovernanceReport, RuleVerdict, ToolCost
from policy.governance.judging import judge, overall
from policy.governance.markdown import fenced, linked, plain
from policy.governance.model import GovernancePolicy
from policy.governance.report import Links, blockers

_CONCLUSIONS = {
    Verdict.PASS: "success",
    Verdict.WARN: "neutral",
    Verdict.SKIP: "neutral",
    Verdict.UNDETERMINED: "action_required",
    Verdict.FAIL: "failure",
    Verdict.ERROR: "failure",
}


def policy_digest(policy: GovernancePolicy) -> str:
    """Return the SHA-256 of the policy's content, whatever the order of its file."""
    content = json.dumps(policy.model_dump(mode="json"), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(content.encode()).hexdigest()


def report_id(repository: str, number: int | None, head_sha: str, digest: str) -> str:
    """Return the same name for the same repository, pull request, head and policy."""
    content = json.dumps([repository, number, head_sha, digest])
    return f"gov-{hashlib.sha256(content.encode()).hexdigest()[:32]}"


def make_report(
    facts: ChangeFacts,
    policy: GovernancePolicy,
    *,
    number: int | None = None,
    stored: ArtifactRef | None = None,
    seconds: float = 0.0,
    only: Sequence[str] = (),
) -> GovernanceReport:
    """Judge the facts; replaying it on stored facts with the same policy gives an equal report.

    Args:
        facts: Of one head.
        policy: Of its merge base.
        number: Of the pull request.
        stored: The facts as an artifact.
        seconds: Wall time that gathering the facts took.
        only: Rules to judge; empty: all.
    """
    verdicts = judge(facts, policy, only)
    digest = policy_digest(policy)
    return GovernanceReport(
        id=report_id(facts.repository, number, facts.head_sha, digest),
        repository=facts.repository,
        number=number,
        base_sha=facts.base_sha,
        head_sha=facts.head_sha,
        policy_sha256=digest,
        facts=stored,
        verdict=overall(verdicts, only),
        verdicts=verdicts,
        tools=tool_costs(facts),
        seconds=seconds,
        judged_at=facts.now,
    )


def tool_costs(facts: ChangeFacts) -> tuple[ToolCost, ...]:
    """Return what each scanner cost on head and base together, by name."""
    wall: dict[str, float] = defaultdict(float)
    cpu: dict[str, list[float]] = defaultdict(list)
    for scan in (*facts.scans, *facts.base_scans):
        wall[scan.scanner] += scan.seconds
        cpu[scan.scanner] += [] if scan.cpu_seconds is None else [scan.cpu_seconds]
    return tuple(
        ToolCost(
            scanner=name, seconds=round(wall[name], 3), cpu_seconds=round(sum(cpu[name]), 3) if cpu[name] else None
        )
        for name in sorted(wall)
    )


def checks_told(report: GovernanceReport, link: Links) -> tuple[CheckTold, ...]:
    """Return one check a rule; an advisory rule never stops a merge, an undetermined mandatory one does."""
    return tuple(_check(one, link) for one in report.verdicts)


def objection(report: GovernanceReport) -> str | None:
    """Return why changes are requested, as Markdown; None when no mandatory rule failed."""
    failed = [one for one in blockers(report.verdicts) if one.verdict in (Verdict.FAIL, Verdict.ERROR)]
    if not failed:
        return None
    told = [f"- `{one.rule}` ({one.severity}): {plain(one.message)}" for one in failed]
    return "\n".join([f"Governance of `{report.head_sha}` found what must change:", "", *told])


def _check(one: RuleVerdict, link: Links) -> CheckTold:
    stops = one.mandatory or one.verdict.rank <= Verdict.WARN.rank
    logs = " ".join(linked(f"log {number}", link(log)) for number, log in enumerate(one.logs[:4], 1))
    parts = [
        plain(one.message),
        fenced(one.evidence) if one.evidence else "",
        logs,
        fenced(one.command.splitlines(), "sh"),
    ]
    return CheckTold(
        name=f"governance/{one.rule}",
        conclusion=_CONCLUSIONS[one.verdict] if stops else "neutral",
        title=f"{one.verdict}: {one.message}"[:200],
        summary="\n\n".join(part for part in parts if part),
    )
