"""The frozen catalogue of cross-loop events: name, version, fields, who writes and who reads it."""

from collections.abc import Mapping
from typing import Any, Final

from domain.errors import InvalidInput
from domain.model import Value


class EventSpec(Value):
    """`fields` are required in the payload; readers tolerate more."""

    fields: tuple[str, ...]
    producer: str
    consumers: tuple[str, ...] = ("timeline",)
    version: int = 1


def _spec(producer: str, *fields: str, consumers: tuple[str, ...] = ("timeline",)) -> EventSpec:
    return EventSpec(fields=fields, producer=producer, consumers=consumers)


CATALOGUE: Final[Mapping[str, EventSpec]] = {
    "ticket_created": _spec("intake", "title", "repository", "manifest_sha256", consumers=("timeline", "dispatch")),
    "stage_changed": _spec("ledger", "from", "to", "event", "reason", consumers=("timeline", "status")),
    "run_changed": _spec("ledger", "from", "to", "event", "reason", consumers=("timeline", "status")),
    "transition_rejected": _spec("ledger", "from", "event", "reason"),
    "ticket_waits": _spec("dispatch", "reason"),
    "harness_assigned": _spec("dispatch", "harness", "reason", "route", consumers=("timeline", "routing")),
    "harness_passed_over": _spec("ledger", "harness", "code", "until", consumers=("timeline", "routing")),
    "run_handed_over": _spec("execution", "from_run_id", "harness", "resumes", "patch"),
    "interrupt_requested": _spec("people", "reason", consumers=("timeline", "execution")),
    "tool_version_drift": _spec("execution", "harness", "expected", "found", consumers=("timeline", "alerts")),
    "breaker_opened": _spec("dispatch", "scope", "reason", "until", consumers=("timeline", "alerts")),
    "breaker_reset": _spec("people", "scope", "reason", consumers=("timeline", "dispatch")),
    "lease_granted": _spec("dispatch", "fence", "owner", "expires_at", consumers=("timeline", "execution")),
    "lease_started": _spec("execution", "fence", "dagster_run_id"),
    "lease_released": _spec("ledger", "fence", "reason", consumers=("timeline", "dispatch")),
    "lease_refused": _spec("execution", "code", "reason"),
    "step_started": _spec("execution", "step"),
    "step_finished": _spec("execution", "step", "seconds"),
    "step_failed": _spec("execution", "step", "code", "reason"),
    "sandbox_provisioned": _spec("execution", "backend", "sandbox", "base_sha"),
    "sandbox_removed": _spec("execution", "backend", "sandbox"),
    "sandbox_orphan_removed": _spec("recovery", "backend", "sandbox"),
    "environment_prepared": _spec("execution", "digest", "cached"),
    "egress_refused": _spec("execution", "host", "reach", "reason", consumers=("timeline", "alerts")),
    "egress_used": _spec("execution", "allowed", "refused", "bytes_up", "bytes_down"),
    "harness_event": _spec("execution", "kind", "text", consumers=("timeline", "supervision")),
    "limit_breached": _spec("execution", "limit", "code", "action", consumers=("timeline", "alerts")),
    "patch_collected": _spec("execution", "sha256", "files_changed", consumers=("timeline", "governance")),
    "verify_completed": _spec("execution", "passed", "commands", consumers=("timeline", "governance")),
    "parent_adopted": _spec("execution", "parent_run_id", "step"),
    "policy_judged": _spec("execution", "verdict", "rules", consumers=("timeline", "governance")),
    "approval_requested": _spec("execution", "rule", "reason", "deadline", consumers=("timeline", "people")),
    "approval_decided": _spec("people", "approved", "reason", "rule", consumers=("timeline", "dispatch")),
    "branch_pushed": _spec("execution", "branch", "head_sha"),
    "pull_request_saved": _spec("execution", "number", "url", "head_sha", consumers=("timeline", "governance")),
    "retry_scheduled": _spec("ledger", "code", "not_before", consumers=("timeline", "dispatch")),
    "dead_lettered": _spec("ledger", "code", "reason", "attempts", consumers=("timeline", "people")),
    "cancel_requested": _spec("people", "reason", consumers=("timeline", "execution")),
    "dead_letter_closed": _spec("people", "reason", consumers=("timeline", "people")),
    "dead_letter_replayed": _spec("people", "reason", "backfill_id", consumers=("timeline", "people")),
    "ticket_requeued": _spec("people", "reason", consumers=("timeline", "dispatch")),
    "ticket_shipped": _spec("people", "merge_sha"),
    "dispatch_paused": _spec("people", "scope", "reason", consumers=("timeline", "dispatch")),
    "dispatch_resumed": _spec("people", "scope", "reason", consumers=("timeline", "dispatch")),
    "repository_saved": _spec("people", "repository", "source"),
    "tracker_filed": _spec("tracking", "item", "passed_over"),
    "tracker_order": _spec("tracking", "item", "said", "verb", "outcome", consumers=("timeline", "people")),
    "tracker_refused": _spec("tracking", "item", "reason", consumers=("timeline", "people")),
    "tracker_told": _spec("tracking", "item", "status", "labels", "digest", consumers=("timeline", "tracking")),
    "autonomy_changed": _spec(
        "people", "repository", "was", "is", "reason", "evidence", consumers=("timeline", "people")
    ),
    "merge_weighed": _spec(
        "governance", "head_sha", "eligible", "confidence", "against", consumers=("timeline", "people")
    ),
    "rework_wanted": _spec("inbox", "reason", "head_sha", "number", consumers=("timeline", "dispatch")),
    "rework_began": _spec("ledger", "reason", consumers=("timeline", "dispatch")),
    "rework_given_up": _spec("dispatch", "reason", "begun", consumers=("timeline", "people")),
    "run_recovered": _spec("recovery", "code", "reason"),
    "dagster_reconciled": _spec("recovery", "dagster_run_id", "status"),
}


def check_event(name: str, payload: Mapping[str, Any]) -> EventSpec:
    """Return the event's spec.

    Raises:
        InvalidInput: the name is not in the catalogue, or a field is missing.
    """
    spec = CATALOGUE.get(name)
    if spec is None:
        raise InvalidInput(f"no event {name!r} in the catalogue")
    missing = [field for field in spec.fields if field not in payload]
    if missing:
        raise InvalidInput(f"event {name} lacks {', '.join(missing)}")
    return spec
