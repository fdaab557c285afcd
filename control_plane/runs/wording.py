"""Events of the ledger in words for people; text from outside cannot command their terminal."""

import re
from collections.abc import Mapping
from typing import Final

from domain.events import CATALOGUE
from domain.execution import Event

LONGEST = 300

WORDS: Final[Mapping[str, str]] = {
    "ticket_created": "ticket created for {repository}",
    "stage_changed": "ticket {from} → {to}",
    "run_changed": "run {from} → {to}",
    "transition_rejected": "refused {event} from {from}: {reason}",
    "ticket_waits": "waits: {reason}",
    "lease_granted": "lease granted, fence {fence}, until {expires_at}",
    "lease_started": "Dagster run {dagster_run_id} took the lease",
    "lease_released": "lease released: {reason}",
    "lease_refused": "lease refused: [{code}] {reason}",
    "step_started": "{step} …",
    "step_finished": "{step} done in {seconds} s",
    "step_failed": "{step} failed: [{code}] {reason}",
    "sandbox_provisioned": "{backend} sandbox at {base_sha}",
    "sandbox_removed": "{backend} sandbox removed",
    "environment_prepared": "environment {digest} (cached: {cached})",
    "harness_event": "{kind} {text}",
    "harness_assigned": "goes to {harness}: {reason}",
    "harness_passed_over": "{harness} rests until {until}: [{code}]",
    "run_handed_over": "goes on from {from_run_id} of {harness} (its session: {resumes}, its changes: {patch})",
    "interrupt_requested": "asked to pause: {reason}",
    "breaker_opened": "circuit breaker of {scope} open until {until}: {reason}",
    "breaker_reset": "circuit breaker of {scope} closed by hand: {reason}",
    "limit_breached": "limit {limit} breached: {action}",
    "patch_collected": "patch {sha256}: {files_changed} file(s)",
    "verify_completed": "verified: {passed}",
    "policy_judged": "judged: {verdict}",
    "approval_requested": "waits for a person until {deadline}: {reason}",
    "approval_decided": "a person decided (approved: {approved}): {reason}",
    "branch_pushed": "pushed {branch} at {head_sha}",
    "pull_request_saved": "pull request #{number} {url}",
    "retry_scheduled": "tries again not before {not_before} after [{code}]",
    "dead_lettered": "dead letter after {attempts} attempt(s): [{code}] {reason}",
    "cancel_requested": "cancel asked for: {reason}",
    "dead_letter_closed": "dead letter closed: {reason}",
    "dead_letter_replayed": "replayed as backfill {backfill_id}: {reason}",
    "ticket_requeued": "back in the queue: {reason}",
    "ticket_shipped": "shipped as {merge_sha}",
}


def describe(event: Event) -> str:
    """Return one line about an event."""
    payload = {key: _short(value) for key, value in event.payload.items()}
    words = WORDS.get(event.name)
    if words is None or not all(field in payload for field in re.findall(r"{(\w+)}", words)):
        fields = CATALOGUE[event.name].fields if event.name in CATALOGUE else tuple(payload)
        words = " ".join([event.name, *(f"{field}={{{field}}}" for field in fields if field in payload)])
    text = words.format_map(payload).strip()
    reason = payload.get("reason", "")
    if event.name in ("stage_changed", "run_changed") and reason not in ("", "None"):
        text += f" ({reason})"
    return harmless(text)


def harmless(text: str) -> str:
    """Return one line without control characters, so that no output of an agent can steer a terminal."""
    line = re.sub(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]+", " ", text)
    return line if len(line) <= LONGEST else line[: LONGEST - 1] + "…"


def _short(value: object) -> str:
    text = str(value)
    return text[:12] if re.fullmatch(r"[0-9a-f]{40,64}", text) else text
