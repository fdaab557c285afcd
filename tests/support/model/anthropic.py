"""Anthropic's Messages API, as a stand-in speaks it."""

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
    halves,
    items,
    need,
    paired,
    told,
)  # fmt: skip

FOLDER = re.compile(r"working directory(?: is)?: (\S+)")
BEGUN = 1  #: output tokens that the stream's first event tells of, before there are any
#: status, type, message; {model} is the one asked for
REFUSALS: dict[FaultKind, tuple[int, str, str]] = {
    FaultKind.UNAUTHORIZED: (401, "authentication_error", "invalid x-api-key"),
    FaultKind.FORBIDDEN: (
        403, "permission_error", "Your API key does not have permission to use the specified resource.",
    ),
    FaultKind.CONTEXT_OVERFLOW: (400, "invalid_request_error", "prompt is too long: 210000 tokens > 200000 maximum"),
    FaultKind.BAD_REQUEST: (400, "invalid_request_error", "messages: at least one message is required"),
    FaultKind.MODEL_UNKNOWN: (404, "not_found_error", "model: {model}"),
    FaultKind.QUOTA: (
        400, "invalid_request_error",
        "Your credit balance is too low to access the Anthropic API. Please go to Plans & Billing to upgrade or"
        " purchase credits.",
    ),
    FaultKind.RATE_LIMITED: (
        429, "rate_limit_error", "This request would exceed your organization's rate limit of input tokens per minute.",
    ),
    FaultKind.SERVER_ERROR: (500, "api_error", "Internal server error"),
    FaultKind.OVERLOADED: (529, "overloaded_error", "Overloaded"),
}  # fmt: skip


class Anthropic:
    name = "anthropic"

    def key(self, headers: Mapping[str, str], query: Mapping[str, str]) -> str | None:
        bearer = headers.get("authorization", "").removeprefix("Bearer ")
        return headers.get("x-api-key") or bearer or None

    def read(self, path: str, body: Body, headers: Mapping[str, str]) -> Asked:
        if "anthropic-version" not in headers:
            raise Refused("anthropic-version: header is required")
        model = need(body, "model", str)
        if "count_tokens" not in path and need(body, "max_tokens", int) < 1:
            raise Refused("max_tokens: must be greater than or equal to 1")
        messages = items(need(body, "messages", list), "messages")
        history = tuple(said for message in messages for said in _said(message))
        paired(
            (one.call for one in history if one.own and one.call),
            (one.call for one in history if not one.own and one.call),
        )
        folder = FOLDER.search(_system(body.get("system")))
        tools = {tool.name: tool for tool in map(_tool, items(body.get("tools", []), "tools"))}
        return Asked(model, body.get("stream") is True, history, tools, folder[1] if folder else None)

    def frames(self, answer: Answer) -> list[Frame]:
        return [Frame(event, event["type"], _tells(event)) for event in _events(answer)]

    def whole(self, answer: Answer) -> Frame:
        usage = _usage(answer.turn.usage, answer.turn.usage.output)
        message = _message(answer) | {"content": _blocks(answer), "stop_reason": _stop(answer), "usage": usage}
        return Frame(message, tells=told(answer.turn))

    def broken(self) -> Frame:
        return Frame(_error("overloaded_error", "Overloaded"), "error")

    def refusal(self, fault: Fault, model: str) -> Refusal:
        status, kind, message = REFUSALS[fault.kind]
        headers = {} if fault.retry_after is None else {"retry-after": str(fault.retry_after)}
        return Refusal(status, _error(kind, message.format(model=model)), headers | {"request-id": "req_scripted"})

    def wrong(self, message: str, status: int) -> Refusal:
        kinds = {401: "authentication_error", 404: "not_found_error", 413: "request_too_large"}
        return Refusal(status, _error(kinds.get(status, "invalid_request_error"), message))


def _error(kind: str, message: str) -> Body:
    return {"type": "error", "error": {"type": kind, "message": message}, "request_id": "req_scripted"}


