"""What dispatch is judged by: a whole Factory offers it, and so does a desk that only reads."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

from adapters.harness.contract import Harness
from adapters.ledger.contract import Lookup, Oversight
from resources.settings import Settings

if TYPE_CHECKING:  # most who look do not need the policy, and do not pay for it
    from policy.rules_model import Policy


class Looks(Protocol):
    """Raises (`policy`, where it is read when first asked for): PolicyInvalid."""

    @property
    def settings(self) -> Settings: ...
    @property
    def policy(self) -> "Policy": ...
    @property
    def harnesses(self) -> Mapping[str, Harness]: ...
    @property
    def lookup(self) -> Lookup: ...
    @property
    def oversight(self) -> Oversight: ...
    @property
    def now(self) -> Callable[[], datetime]: ...
