"""What nobody changes by the way: protected and shared paths, lock files without their manifest."""

from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase
from typing import Final, NamedTuple

from domain.changes import Author, ChangeFacts
from domain.governance import Verdict
from policy.action_rules import SHARED_EDIT
from policy.governance.approvals import who_approved
from policy.governance.model import GovernancePolicy
from policy.governance.shape import Ruling, excluded
from policy.governance.visible import lines, named
from policy.scopes import touched_paths

REVIEWER: Final = "reviewer"  #: the profile that alone may touch what others build on
PROTECTED: Final = "protected; a person changes it in a pull request of their own"
LOOSE: Final = "lock file without its manifest; change both together"
SHARED: Final = "shared package; a person reviews every change of it"
STRANGE: Final = f"shared package; only work by the profile `{REVIEWER}` may touch it"


class _Touched(NamedTuple):
    path: str
    why: str
    verdict: Verdict  #: of the factory's own change
    by: str | None  #: who approved it

    def line(self) -> str:
        return f"{self.path}: {self.why}" + (f" (approved by {self.by})" if self.by else "")


def protected(facts: ChangeFacts, policy: GovernancePolicy) -> Ruling:
    """Judge protected and shared paths and lock files without their manifest.

    The factory's own change of a shared path is undetermined, because a person has to decide; what a person approved
    of this very head is told and not stopped, as is a person's own pull request.
    """
    touched = sorted({path for file in facts.files for path in touched_paths(file)})
    today = facts.now.date()
    told = [path for path in touched if not excluded(policy, "protected", path, "", today)]
    found = [one for path in told for one in _found(path, touched, facts, policy)]
    if not found:
        return Ruling(Verdict.PASS, "no protected path is touched")
    evidence = lines([one.line() for one in sorted(found, key=lambda one: -one.verdict.rank)])
    message = f"touches {named(dict.fromkeys(one.path for one in found))}"
    if facts.author is Author.PERSON:
        return Ruling(Verdict.WARN, f"{message}: look twice", evidence)
    verdict = max((one.verdict for one in found), key=lambda one: one.rank)
    words = {Verdict.UNDETERMINED: ": a person has to decide", Verdict.WARN: ": approved"}
    return Ruling(verdict, message + words.get(verdict, ""), evidence)


def _found(path: str, touched: Sequence[str], facts: ChangeFacts, policy: GovernancePolicy) -> Iterator[_Touched]:
    by = who_approved(facts, path)
    stops = Verdict.WARN if by else Verdict.FAIL
    if _matches(path, policy.paths.protected):
        yield _Touched(path, PROTECTED, stops, by)
    if _is_loose_lock(path, touched, policy):
        yield _Touched(path, LOOSE, Verdict.FAIL, None)
    if _matches(path, policy.paths.shared):
        agreed = who_approved(facts, path, SHARED_EDIT)
        if facts.ours and facts.profile != REVIEWER:
            yield _Touched(path, STRANGE, Verdict.FAIL, None)
        else:
            yield _Touched(path, SHARED, Verdict.WARN if agreed else Verdict.UNDETERMINED, agreed)


def _matches(path: str, patterns: Sequence[str]) -> bool:
    """Match without case: some forges and file systems read `security.md` as well."""
    return any(fnmatchcase(path.casefold(), pattern.casefold()) for pattern in patterns)


def _is_loose_lock(path: str, touched: Sequence[str], policy: GovernancePolicy) -> bool:
    """A lock file's manifests lie in its own folder or below."""
    folder, _, name = path.rpartition("/")
    manifests = [pattern for lock, many in policy.paths.locks.items() if fnmatchcase(name, lock) for pattern in many]
    near = [one for one in touched if one != path and (not folder or one.startswith(f"{folder}/"))]
    return bool(manifests) and not any(_matches(one.rpartition("/")[2], manifests) for one in near)
