"""Effects that only note what was asked, and failing ones; the real ones are tested in test_effects.py."""

from dataclasses import dataclass, field
from typing import Any

from domain.repositories import Repository


@dataclass
class Heard:
    """Stand-in for whoever carries effects out: hears them, and fails when told to."""

    effects: list[tuple[str, Any]] = field(default_factory=list)
    failing: list[BaseException] = field(default_factory=list)  #: raised in turn, before anything is heard

    def _hear(self, repository: Repository, effect: Any) -> str:
        if self.failing:
            raise self.failing.pop(0)
        self.effects.append((repository.name, effect))
        return f"heard {type(effect).__name__}"

    file = cancel = obey = judge = follow_up = end_pull = _hear
