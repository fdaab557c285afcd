"""OpenAI's Responses API, as a stand-in speaks it."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from domain.execution import Usage
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
    Used,
    halves,
    items,
    need,
    paired,
    told,
)  # fmt: skip

CALLS = {"function_call", "custom_tool_call", "local_shell_call"}
FOLDER = re.compile(r"<cwd>([^<]+)</cwd>")
#: status, type, code, message; {model} is the one asked for
REFUSALS: dict[FaultKind, tuple[int, str, str | None, str]] = {
    FaultKind.UNAUTHORIZED: (401, "invalid_request_error", "invalid_api_key", "Incorrect API key provided."),
    FaultKind.FORBIDDEN: (403, "invalid_request_error", None, "You are not allowed to sample from this model"),
    FaultKind.CONTEXT_OVERFLOW: (
        400, "invalid_request_error", "context_length_exceeded",
        "Your input exceeds the context window of this model. Please adjust your input and try again.",
    ),
    FaultKind.BAD_REQUEST: (400, "invalid_request_error", "invalid_value", "Invalid value."),
    FaultKind.MODEL_UNKNOWN: (
        404, "invalid_request_error", "model_not_found",
        "The model '{model}' does not exist or you do not have access to it.",
    ),
    FaultKind.QUOTA: (
        429, "insufficient_quota", "insufficient_quota",
        "You exceeded your current quota, please check your plan and billing details.",
    ),
    FaultKind.RATE_LIMITED: (
        429, "tokens", "rate_limit_exceeded", "Rate limit reached for {model} on tokens per min (TPM).{again}",
    ),
    FaultKind.SERVER_ERROR: (
        500, "server_error", None, "The server had an error while processing your request. Sorry about that!",
    ),
    FaultKind.OVERLOADED: (
        503, "service_unavailable_error", "server_is_overloaded", "The engine is currently overloaded.",
    ),
}  # fmt: skip


class OpenAI:
    name = "openai"

    def key(self, headers: Mapping[str, str], query: Mapping[str, str]) -> str | None:
        scheme, _, key = headers.get("authorization", "").partition(" ")
        return key.strip() or None if scheme.lower() == "bearer" else None

    def read(self, path: str, body: Body, headers: Mapping[str, str]) -> Asked:
        model = need(body, "model", str)
        given = body.get("input")
        if isinstance(given, str) and given:
            given = [{"type": "message", "role": "user", "content": given}]
        history = tuple(_said(one) for one in items(given, "input"))
        if not history:
            raise Refused("Missing or invalid required parameter: 'input'.")
        paired(
            (one.call for one in history if one.own and one.call),
            (one.call for one in history if not one.own and one.call),
        )
        folder = FOLDER.search("\n".join(one.text for one in history))
        tools = {tool.name: tool for tool in map(_tool, items(body.get("tools", []), "tools"))}
        return Asked(model, body.get("stream") is True, history, tools, folder[1] if folder else None)

    def frames(self, answer: Answer) -> list[Frame]:
        events = list(_events(answer))
        return [_frame(event | {"sequence_number": number}, answer) for number, event in enumerate(events)]

    def whole(self, answer: Answer) -> Frame:
        return Frame(_response(answer, "completed", _items(answer)), tells=told(answer.turn))

    def broken(self) -> Frame:
        error = {"code": "server_error", "message": "The server had an error while processing your request."}
        response = {"id": "resp_broken", "object": "response", "status": "failed", "error": error, "output": []}
        return Frame({"type": "response.failed", "response": response}, "response.failed")

    def refusal(self, fault: Fault, model: str) -> Refusal:
        status, kind, code, message = REFUSALS[fault.kind]
        after = fault.retry_after
        again = "" if after is None else f" Please try again in {after}s."
        headers = {} if after is None else {"retry-after": str(after)}
        return Refusal(status, _error(kind, code, message.format(model=model, again=again)), headers)

    def wrong(self, message: str, status: int) -> Refusal:
        return Refusal(status, _error("invalid_request_error", None, message))


def _error(kind: str, code: str | None, message: str) -> Body:
    return {"error": {"message": message, "type": kind, "param": None, "code": code}}


def _said(item: Body) -> Said:
    kind = str(item.get("type", "message"))
    call = item.get("call_id")
    if kind in CALLS:
        return Said(own=True, call=_id(call))
    if kind.removesuffix("_output") in CALLS:
        return Said(own=False, call=_id(call))
    if kind == "reasoning":
        return Said(own=True)
    if kind != "message" or item.get("role") not in ("user", "assistant", "system", "developer"):
        raise Refused(f"Invalid value: '{kind}' of role '{item.get('role')}' is no input item.")
    own = item["role"] == "assistant"
    return Said(own=own, text=_text(item.get("content")))


def _id(call: object) -> str:
    if not isinstance(call, str) or not call:
        raise Refused("Missing required parameter: 'input[].call_id'.")
    return call


def _text(content: object) -> str:
    if isinstance(content, str):
        return content
    return "\n".join(str(part.get("text", "")) for part in items(content, "input[].content"))


def _tool(tool: Body) -> Tool:
    """Read an offered tool; those that the provider runs itself have no name but their type."""
    parameters: Any = tool.get("parameters")
    properties: Any = parameters.get("properties") if isinstance(parameters, dict) else None
    return Tool(
        str(tool.get("name", tool.get("type"))),
        frozenset(properties if isinstance(properties, dict) else ()),
        freeform=tool.get("type") == "custom",
    )


def _usage(tokens: Tokens) -> Body:
    asked = tokens.input + tokens.cached
    return {
        "input_tokens": asked,
        "input_tokens_details": {"cached_tokens": tokens.cached},
        "output_tokens": tokens.output,
        "output_tokens_details": {"reasoning_tokens": tokens.reasoning},
        "total_tokens": asked + tokens.output,
    }


def _response(answer: Answer, status: str, output: list[Body]) -> Body:
    return {
        "id": f"resp_t{answer.asked.turn}",
        "object": "response",
        "created_at": 1_700_000_000,
        "status": status,
        "error": None,
        "incomplete_details": None,
        "model": answer.model,
        "output": output,
        "parallel_tool_calls": True,
        "usage": _usage(answer.turn.usage) if status == "completed" else None,
    }


def _items(answer: Answer) -> list[Body]:
    number, turn = answer.asked.turn, answer.turn
    found: list[Body] = []
    if turn.reason:
        summary = [{"type": "summary_text", "text": turn.reason}]
        found.append({"type": "reasoning", "id": f"rs_t{number}", "summary": summary, "encrypted_content": None})
    if turn.say:
        text = {"type": "output_text", "text": turn.say, "annotations": []}
        said = {"type": "message", "id": f"msg_t{number}", "role": "assistant", "status": "completed"}
        found.append(said | {"content": [text]})
    return found + [_call(used) for used in answer.calls]


def _call(used: Used) -> Body:
    named = {"call_id": used.id, "name": used.tool, "status": "completed"}
    if isinstance(used.arguments, str):
        return {"type": "custom_tool_call", "id": f"ctc_{used.id}", **named, "input": used.arguments}
    return {"type": "function_call", "id": f"fc_{used.id}", **named, "arguments": json.dumps(used.arguments)}


def _events(answer: Answer) -> Iterator[Body]:
    begun = _response(answer, "in_progress", [])
    yield {"type": "response.created", "response": begun}
    yield {"type": "response.in_progress", "response": begun}
    output = _items(answer)
    for place, item in enumerate(output):
        at = {"output_index": place, "item_id": item["id"]}
        yield {"type": "response.output_item.added", "output_index": place, "item": _empty(item)}
        yield from _inside(item, at)
        yield {"type": "response.output_item.done", "output_index": place, "item": item}
    yield {"type": "response.completed", "response": _response(answer, "completed", output)}


def _empty(item: Body) -> Body:
    """An item as it begins."""
    blank = {name: type(item[name])() for name in ("summary", "content", "input", "arguments") if name in item}
    return item | blank | ({"status": "in_progress"} if "status" in item else {})


def _inside(item: Body, at: Body) -> Iterator[Body]:
    match item["type"]:
        case "reasoning":
            at, part = at | {"summary_index": 0}, item["summary"][0]
            yield {"type": "response.reasoning_summary_part.added", **at, "part": part | {"text": ""}}
            yield from _pieces("reasoning_summary_text", at, "text", part["text"])
            yield {"type": "response.reasoning_summary_part.done", **at, "part": part}
        case "message":
            at, part = at | {"content_index": 0}, item["content"][0]
            yield {"type": "response.content_part.added", **at, "part": part | {"text": ""}}
            yield from _pieces("output_text", at, "text", part["text"])
            yield {"type": "response.content_part.done", **at, "part": part}
        case "custom_tool_call":
            yield from _pieces("custom_tool_call_input", at, "input", item["input"])
        case _:
            yield from _pieces("function_call_arguments", at, "arguments", item["arguments"])


def _pieces(name: str, at: Body, field: str, text: str) -> Iterator[Body]:
    for piece in halves(text):
        yield {"type": f"response.{name}.delta", **at, "delta": piece}
    yield {"type": f"response.{name}.done", **at, field: text}


def _frame(event: Body, answer: Answer) -> Frame:
    tells: Usage | None = told(answer.turn) if event["type"] == "response.completed" else None
    return Frame(event, event["type"], tells)
