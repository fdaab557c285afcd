"""The engines a ticket may name: every harness this factory knows of, shipped or only declared."""

from collections.abc import Mapping
from typing import Annotated, Any, Final

from pydantic import BeforeValidator

from domain.model import Name

AUTO: Final = "auto"  #: no engine was named: the router chooses one
COMMAND: Final = "command"
SCRIPT: Final = "script"  #: engine class of what only runs a ticket's own commands
AGENTIC_CODER: Final = "agentic-coder"  #: engine class of what works from a prompt

ENGINE_CLASSES: Final[Mapping[str, str]] = {
    COMMAND: SCRIPT,
    "codex": AGENTIC_CODER,
    "claude_code": AGENTIC_CODER,
    "gemini_cli": AGENTIC_CODER,
    "openhands": AGENTIC_CODER,
    "copilot": AGENTIC_CODER,
    "devin": AGENTIC_CODER,
}
ALIASES: Final[Mapping[str, str]] = {"claude": "claude_code", "gemini": "gemini_cli"}
#: declared, but no harness of ours has driven them yet: refused unless an operator enables one
GATED: Final[Mapping[str, str]] = {
    "copilot": "engine copilot is declared but gated: this release ships no harness for it",
    "devin": "engine devin is declared but gated: this release ships no harness for it",
}
#: shipped, but not there at all until an operator asks for it by name
FLAGGED: Final[Mapping[str, str]] = {
    "openhands": "engine openhands is behind a flag: set `harnesses.openhands.enabled` to true",
}


def canonical_engine(name: Any) -> Any:
    """Return the harness's own name for one of its aliases; anything else as it is."""
    return ALIASES.get(name, name) if isinstance(name, str) else name


Engine = Annotated[Name, BeforeValidator(canonical_engine)]
