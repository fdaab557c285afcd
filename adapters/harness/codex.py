"""The Codex harness, by its app server, which tells usage after each answer and can be interrupted in a turn."""

import json
from typing import Final

from adapters.harness import codex_protocol as protocol
from adapters.harness.codex_session import CodexSession
from domain.errors import InvalidInput
from domain.harness import Brief, Command, Traits

PLACEHOLDER = "placeholder"  #: the broker puts the key in its place
KEY = "FACTORY_MODEL_KEY"
RETRIES = 2  #: of a request and of a stream, each with a pause below a second: enough for a blip
STREAM_IDLE_MS = 120_000  #: a model may think this long without a byte
OUTPUT_LIMIT = 64_000_000  #: bytes; each command's output is told whole, up to 1 MB, and an answer three times
SETTINGS: Final = (
    "analytics.enabled=false",
    "check_for_update_on_startup=false",
    'shell_environment_policy.inherit="core"',
    'web_search="disabled"',
)
DISABLED: Final = ("plugins", "unbounded_connection_retries")


class CodexHarness:
    name = "codex"
    trusted = False
    traits = Traits(
        program="codex",
        package="npm:@openai/codex",
        converses=True,
        resumes=True,
        tells_usage=True,
        session_paths=(".codex/sessions",),
    )

    def command(self, brief: Brief) -> Command:
        if not brief.prompt.strip():
            raise InvalidInput("the codex harness needs a prompt", field="prompt")
        options = brief.options
        features = [word for feature in DISABLED for word in ("--disable", feature)]
        settings = [word for setting in _settings(brief) for word in ("-c", setting)]
        return Command(
            argv=(options.executable or "codex", "app-server", *features, *settings, *options.arguments),
            stdin=protocol.opening(brief),
            environment={KEY: PLACEHOLDER} if options.base_url else {},
            network=True,
            output_limit=OUTPUT_LIMIT,
            converses=True,
        )

    def open(self, brief: Brief) -> CodexSession:
        return CodexSession(brief)


def _settings(brief: Brief) -> list[str]:
    """Values are TOML, whose strings are JSON's."""
    settings = list(SETTINGS)
    if brief.options.model:
        settings.append(f"model={_quoted(brief.options.model)}")
    if brief.options.base_url:
        base = _quoted(brief.options.base_url.rstrip("/") + "/v1")
        settings += [
            'model_provider="factory"',
            f'model_providers.factory={{name="factory", base_url={base}, wire_api="responses", env_key="{KEY}", '
            f"request_max_retries={RETRIES}, stream_max_retries={RETRIES}, stream_idle_timeout_ms={STREAM_IDLE_MS}}}",
        ]
    return settings


def _quoted(told: str) -> str:
    return json.dumps(told, ensure_ascii=False)
