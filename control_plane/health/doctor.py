"""`factory doctor`: each thing that must be right, what is found, and what to do when it is not."""

from collections.abc import Callable, Sequence
from typing import Any

from control_plane.health.attention import expired_leases, stalled_tickets
from control_plane.health.github import github_checks
from control_plane.health.images import image_checks
from control_plane.health.machine import (
    Check,
    disk_check,
    git_check,
    home_check,
    python_check,
    sandbox_checks,
    uv_check,
)
from control_plane.health.network import network_checks
from control_plane.health.scanners import scanners_check
from control_plane.services.beat import is_alive
from domain.errors import FactoryError
from domain.lifecycle import Stage
from domain.repositories import Repository
from resources.brokers import brokers
from resources.settings import Settings
from resources.unowned import making
from resources.wiring import Factory


def doctor(settings: Settings, opener: Callable[[Settings], Factory]) -> dict[str, Any]:
    """Return `{"ok", "checks": [{"name", "ok", "detail", "remedy"}]}`; a ledger out of reach is a finding too."""
    checks = [python_check(), git_check(), uv_check(), home_check(settings.home), disk_check(settings.home)]
    checks.append(scanners_check(settings))
    checks += network_checks(settings)
    repositories: Sequence[Repository] = ()
    try:
        factory = opener(settings)
        repositories = factory.oversight.repositories()
        checks.append(Check(name="ledger", ok=True, detail="answers, and its tables are of this release"))
        with brokers(factory, egress=False), making(factory.settings):
            checks += sandbox_checks(dict(factory.sandboxes))
            checks += image_checks(factory.policy.images, factory.sandboxes.get("docker"))
        checks += _work_checks(factory)
    except FactoryError as error:
        checks.append(Check(name="ledger", ok=False, detail=f"[{error.code}] {error.message}", remedy=error.remedy))
    checks += github_checks(settings, repositories)
    return {"ok": all(check.ok for check in checks), "checks": [check.model_dump() for check in checks]}


def _work_checks(factory: Factory) -> list[Check]:
    return [_services(factory), _stalled(factory), _leases(factory)]


def _services(factory: Factory) -> Check:
    alive = is_alive(factory)
    waiting = len(factory.lookup.tickets(stage=Stage.QUEUED)) + len(factory.oversight.live_leases())
    ok = alive or not waiting
    detail = "dispatch is alive" if alive else f"not running; {waiting} ticket(s) need them"
    return Check(name="services", ok=ok, detail=detail, remedy=None if ok else "Run `factory up`.")


def _stalled(factory: Factory) -> Check:
    found = stalled_tickets(factory)
    detail = "; ".join(f"{ticket.id} ({ticket.stage}): {action.action}" for ticket, action in found[:10]) or "none"
    remedy = "See `factory ticket show TICKET`; start `factory up`, or cancel it." if found else None
    return Check(name="stalled tickets", ok=not found, detail=detail, remedy=remedy)


def _leases(factory: Factory) -> Check:
    found = expired_leases(factory)
    detail = ", ".join(f"{lease.ticket_id} (fence {lease.fence})" for lease in found) or "none"
    remedy = "`factory up` runs recovery, which ends them." if found else None
    return Check(name="expired leases", ok=not found, detail=detail, remedy=remedy)
