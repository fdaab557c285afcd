"""All governance rules over the facts of one change: the same facts give the same verdicts, in whatever order."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from domain.changes import Author, ChangeFacts
from domain.execution import ArtifactRef
from domain.findings import Scan
from domain.governance import CheckResult, Verdict
from domain.governed import RuleVerdict
from policy.governance.canonical import canonical
from policy.governance.exclusions import told_exclusions
from policy.governance.model import GovernancePolicy
from policy.governance.rules import RULESET
from policy.governance.rules_scans import scans_of
from policy.governance.shape import Rule, Ruling
from policy.governance.visible import lines, one_line

LONGEST_COMMAND: Final = 2000  #: characters of a tool's own command that are shown


def judge(
    facts: ChangeFacts, policy: GovernancePolicy, only: Sequence[str] = (), ruleset: Mapping[str, Rule] = RULESET
) -> tuple[RuleVerdict, ...]:
    """Run every rule, or those named in `only`, never stopping early. One that breaks is an error, never a pass."""
    ordered = canonical(facts)
    return tuple(_judge_rule(name, rule, ordered, policy) for name, rule in ruleset.items() if not only or name in only)


def overall(verdicts: Sequence[RuleVerdict], asked: Sequence[str] = ()) -> Verdict:
    """Return the worst mandatory verdict; an advisory one never does more than warn.

    Nothing judged is an error, unless only the `asked` rules were to be, and none of them is switched off.
    """
    judged = [one for one in verdicts if one.verdict is not Verdict.SKIP]
    if not judged:
        idle = asked and verdicts and all(one.message != _OFF.message for one in verdicts)
        return Verdict.SKIP if idle else Verdict.ERROR
    counted = [one.verdict if one.mandatory else min(one.verdict, Verdict.WARN, key=_rank) for one in judged]
    return max(counted, key=_rank)


def _rank(verdict: Verdict) -> int:
    return verdict.rank


def _judge_rule(name: str, rule: Rule, facts: ChangeFacts, policy: GovernancePolicy) -> RuleVerdict:
    weight = policy.rules[name]
    ruling, exclusions = _decide(name, rule, facts, policy) if weight.enabled else (_OFF, ())
    scans = scans_of(name, facts.scans, policy)
    checks = facts.checks if name == "tests" else ()
    return RuleVerdict(
        rule=name,
        verdict=ruling.verdict,
        severity=weight.severity,
        mandatory=weight.mandatory,
        message=one_line(ruling.message) or ruling.verdict.value,
        evidence=_evidence(ruling),
        exclusions=exclusions,
        logs=_logs([*(scan.log for scan in scans), *(check.log for check in checks)]),
        command="\n".join([_command(name, facts), *_own_commands(scans, checks)]),
        files_read=ruling.files_read,
        seconds=round(sum([*(one.seconds for one in scans), *(one.seconds for one in checks)]), 3),
    )


_OFF: Final = Ruling(Verdict.SKIP, "switched off by policy")


def _decide(name: str, rule: Rule, facts: ChangeFacts, policy: GovernancePolicy) -> tuple[Ruling, tuple[str, ...]]:
    try:
        return Ruling(*rule(facts, policy)), told_exclusions(name, rule, facts, policy)
    except Exception as error:  # noqa: BLE001 - a bug of one rule is its verdict; the others still speak
        return Ruling(Verdict.ERROR, f"the rule itself failed: {type(error).__name__}: {error}"), ()


def _evidence(ruling: Ruling) -> tuple[str, ...]:
    """Return visible lines; what stops a change always has one."""
    told = lines(ruling.evidence)
    stops = ruling.verdict.rank > Verdict.WARN.rank
    return told or ((one_line(ruling.message) or ruling.verdict.value,) if stops else ())


def _command(name: str, facts: ChangeFacts) -> str:
    author = "" if facts.author is Author.UNKNOWN else f" --author {facts.author}"
    return f"factory governance run . --base {facts.base_sha} --head {facts.head_sha} --rule {name}{author}"


def _own_commands(scans: Sequence[Scan], checks: Sequence[CheckResult]) -> Iterator[str]:
    """Yield each tool's own command, or a comment where it cannot be shown as it was."""
    told = [*((scan.scanner, scan.command) for scan in scans), *((check.origin, check.command) for check in checks)]
    for name, command in told:
        if len(command) > LONGEST_COMMAND:
            yield f"# {name}: a command of {len(command)} characters, in its log"
        elif command and not command.isprintable():
            yield f"# {name}: {one_line(command)}"
        elif command:
            yield command


def _logs(logs: Sequence[ArtifactRef | None]) -> tuple[ArtifactRef, ...]:
    return tuple(dict.fromkeys(log for log in logs if log is not None))
