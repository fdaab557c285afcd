"""Google's Gemini API, as a stand-in speaks it."""

import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import unquote

from tests.support.model.script import Fault, FaultKind, Tokens
from tests.support.model.wire import (
    Answer,
    Asked,
    Body,
    Frame,
    Refusal,
    Refused,
    Said,
    Tool,
    halves,
    items,
    told,
)  # fmt: skip

FOLDER = re.compile(r"Workspace Directories:\*\*\s+- (\S+)")
ASKED = re.compile(r"/models/(?P<model>[^/:]+):(?P<verb>\w+)$")
DETAIL = "type.googleapis.com/google.rpc."
#: status, its name, message; {model} is the one asked for
REFUSALS: dict[FaultKind, tuple[int, str, str]] = {
    FaultKind.UNAUTHORIZED: (401, "UNAUTHENTICATED", "API key not valid. Please pass a valid API key."),
    FaultKind.FORBIDDEN: (403, "PERMISSION_DENIED", "Permission denied."),
    FaultKind.CONTEXT_OVERFLOW: (
        400, "INVALID_ARGUMENT",
        "The input token count (1200000) exceeds the maximum number of tokens allowed (1048576).",
    ),
    FaultKind.BAD_REQUEST: (400, "INVALID_ARGUMENT", "Request contains an invalid argument."),
    FaultKind.MODEL_UNKNOWN: (
        404, "NOT_FOUND",
        "models/{model} is not found for API version v1beta, or is not supported for generateContent.",
    ),
    FaultKind.QUOTA: (
        429, "RESOURCE_EXHAUSTED", "You exceeded your current quota, please check your plan and billing details.",
    ),
    FaultKind.RATE_LIMITED: (429, "RESOURCE_EXHAUSTED", "Resource has been exhausted (e.g. check quota)."),
    FaultKind.SERVER_ERROR: (500, "INTERNAL", "An internal error has occurred."),
    FaultKind.OVERLOADED: (503, "UNAVAILABLE", "The model is overloaded. Please try again later."),
}  # fmt: skip


class Gemini:
    name = "gemini"

    def key(self, headers: Mapping[str, str], query: Mapping[str, str]) -> str | None:
        return headers.get("x-goog-api-key") or query.get("key") or None

    def read(self, path: str, body: Body, headers: Mapping[str, str]) -> Asked:
        named = ASKED.search(unquote(path))
        if named is None:
            raise Refused(f"{path} names no model and method")
        contents = items(body.get("contents"), "contents")
        if not contents:
            raise Refused("* GenerateContentRequest.contents: contents is not specified")
        history = tuple(said for content in contents for said in _said(content))
        folder = FOLDER.search("\n".join(one.text for one in history))
        tools = {tool.name: tool for tool in _tools(body.get("tools", []))}
        stream = named["verb"] == "streamGenerateContent"
        return Asked(named["model"], stream, history, tools, folder[1] if folder else None)

    def frames(self, answer: Answer) -> list[Frame]:
        parts = list(_parts(answer, split=True))
        begun = told(answer.turn).model_copy(update={"output_tokens": 0})
        frames = [Frame(_chunk(answer, [part], None), tells=begun) for part in parts[:-1]]
        last = _chunk(answer, parts[-1:] or [{"text": ""}], "STOP")
        return [*frames, Frame(last, tells=told(answer.turn))]

    def whole(self, answer: Answer) -> Frame:
        parts = list(_parts(answer, split=False)) or [{"text": ""}]
        return Frame(_chunk(answer, parts, "STOP"), tells=told(answer.turn))

    def broken(self) -> Frame:
        return Frame(_error(503, "UNAVAILABLE", "The service is currently unavailable.", []))

    def refusal(self, fault: Fault, model: str) -> Refusal:
        status, name, message = REFUSALS[fault.kind]
        headers = {} if fault.retry_after is None else {"retry-after": str(fault.retry_after)}
        return Refusal(status, _error(status, name, message.format(model=model), list(_details(fault, model))), headers)

    def wrong(self, message: str, status: int) -> Refusal:
        names = {401: "UNAUTHENTICATED", 404: "NOT_FOUND"}
        return Refusal(status, _error(status, names.get(status, "INVALID_ARGUMENT"), message, []))


