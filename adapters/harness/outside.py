"""What the egress broker says when it, and not the model's API, refuses a request."""

from domain.egress import REFUSED
from domain.errors import ModelUnreachable, SignInFailed


def broker_refusal(said: str) -> str | None:
    """Return the failure's code; None when the broker refused nothing."""
    found = REFUSED.search(said)
    if found is None:
        return None
    return SignInFailed.code if found[1] == "credential-missing" else ModelUnreachable.code