def _said(message: Body) -> Iterator[Said]:
    role, content = message.get("role"), message.get("content")
    if role not in ("user", "assistant", "system"):
        raise Refused(f'messages: Unexpected role "{role}".')
    if isinstance(content, str):
        yield Said(own=role == "assistant", text=content)
        return
    for block in items(content, "messages.content"):
        match block.get("type"):
            case "tool_use":
                yield Said(own=True, call=_id(block, "id"))
            case "tool_result":
                yield Said(own=False, call=_id(block, "tool_use_id"))
            case _:
                yield Said(own=role == "assistant", text=str(block.get("text", "")))


def _id(block: Body, name: str) -> str:
    value = block.get(name)
    if not isinstance(value, str) or not value:
        raise Refused(f"messages.content.{block['type']}.{name}: Field required")
    return value


def _system(system: object) -> str:
    if isinstance(system, str) or system is None:
        return system or ""
    return "\n".join(str(block.get("text", "")) for block in items(system, "system"))


def _tool(tool: Body) -> Tool:
    schema: Any = tool.get("input_schema")
    properties: Any = schema.get("properties") if isinstance(schema, dict) else None
    return Tool(str(tool.get("name")), frozenset(properties if isinstance(properties, dict) else ()))


def _usage(tokens: Tokens, output: int) -> Body:
    return {
        "input_tokens": tokens.input - tokens.cache_write,
        "cache_creation_input_tokens": tokens.cache_write,
        "cache_read_input_tokens": tokens.cached,
        "output_tokens": output,
        "service_tier": "standard",
    }


def _tells(event: Body) -> Usage | None:
    """The first event tells the input, the last but one all of it."""
    usage = event.get("usage") or event.get("message", {}).get("usage")
    return usage and Usage(
        input_tokens=usage["input_tokens"] + usage["cache_creation_input_tokens"],
        cached_input_tokens=usage["cache_read_input_tokens"],
        output_tokens=usage["output_tokens"],
    )


def _message(answer: Answer) -> Body:
    return {
        "id": f"msg_t{answer.asked.turn}",
        "type": "message",
        "role": "assistant",
        "model": answer.model,
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "usage": _usage(answer.turn.usage, min(BEGUN, answer.turn.usage.output)),
    }


def _stop(answer: Answer) -> str:
    return "tool_use" if answer.calls else "end_turn"


def _blocks(answer: Answer) -> list[Body]:
    turn = answer.turn
    found: list[Body] = []
    if turn.reason:
        found.append({"type": "thinking", "thinking": turn.reason, "signature": "c2NyaXB0ZWQ="})
    if turn.say:
        found.append({"type": "text", "text": turn.say})
    for used in answer.calls:
        if isinstance(used.arguments, str):
            raise Refused(f"{used.tool}: this provider has no freeform tools")
        found.append({"type": "tool_use", "id": used.id, "name": used.tool, "input": used.arguments})
    return found


def _events(answer: Answer) -> Iterator[Body]:
    yield {"type": "message_start", "message": _message(answer)}
    yield {"type": "ping"}
    for index, block in enumerate(_blocks(answer)):
        yield {"type": "content_block_start", "index": index, "content_block": _empty(block)}
        for delta in _deltas(block):
            yield {"type": "content_block_delta", "index": index, "delta": delta}
        yield {"type": "content_block_stop", "index": index}
    usage = _usage(answer.turn.usage, answer.turn.usage.output)
    yield {"type": "message_delta", "delta": {"stop_reason": _stop(answer), "stop_sequence": None}, "usage": usage}
    yield {"type": "message_stop"}


def _empty(block: Body) -> Body:
    """A block as it begins."""
    return block | {name: type(block[name])() for name in ("thinking", "signature", "text", "input") if name in block}


def _deltas(block: Body) -> Iterator[Body]:
    match block["type"]:
        case "thinking":
            yield from ({"type": "thinking_delta", "thinking": piece} for piece in halves(block["thinking"]))
            yield {"type": "signature_delta", "signature": block["signature"]}
        case "text":
            yield from ({"type": "text_delta", "text": piece} for piece in halves(block["text"]))
        case _:
            pieces = halves(json.dumps(block["input"]))
            yield from ({"type": "input_json_delta", "partial_json": piece} for piece in pieces)
