"""change_facts and governance_report: what the change is, gathered once and kept, and what the rules say of it."""

import time

from domain.errors import NotFound
from factory_pipelines.governance.stages.context import HeadContext, StageResult
from factory_pipelines.governance.stages.pulling import OVER, current
from resources.governance.given import gather_given, judge_given
from resources.governance.pulls import subject_of_pull


def change_facts(context: HeadContext) -> StageResult:
    pull = current(context)
    if pull is None:
        return OVER
    base_sha = context.desk.obtain(context.repository, pull)
    subject = subject_of_pull(context.factory, context.repository, pull, base_sha)
    began = time.monotonic()
    facts = gather_given(context.factory, subject, context.tell)
    seconds = round(time.monotonic() - began, 3)
    context.record(facts=(facts, seconds))
    return StageResult({"facts": facts.sha256, "base_sha": base_sha, "seconds": seconds})


def governance_report(context: HeadContext) -> StageResult:
    ref = context.head.facts
    if current(context) is None:
        return OVER
    if ref is None:
        raise NotFound(f"{context.head.partition} has no facts: an earlier stage did not finish")
    report = judge_given(context.factory, ref, number=context.head.number, seconds=context.head.seconds)
    context.factory.governance.save(report)
    context.record(report_id=report.id)
    return StageResult({"verdict": report.verdict.value, "report": report.id}, report=report)
