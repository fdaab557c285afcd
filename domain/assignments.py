"""Who does a ticket's work, and by what."""

from domain.model import Name, Record, Value
from domain.profiles import ProfileSnapshot
from domain.routing import Route
from domain.tickets import ReviewPolicy


class WorkOrder(Value):
    """What a run works by; nothing of it changes when the profile is edited later."""

    engine: Name
    engine_class: Name | None
    capabilities: tuple[str, ...]
    prefers: tuple[str, ...]
    verify: tuple[str, ...]
    allowed_scope: tuple[str, ...]
    review_policy: ReviewPolicy
    persona: str
    profile: ProfileSnapshot | None


class Assignment(Record):
    """The router's choice for one run, stored with its lease."""

    harness: Name
    order: WorkOrder
    route: Route
