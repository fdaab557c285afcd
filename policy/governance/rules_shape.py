"""The bounds of a change: how much of it a person can still read."""

from collections.abc import Iterator

from domain.changes import ChangeFacts
from domain.governance import FileChange, Verdict
from policy.governance.model import GovernancePolicy
from policy.governance.shape import Ruling, excluded
from policy.governance.visible import counted, lines

_NEW_BINARY = {"fail": Verdict.FAIL, "warn": Verdict.WARN, "pass": Verdict.PASS}


def size(facts: ChangeFacts, policy: GovernancePolicy) -> Ruling:
    """Judge files, lines, bytes and binaries; an excluded file counts as no file, its lines still count."""
    files = [one for one in facts.files if not excluded(policy, "size", one.path, "", facts.now.date())]
    changed = facts.lines_added + facts.lines_removed
    told = [*_whole(len(files), changed, policy), *(one for file in files for one in _of_file(file, policy))]
    worst = max((verdict for verdict, _ in told), key=lambda one: one.rank, default=Verdict.PASS)
    bad = [text for verdict, text in told if verdict is worst]
    summary = f"{counted(len(facts.files), 'file')}, {counted(changed, 'line')}"
    if worst is Verdict.PASS:
        return Ruling(worst, summary)
    more = f" and {len(bad) - 1} more" if len(bad) > 1 else ""
    return Ruling(worst, f"{bad[0]}{more}", lines([*(text for _, text in told), summary]))


def _whole(files: int, changed: int, policy: GovernancePolicy) -> Iterator[tuple[Verdict, str]]:
    if files > policy.size.max_files:
        yield Verdict.FAIL, f"{files} files, more than {policy.size.max_files}: split the change"
    if changed > policy.size.max_lines:
        yield Verdict.FAIL, f"{changed} lines, more than {policy.size.max_lines}: split the change"


def _of_file(file: FileChange, policy: GovernancePolicy) -> Iterator[tuple[Verdict, str]]:
    if file.size > policy.size.max_file_bytes:
        yield Verdict.FAIL, f"{file.path}: {file.size} bytes, more than {policy.size.max_file_bytes}"
    if not file.binary or file.status == "D":
        return
    if file.status == "A":
        verdict = _NEW_BINARY[policy.size.new_binary]
        if verdict is not Verdict.PASS:
            yield verdict, f"{file.path}: a new binary file, which no reviewer can read"
    else:
        yield Verdict.WARN, f"{file.path}: a changed binary file, which no reviewer can read"
