"""Jobs and candidates for routing tests."""

from typing import Any

from domain.candidates import Candidate
from domain.routing import JobNeeds
from tests.policy.facts import NOON


def harness(name: str = "codex", **told: Any) -> Candidate:
    return Candidate.model_validate({"name": name, "engine_class": "agentic-coder", "limit": 5, **told})


def job(name: str = "T-1", **told: Any) -> JobNeeds:
    return JobNeeds.model_validate({"id": name, "repository": "calc", "created_at": NOON, **told})
