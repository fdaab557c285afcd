"""What the egress broker says when it, and not the model's API, refuses a request."""

import re
from typing import Final

_REFUSED: Final = re.compile(r"refused by the factory's egress broker \(([a-z-]{1,40})\)")


def broker_refusal(said: str) -> str | None:
    """Return the failure's code; None when the broker refused nothing."""
    found = _REFUSED.search(said)
    if found is None:
        return None
    return "harness.sign_in" if found[1] == "credential-missing" else "harness.unreachable"