def _error(code: int, status: str, message: str, details: list[Body]) -> Body:
    return {"error": {"code": code, "message": message, "status": status, "details": details}}


def _details(fault: Fault, model: str) -> Iterator[Body]:
    if fault.kind is FaultKind.UNAUTHORIZED:
        yield {"@type": DETAIL + "ErrorInfo", "reason": "API_KEY_INVALID", "domain": "googleapis.com"}
    if fault.kind is FaultKind.QUOTA:
        quota = "GenerateRequestsPerDayPerProjectPerModel"
        violation = {"quotaId": quota, "quotaDimensions": {"model": model}, "quotaValue": "50"}
        yield {"@type": DETAIL + "QuotaFailure", "violations": [violation]}
    if fault.retry_after is not None:
        yield {"@type": DETAIL + "RetryInfo", "retryDelay": f"{fault.retry_after}s"}


def _said(content: Body) -> Iterator[Said]:
    role = content.get("role", "user")
    if role not in ("user", "model", "function"):
        raise Refused("Please use a valid role: user, model.")
    for part in items(content.get("parts"), "contents.parts"):
        call, result = part.get("functionCall"), part.get("functionResponse")
        if isinstance(call, dict):
            yield Said(own=True, call=str(call.get("id", call.get("name"))))
        elif isinstance(result, dict):
            yield Said(own=False, call=str(result.get("id", result.get("name"))))
        else:
            yield Said(own=role == "model", text=str(part.get("text", "")))


def _tools(tools: object) -> Iterator[Tool]:
    for group in items(tools, "tools"):
        for one in items(group.get("functionDeclarations", []), "tools.functionDeclarations"):
            schema: Any = one.get("parametersJsonSchema") or one.get("parameters")
            properties: Any = schema.get("properties") if isinstance(schema, dict) else None
            yield Tool(str(one.get("name")), frozenset(properties if isinstance(properties, dict) else ()))


def _usage(tokens: Tokens) -> Body:
    """The prompt counts what was cached; candidates leave out thoughts."""
    asked = tokens.input + tokens.cached
    usage = {
        "promptTokenCount": asked,
        "candidatesTokenCount": tokens.output - tokens.reasoning,
        "thoughtsTokenCount": tokens.reasoning,
        "totalTokenCount": asked + tokens.output,
    }
    return usage | ({"cachedContentTokenCount": tokens.cached} if tokens.cached else {})


def _parts(answer: Answer, *, split: bool) -> Iterator[Body]:
    turn = answer.turn
    if turn.reason:
        yield {"text": turn.reason, "thought": True}
    if turn.say:
        yield from ({"text": piece} for piece in (halves(turn.say) if split else [turn.say]))
    for used in answer.calls:
        if isinstance(used.arguments, str):
            raise Refused(f"{used.tool}: this provider has no freeform tools")
        yield {"functionCall": {"id": used.id, "name": used.tool, "args": used.arguments}}


def _chunk(answer: Answer, parts: list[Body], finish: str | None) -> Body:
    """Every chunk tells the usage so far: of one that is not the last, the prompt's."""
    candidate: Body = {"content": {"parts": parts, "role": "model"}, "index": 0}
    tokens = answer.turn.usage
    return {
        "candidates": [candidate | ({"finishReason": finish} if finish else {})],
        "usageMetadata": _usage(tokens if finish else tokens.model_copy(update={"output": 0, "reasoning": 0})),
        "modelVersion": answer.model,
        "responseId": f"t{answer.asked.turn}",
    }
