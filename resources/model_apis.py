"""The APIs of agents' models. Each enabled agent reaches its own through an upstream of its name, and no other way."""

from collections.abc import Mapping
from typing import Final

from domain.model import Value
from resources.settings import HarnessSettings, Settings, UpstreamSettings

INSIDE: Final = "http://127.0.0.1:3128"  #: a sandbox's door, as what is inside sees it


class ModelApi(Value):
    url: str | None  #: the vendor's; None: an operator says whose
    version: str  #: its paths' first part, which an operator's address need not have
    paths: tuple[str, ...]
    probe: str  #: the cheapest request that only a good key gets answered
    header: str = "authorization"
    prefix: str = "Bearer "
    told: dict[str, str] = {}  #: headers the probe needs besides
    wants_model: bool = False  #: it does not know itself whom to ask


MODEL_APIS: Final[Mapping[str, ModelApi]] = {
    "codex": ModelApi(
        url="https://api.openai.com", version="/v1", paths=("/v1/responses", "/v1/models"), probe="/v1/models"
    ),
    "claude_code": ModelApi(
        url="https://api.anthropic.com",
        version="/v1",
        paths=("/v1/messages", "/v1/models"),
        probe="/v1/models?limit=1",
        header="x-api-key",
        prefix="",
        told={"anthropic-version": "2023-06-01"},
    ),
    "gemini_cli": ModelApi(
        url="https://generativelanguage.googleapis.com",
        version="/v1beta",
        paths=("/v1beta/models",),
        probe="/v1beta/models?pageSize=1",
        header="x-goog-api-key",
        prefix="",
    ),
    "openhands": ModelApi(
        url=None,
        version="/v1",
        paths=("/v1/chat/completions", "/v1/responses", "/v1/models"),
        probe="/v1/models",
        wants_model=True,
    ),
}
#: whose API a model's name says it is, where a program speaks several
_BY_MODEL: Final[Mapping[str, ModelApi]] = {
    "anthropic/": MODEL_APIS["claude_code"],
    "openai/": MODEL_APIS["openhands"].model_copy(update={"url": MODEL_APIS["codex"].url}),
}


def api_of(settings: Settings, name: str) -> ModelApi:
    """Return the API that a harness speaks under these settings. Raises KeyError: it speaks none."""
    api, told = MODEL_APIS[name], settings.harnesses.get(name)
    if not api.wants_model or told is None or told.model is None:
        return api
    return next((one for prefix, one in _BY_MODEL.items() if told.model.startswith(prefix)), api)


def upstreams_in_force(settings: Settings) -> dict[str, UpstreamSettings]:
    """Return the upstreams by name: one for each enabled agent, unless an operator wrote one of that name."""
    told = ((name, settings.harnesses.get(name)) for name in MODEL_APIS)
    implied = {name: _implied(settings, name, one) for name, one in told if one is not None and one.enabled}
    return {name: one for name, one in implied.items() if one is not None} | settings.upstreams


def _implied(settings: Settings, name: str, told: HarnessSettings) -> UpstreamSettings | None:
    api = api_of(settings, name)
    url = told.base_url or api.url
    if url is None:
        return None
    return UpstreamSettings(
        url=url.rstrip("/").removesuffix(api.version),
        credential=told.credential,
        header=api.header,
        prefix=api.prefix,
        paths=api.paths,
        harnesses=(name,),
    )


def upstream_names(settings: Settings, harness: str | None) -> tuple[str, ...]:
    """Return the upstreams that a harness at work may use."""
    found = upstreams_in_force(settings).items()
    return tuple(name for name, one in found if not one.harnesses or harness in one.harnesses)
