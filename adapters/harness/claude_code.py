"""The Claude Code harness, by duplex `stream-json`: it tells usage with each answer and can be interrupted."""

import re
from typing import Final

from adapters.harness import claude_code_protocol as protocol
from adapters.harness.claude_code_session import ClaudeSession
from domain.errors import InvalidInput
from domain.harness import Brief, Command, Traits

PLACEHOLDER = "placeholder"  #: the broker puts the key in its place
RETRIES = 1  #: of a request, after a pause below a second: enough for a blip
ANSWER_MS = 60_000  #: until an answer begins; until it ends when a broken stream is asked for again in one piece
OUTPUT_LIMIT = 64_000_000  #: bytes; each piece of an answer is a line of its own
SESSION: Final = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
SPEAKING: Final = ("--input-format", "stream-json", "--output-format", "stream-json", "--verbose")
#: Nothing reaches outside past the broker, and no tool server that the repository names is started.
CLOSED: Final = ("--disallowedTools=WebFetch,WebSearch", "--strict-mcp-config")
ENVIRONMENT: Final = {
    "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
    "CLAUDE_CODE_DISABLE_BACKGROUND_TASKS": "1",  # one task, one end
    "CLAUDE_CODE_DISABLE_CRON": "1",
    "CLAUDE_CODE_MAX_RETRIES": str(RETRIES),
    "API_TIMEOUT_MS": str(ANSWER_MS),
    "DISABLE_AUTOUPDATER": "1",
    "IS_SANDBOX": "1",  # the user in there may be root
}


class ClaudeCode:
    name = "claude_code"
    trusted = False
    traits = Traits(
        program="claude",
        package="npm:@anthropic-ai/claude-code",
        converses=True,
        resumes=True,
        tells_usage=True,
        session_paths=(".claude/projects",),
    )

    def command(self, brief: Brief) -> Command:
        if not brief.prompt.strip():
            raise InvalidInput("the claude_code harness needs a prompt", field="prompt")
        if brief.session_id is not None and not SESSION.fullmatch(brief.session_id):
            raise InvalidInput("a session of claude_code is named by a UUID", field="session_id")
        options = brief.options
        return Command(
            argv=(options.executable or "claude", "-p", *SPEAKING, *_flags(brief), *options.arguments),
            stdin=protocol.written(protocol.task(brief.prompt)),
            environment=_environment(options.base_url),
            network=True,
            output_limit=OUTPUT_LIMIT,
            converses=True,
        )

    def open(self, brief: Brief) -> ClaudeSession:
        return ClaudeSession(brief)


def _flags(brief: Brief) -> list[str]:
    flags = ["--include-partial-messages", *CLOSED]
    if brief.yolo:
        flags.append("--dangerously-skip-permissions")
    if brief.options.model:
        flags.append(f"--model={brief.options.model}")
    if brief.session_id:
        flags.append(f"--resume={brief.session_id}")
    return flags


def _environment(base_url: str | None) -> dict[str, str]:
    if base_url is None:
        return ENVIRONMENT
    return ENVIRONMENT | {"ANTHROPIC_BASE_URL": base_url.rstrip("/"), "ANTHROPIC_API_KEY": PLACEHOLDER}
