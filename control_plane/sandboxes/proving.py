"""Let hostile programs loose in the sandboxes of this machine, and say which were contained."""

from collections.abc import Callable, Sequence
from typing import Any

from control_plane.sandboxes.hostile.catalogue import CATALOGUE
from control_plane.sandboxes.hostile.shapes import Finding
from control_plane.sandboxes.hostile.suite import run_suite
from domain.errors import InvalidInput, IsolationRequired
from domain.sandbox import Isolation
from resources.sandboxes import availability
from resources.unowned import making
from resources.wiring import Factory

Tell = Callable[[str], None]


def prove(factory: Factory, *, backends: Sequence[str], only: Sequence[str], tell: Tell) -> list[Finding]:
    """Run the suite in each sandbox that was asked for, or in each that works here.

    Raises:
        InvalidInput: no such sandbox or behaviour. IsolationRequired: none of them works; says why.
    """
    _check(factory, backends, only)
    chosen = [name for name in backends or _isolating(factory) if availability(factory, name).works]
    if not chosen or len(chosen) < len(backends):
        reasons = [f"{name}: {availability(factory, name).detail}" for name in backends or _isolating(factory)]
        raise IsolationRequired(f"no such sandbox works here: {'; '.join(reasons)}")
    found: list[Finding] = []
    with making(factory.settings):
        for name in chosen:
            tell(f"{name}: {len(only or CATALOGUE)} behaviours …")
            found += run_suite(
                factory.sandboxes[name],
                name,
                doors=factory.doors,
                home=factory.settings.home,
                only=only or None,
                progress=lambda one: tell(finding_line(one)),
            )
    return found


def _isolating(factory: Factory) -> list[str]:
    return [name for name, sandbox in factory.sandboxes.items() if sandbox.isolation is not Isolation.NONE]


def _check(factory: Factory, backends: Sequence[str], only: Sequence[str]) -> None:
    unknown = sorted(set(backends) - set(_isolating(factory)))
    if unknown:
        raise InvalidInput(f"no isolating sandbox {', '.join(unknown)}; there are {', '.join(_isolating(factory))}")
    missing = sorted(set(only) - {one.name for one in CATALOGUE})
    if missing:
        raise InvalidInput(f"no behaviour {', '.join(missing)}; `factory sandbox test --json` names them all")


def word_for(finding: Finding) -> str:
    if finding.contained:
        return "contained"
    return "accepted" if finding.accepted_reason else "NOT CONTAINED"


def finding_line(finding: Finding) -> str:
    return f"  {word_for(finding):13} {finding.backend:10} {finding.name}: {finding.tries}"


def findings_document(findings: Sequence[Finding]) -> dict[str, Any]:
    """Return `{"ok", "behaviours": [{"name", "backend", "contained", "accepted_reason", ...}]}`."""
    ok = bool(findings) and all(one.contained or one.accepted_reason for one in findings)
    return {"ok": ok, "behaviours": [one.model_dump(mode="json") for one in findings]}


def prove_lines(findings: Sequence[Finding]) -> list[str]:
    """Return the sums, and all about each that was not contained; the rest was told while it ran."""
    lines = []
    for finding in findings:
        if not finding.contained:
            lines += [finding_line(finding), f"      {finding.accepted_reason or finding.evidence}"]
    contained = sum(one.contained for one in findings)
    accepted = sum(bool(one.accepted_reason) for one in findings if not one.contained)
    open_ones = len(findings) - contained - accepted
    return [*lines, f"{contained} contained, {accepted} accepted with a reason, {open_ones} NOT contained"]
