"""Every harness, by name."""

from collections.abc import Callable, Mapping
from typing import Final

from adapters.harness.claude_code import ClaudeCode
from adapters.harness.codex import CodexHarness
from adapters.harness.command import CommandHarness
from adapters.harness.contract import Harness
from adapters.harness.gemini_cli import GeminiCli
from adapters.harness.openhands import OpenHands

HARNESSES: Final[Mapping[str, Callable[[], Harness]]] = {
    "command": CommandHarness,
    "codex": CodexHarness,
    "claude_code": ClaudeCode,
    "gemini_cli": GeminiCli,
    "openhands": OpenHands,
}
