"""Gemini CLI, one prompt a process: `--output-format stream-json`, the prompt on standard input."""

import json
from typing import Final

from adapters.harness.gemini_cli_stream import GeminiSession
from adapters.harness.gemini_cli_watching import TELEMETRY, WAIT, WATCH, WHOLE
from adapters.harness.starting import with_files
from domain.errors import InvalidInput
from domain.harness import Brief, Command, Traits

PLACEHOLDER_KEY = "placeholder"  #: the program wants one; the broker outside puts the real one in its place
SETTINGS = ".gemini/settings.json"
OUTPUT_LIMIT = 64_000_000  #: bytes; what its terminal event comes after must not use it up

#: a repository's own `.gemini/settings.json` wins over these: only a file owned by root all the way up would not
_SETTINGS = {
    "advanced": {"ignoreLocalEnv": True},
    "general": {
        "enableAutoUpdate": False,
        "enableAutoUpdateNotification": False,
        "maxAttempts": 1,
        "retryFetchErrors": False,
    },
    "ide": {"enabled": False},
    "privacy": {"usageStatisticsEnabled": False},
    "security": {
        "auth": {"selectedType": "gemini-api-key"},
        "environmentVariableRedaction": {"enabled": True},
    },
}

MODEL: Final = "gemini-2.5-pro"  #: without one, it first asks another model which to take


class GeminiCli:
    """`session_id` resumes only a session whose first turn ended; SIGINT is the only way to stop it."""

    name = "gemini_cli"
    trusted = False
    traits = Traits(
        program="gemini",
        package="npm:@google/gemini-cli",
        resumes=True,
        tells_usage=True,
        session_paths=(".gemini/tmp", ".gemini/history"),
    )

    def command(self, brief: Brief) -> Command:
        if not brief.prompt.strip():
            raise InvalidInput("Gemini CLI needs a prompt", field="prompt")
        return Command(
            argv=with_files({SETTINGS: json.dumps(_SETTINGS), WHOLE: WAIT}, ("sh", "-c", WATCH, "sh", *_argv(brief))),
            stdin=brief.prompt,
            environment=_environment(brief),
            output_limit=OUTPUT_LIMIT,
        )

    def open(self, brief: Brief) -> GeminiSession:
        return GeminiSession(resumes=brief.session_id is not None)


def _argv(brief: Brief) -> tuple[str, ...]:
    options = brief.options
    argv = [options.executable or GeminiCli.traits.program, "--output-format=stream-json", "--skip-trust"]
    if brief.yolo:
        argv.append("--yolo")
    argv.append(f"--model={options.model or MODEL}")
    if brief.session_id:
        argv.append(f"--resume={brief.session_id}")
    return (*argv, *options.arguments)


def _environment(brief: Brief) -> dict[str, str]:
    told = TELEMETRY | {
        "GEMINI_API_KEY": PLACEHOLDER_KEY,
        # it starts itself a second time otherwise, and the first one keeps signals from the second
        "GEMINI_CLI_NO_RELAUNCH": "true",
        "NO_COLOR": "1",
    }
    if brief.options.base_url:
        told["GOOGLE_GEMINI_BASE_URL"] = brief.options.base_url
    return told
