"""The OpenHands harness, one task a process: `--headless --json`, kept by a program of ours inside the sandbox."""

import re
from pathlib import Path
from typing import Final

from adapters.harness import openhands_keeper
from adapters.harness.openhands_session import OpenHandsSession
from adapters.harness.openhands_settings import settings_of
from domain.errors import InvalidInput
from domain.harness import Brief, Command, Traits

KEEPER: Final = Path(openhands_keeper.__file__).read_text()
OUTPUT_LIMIT = 64_000_000  #: bytes; how it ended comes after all it said
SESSION: Final = re.compile(r"[0-9a-fA-F]{8}(-?[0-9a-fA-F]{4}){3}-?[0-9a-fA-F]{12}")
SPEAKING: Final = ("--headless", "--json", "--always-approve", "--exit-without-confirmation")
ENVIRONMENT: Final = {
    "LITELLM_LOCAL_MODEL_COST_MAP": "True",  # else it asks GitHub for prices, and waits
    "OPENHANDS_SUPPRESS_BANNER": "1",
    "PYTHONUNBUFFERED": "1",
}


class OpenHands:
    """Behind a flag: it is large, and it starts slowly."""

    name = "openhands"
    trusted = False
    traits = Traits(
        program="openhands",
        package="pypi:openhands",
        resumes=True,
        tells_usage=True,
        session_paths=(".openhands/conversations",),
    )

    def command(self, brief: Brief) -> Command:
        _check(brief)
        options, session = brief.options, brief.session_id or ""
        program = [options.executable or self.traits.program, *SPEAKING]
        program += [f"--resume={session}"] if session else []
        settings = settings_of(options.model or "", options.base_url)
        return Command(
            argv=("python3", "-I", "-c", KEEPER, settings, session, *program, *options.arguments),
            stdin=brief.prompt,
            environment=ENVIRONMENT,
            network=True,
            output_limit=OUTPUT_LIMIT,
        )

    def open(self, brief: Brief) -> OpenHandsSession:  # noqa: ARG002 - the contract's
        return OpenHandsSession()


def _check(brief: Brief) -> None:
    if not brief.prompt.strip():
        raise InvalidInput("the openhands harness needs a prompt", field="prompt")
    if not brief.options.model:
        raise InvalidInput("the openhands harness needs `harnesses.openhands.model`", field="model")
    if not brief.yolo:
        raise InvalidInput("openhands asks nobody before it uses a tool, so `yolo: false` cannot be kept", field="yolo")
    if brief.session_id is not None and not SESSION.fullmatch(brief.session_id):
        raise InvalidInput("a session of openhands is named by a UUID", field="session_id")
