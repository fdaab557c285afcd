"""The settings OpenHands is given, as the file it keeps them in."""

import json
from typing import Any, Final

from adapters.harness.openhands_keeper import CALLS

PLACEHOLDER = "placeholder"  #: the broker puts the key in its place
ATTEMPTS = 1  #: of a request; by default it asks a busy server five times, for two minutes
ANSWER_SECONDS = 300  #: until an answer is there, which comes in one piece
#: as its own default has them, but for the attempts: when it has many events, it asks the model for a summary of them
CONDENSER: Final = {"max_size": 80, "keep_first": 4, "hard_context_reset_max_retries": ATTEMPTS}
ANTHROPIC, OPENAI = "anthropic/", "openai/"  #: what a model's name may begin with: how its API is spoken to


def settings_of(model: str, base_url: str | None) -> str:
    """Return the settings as JSON, with `CALLS` where the folder for written down answers is to be named.

    A model that names neither way to speak to its API is spoken to as OpenAI's chat completions are.
    """
    agent = {
        "kind": "Agent",
        "llm": _llm(model, base_url, "agent"),
        "tools": [],  # it fills in its own
        "system_prompt_kwargs": {"cli_mode": True},
        "condenser": {
            "kind": "LLMSummarizingCondenser",
            "llm": _llm(model, base_url, "condenser"),
            **CONDENSER,
        },
    }
    return json.dumps(agent)


def _llm(model: str, base_url: str | None, use: str) -> dict[str, Any]:
    named, base = _wired(model, base_url)
    return {
        "usage_id": use,
        "model": named,
        "base_url": base,
        "api_key": PLACEHOLDER,
        "num_retries": ATTEMPTS,
        "timeout": ANSWER_SECONDS,
        "log_completions": True,
        "log_completions_folder": CALLS,
    }


def _wired(model: str, base_url: str | None) -> tuple[str, str | None]:
    base: Final = base_url.rstrip("/") if base_url else None
    if model.startswith(ANTHROPIC):
        return model, base
    return model if model.startswith(OPENAI) else f"{OPENAI}{model}", f"{base}/v1" if base else None
