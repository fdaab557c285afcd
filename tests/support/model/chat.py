"""OpenAI's chat completions, as a stand-in speaks them: in one piece only."""

import json
from collections.abc import Iterator, Mapping

from tests.support.model.anthropic import FOLDER
from tests.support.model.openai import OpenAI
from tests.support.model.script import Tokens
from tests.support.model.wire import Answer, Asked, Body, Frame, Refused, Said, Tool, Used, items, need, paired, told

ROLES = ("system", "developer", "user", "assistant", "tool")


class ChatCompletions(OpenAI):
    """The key and the refusals are those of OpenAI's other API."""

    def read(self, path: str, body: Body, headers: Mapping[str, str]) -> Asked:
        model = need(body, "model", str)
        if body.get("stream") is True:
            raise Refused("this stand-in streams no chat completions")
        messages = items(need(body, "messages", list), "messages")
        history = tuple(said for message in messages for said in _said(message))
        paired(
            (one.call for one in history if one.own and one.call),
            (one.call for one in history if not one.own and one.call),
        )
        system = "\n".join(_text(one.get("content")) for one in messages if one.get("role") in ROLES[:2])
        folder = FOLDER.search(system)
        tools = {tool.name: tool for tool in map(_tool, items(body.get("tools") or [], "tools"))}
        return Asked(model, False, history, tools, folder[1] if folder else None)

    def whole(self, answer: Answer) -> Frame:
        calls = [_call(one) for one in answer.calls]
        message = {"role": "assistant", "content": answer.turn.say or None} | ({"tool_calls": calls} if calls else {})
        choice = {"index": 0, "message": message, "finish_reason": "tool_calls" if calls else "stop"}
        told_of = {"id": f"chatcmpl-t{answer.asked.turn}", "object": "chat.completion", "created": 1_700_000_000}
        whole = {**told_of, "model": answer.model, "choices": [choice], "usage": _usage(answer.turn.usage)}
        return Frame(whole, tells=told(answer.turn))


def _said(message: Body) -> Iterator[Said]:
    role = message.get("role")
    if role not in ROLES:
        raise Refused(f"Invalid value: '{role}'. Supported values are: {', '.join(ROLES)}.")
    if role == "tool":
        yield Said(own=False, call=_id(message.get("tool_call_id")))
        return
    yield Said(own=role == "assistant", text=_text(message.get("content")))
    for call in items(message.get("tool_calls") or [], "tool_calls"):
        yield Said(own=True, call=_id(call.get("id")))


def _id(call: object) -> str:
    if not isinstance(call, str) or not call:
        raise Refused("Missing required parameter: 'tool_call_id'.")
    return call


def _text(content: object) -> str:
    if content is None or isinstance(content, str):
        return content or ""
    return "\n".join(str(part.get("text", "")) for part in items(content, "messages[].content"))


def _tool(tool: Body) -> Tool:
    function = need(tool, "function", dict)
    parameters = function.get("parameters")
    properties = parameters.get("properties") if isinstance(parameters, dict) else None
    return Tool(str(function.get("name")), frozenset(properties if isinstance(properties, dict) else ()))


def _call(used: Used) -> Body:
    if isinstance(used.arguments, str):
        raise Refused(f"{used.tool}: this API has no freeform tools")
    return {"id": used.id, "type": "function", "function": {"name": used.tool, "arguments": json.dumps(used.arguments)}}


def _usage(tokens: Tokens) -> Body:
    asked = tokens.input + tokens.cached
    return {
        "prompt_tokens": asked,
        "prompt_tokens_details": {"cached_tokens": tokens.cached},
        "completion_tokens": tokens.output,
        "completion_tokens_details": {"reasoning_tokens": tokens.reasoning},
        "total_tokens": asked + tokens.output,
    }
