"""Lint, static analysis and secrets: what scanners saw that the base has not. A scan that says nothing never passes."""

from collections.abc import Iterator, Sequence

from domain.changes import ChangeFacts
from domain.findings import Finding, Scan, ScanState
from domain.governance import Verdict
from policy.governance.model import GovernancePolicy
from policy.governance.shape import Ruling, excluded
from policy.governance.sifting import Sifted, sift
from policy.governance.sightings import count, place, summary
from policy.governance.visible import counted, lines, named
from policy.scopes import matches_any

SHOWN = 20  #: findings
UNSEARCHED = "what was written down of the change could not be searched for secrets"
REGULAR = frozenset({"100644", "100755"})


def lint(facts: ChangeFacts, policy: GovernancePolicy) -> Ruling:
    return _judge_scans("lint", facts, policy)


def sast(facts: ChangeFacts, policy: GovernancePolicy) -> Ruling:
    return _judge_scans("sast", facts, policy)


def secrets(facts: ChangeFacts, policy: GovernancePolicy) -> Ruling:
    """Judge what scanners saw in the files, and secrets in what else was written down of the change."""
    ruling = _judge_scans("secrets", facts, policy)
    if facts.leaks is None:
        return worse(ruling, Ruling(Verdict.UNDETERMINED, UNSEARCHED, (UNSEARCHED,)))
    today = facts.now.date()
    leaks = [one for one in facts.leaks if not excluded(policy, "secrets", one.place, one.kind, today)]
    if not leaks:
        return ruling
    told = lines([f"{one.place}, line {one.line}: {one.kind}; revoke it" for one in leaks], SHOWN)
    return worse(
        ruling, Ruling(Verdict.FAIL, f"{counted(len(leaks), 'secret')} in {named(one.place for one in leaks)}", told)
    )


def worse(first: Ruling, second: Ruling) -> Ruling:
    """Return both as one: the verdict of the worse, whose words come first."""
    lead, other = sorted((first, second), key=lambda one: -one.verdict.rank)
    more = f"; and {other.message}" if other.verdict.rank > Verdict.WARN.rank else ""
    return Ruling(lead.verdict, lead.message + more, (*lead.evidence, *other.evidence), first.files_read)


def scans_of(rule: str, scans: Sequence[Scan], policy: GovernancePolicy) -> list[Scan]:
    """Return the scans a rule judges, by scanner."""
    wanted = [scan for scan in scans if scan.scanner in policy.rules[rule].scanners]
    return sorted(wanted, key=lambda scan: (scan.scanner, scan.files_given))


def why_unknown(scan: Scan) -> str:
    """Say why silence of a scan means nothing."""
    unread = sorted(set(scan.files_given) - set(scan.files_read))
    if scan.state is not ScanState.COMPLETED:
        return f"{scan.scanner} {scan.state.replace('_', ' ')}: {scan.reason or 'no reason was told'}"
    if not scan.alive:
        return f"{scan.scanner} did not find the defect that was planted for it"
    return f"{scan.scanner} did not read {len(unread)} of {len(scan.files_given)} files: {named(unread)}"


def _judge_scans(rule: str, facts: ChangeFacts, policy: GovernancePolicy) -> Ruling:
    scans = scans_of(rule, facts.scans, policy)
    unknown = [*_missing(rule, scans, policy), *_unread(rule, scans, facts, policy)]
    sifted = sift(rule, scans, facts, policy)
    floor = policy.rules[rule].fails_from.rank
    blocking = [finding for finding in sifted.new if finding.severity.rank >= floor]
    read = {path for scan in scans for path in scan.files_read}
    verdict, message = _verdict(blocking, unknown, sifted, len(read))
    evidence = (
        *lines(unknown, 5),
        *lines([place(one) for one in (*sifted.new, *sifted.doubtful)], SHOWN),
        *lines([f"known before: {place(one)}" for one in sifted.before], 3),
        *lines([summary(scan) for scan in scans], 10),
    )
    return Ruling(verdict, message, evidence, len(read))


def _verdict(blocking: Sequence[Finding], unknown: Sequence[str], sifted: Sifted, read: int) -> tuple[Verdict, str]:
    doubt = (
        f"{counted(len(sifted.doubtful), 'finding')} may be new: the base could not be scanned"
        if sifted.doubtful
        else ""
    )
    told = "; ".join([*unknown, *([doubt] if doubt else [])])
    if blocking:
        return Verdict.FAIL, f"{count(blocking)}, first {place(blocking[0])}" + (f"; and {told}" if told else "")
    if told:
        return Verdict.UNDETERMINED, told
    old = f" ({len(sifted.before)} known before)" if sifted.before else ""
    if sifted.new:
        return Verdict.WARN, f"{count(sifted.new)}, none that blocks{old}"
    if not read:
        return Verdict.SKIP, "no changed file for it to read"
    return Verdict.PASS, f"{counted(read, 'file')} read, nothing new found{old}"


def _missing(rule: str, scans: Sequence[Scan], policy: GovernancePolicy) -> Iterator[str]:
    names = policy.rules[rule].scanners
    if not names:
        yield "policy names no scanner for it"
    ran = {scan.scanner for scan in scans}
    yield from (f"{name} did not run" for name in names if name not in ran)
    yield from (why_unknown(scan) for scan in scans if not scan.known)


def _unread(rule: str, scans: Sequence[Scan], facts: ChangeFacts, policy: GovernancePolicy) -> Iterator[str]:
    """Tell of changed text files that policy wants read and no scanner says it was given."""
    given = {path for scan in scans for path in scan.files_given}
    wanted = [
        file.path
        for file in facts.files
        if file.status != "D" and not file.binary and file.size and file.mode in REGULAR
        if matches_any(file.path, policy.rules[rule].reads)
        if not excluded(policy, rule, file.path, "", facts.now.date())
    ]
    left = sorted(set(wanted) - given)
    if left and scans:
        yield f"no scanner was given {named(left)}"
