"""A small client for each of the three APIs, written from their documents and not from the stand-in's code."""

import http.client
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import pytest

Json = Any


@dataclass
class Heard:
    """An answer as a program understands it. Input leaves out what was cached; `arguments` are as the tool gets them."""

    status: int
    headers: dict[str, str]
    raw: bytes
    text: str = ""
    reason: str = ""
    calls: list[dict[str, Json]] = field(default_factory=list)
    usage: tuple[int, int, int] | None = None  #: input, cached, output
    error: Json = None
    finished: bool = False

    @property
    def json(self) -> Json:
        return json.loads(self.raw)


def send(url: str, path: str, body: bytes | str | None, headers: dict[str, str], method: str = "POST") -> Heard:
    """Raises: OSError, http.client.HTTPException: the connection ended before the answer did."""
    place = urlsplit(url)
    connection = http.client.HTTPConnection(place.hostname or "", place.port, timeout=30)
    try:
        connection.request(method, place.path + path, body, headers)
        answer = connection.getresponse()
        return Heard(answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read())
    finally:
        connection.close()


def events(raw: bytes) -> list[tuple[str | None, Json]]:
    """Parse server-sent events."""
    found = []
    for block in raw.decode().replace("\r\n", "\n").strip().split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.split("\n"))
        found.append((fields.get("event"), json.loads(fields["data"])))
    return found


@dataclass
class Talk:
    """One conversation of a program with its model: it brings all of its history with each request."""

    dialect: "Dialect"
    url: str
    history: list[Json] = field(default_factory=list)
    key: str | None = "placeholder"
    model: str = "scripted-1"
    tools: Json = None

    def ask(self, prompt: str | None = None, *, stream: bool = True) -> Heard:
        """Send the history, a prompt first if there is one; keep the answer, with the results of its calls."""
        if prompt is not None:
            self.history.append(self.dialect.person(prompt))
        path, body = self.dialect.request(self, stream=stream)
        heard = send(self.url, path, json.dumps(body), self.dialect.headers(self.key))
        if heard.status == 200:
            self.dialect.hear(heard, stream=stream)
            self.history += self.dialect.keep(heard)
        return heard


class Dialect:
    name: str
    tools: Json

    def headers(self, key: str | None) -> dict[str, str]:
        raise NotImplementedError

    def person(self, text: str) -> Json:
        raise NotImplementedError

    def request(self, talk: Talk, *, stream: bool) -> tuple[str, Json]:
        raise NotImplementedError

    def hear(self, heard: Heard, *, stream: bool) -> None:
        raise NotImplementedError

    def keep(self, heard: Heard) -> list[Json]:
        raise NotImplementedError


class Codex(Dialect):
    name = "openai"
    tools = [
        {"type": "function", "name": "exec_command", "parameters": {"properties": {"cmd": {}}}},
        {"type": "custom", "name": "apply_patch", "format": {"type": "grammar"}},
        {"type": "web_search"},
    ]

    def headers(self, key: str | None) -> dict[str, str]:
        return {"Authorization": f"Bearer {key}"} if key else {}

    def person(self, text: str) -> Json:
        return {"type": "message", "role": "user", "content": [{"type": "input_text", "text": text}]}

    def request(self, talk: Talk, *, stream: bool) -> tuple[str, Json]:
        tools = self.tools if talk.tools is None else talk.tools
        return "/v1/responses", {"model": talk.model, "input": talk.history, "tools": tools, "stream": stream}

    def hear(self, heard: Heard, *, stream: bool) -> None:
        if not stream:
            self._finish(heard, heard.json)
            return
        told = events(heard.raw)
        assert [data["sequence_number"] for _, data in told if data["type"] != "response.failed"] == list(
            range(len([1 for _, data in told if data["type"] != "response.failed"]))
        )
        for event, data in told:
            assert event == data["type"]
            match event:
                case "response.output_text.delta":
                    heard.text += data["delta"]
                case "response.reasoning_summary_text.delta":
                    heard.reason += data["delta"]
                case "response.failed":
                    heard.error = data["response"]["error"]
                case "response.completed":
                    text, reason = heard.text, heard.reason
                    heard.text = heard.reason = ""
                    self._finish(heard, data["response"])
                    assert (heard.text, heard.reason) == (text, reason)

    def _finish(self, heard: Heard, response: Json) -> None:
        assert response["status"] == "completed"
        for item in response["output"]:
            match item["type"]:
                case "message":
                    heard.text += "".join(part["text"] for part in item["content"])
                case "reasoning":
                    heard.reason += "".join(part["text"] for part in item["summary"])
                case "function_call":
                    heard.calls.append(
                        {"id": item["call_id"], "name": item["name"], "arguments": json.loads(item["arguments"])}
                    )
                case "custom_tool_call":
                    heard.calls.append({"id": item["call_id"], "name": item["name"], "arguments": item["input"]})
        usage = response["usage"]
        cached = usage["input_tokens_details"]["cached_tokens"]
        heard.usage = (usage["input_tokens"] - cached, cached, usage["output_tokens"])
        assert usage["total_tokens"] == usage["input_tokens"] + usage["output_tokens"]
        heard.finished = True

    def keep(self, heard: Heard) -> list[Json]:
        kept: list[Json] = [{"type": "reasoning", "summary": []}] if heard.reason else []
        if heard.text:
            said = {"type": "output_text", "text": heard.text}
            kept.append({"type": "message", "role": "assistant", "content": [said]})
        kinds = [
            ("custom_tool_call" if isinstance(call["arguments"], str) else "function_call") for call in heard.calls
        ]
        pairs = list(zip(kinds, heard.calls, strict=True))
        kept += [{"type": kind, "call_id": call["id"], "name": call["name"]} for kind, call in pairs]
        return kept + [{"type": f"{kind}_output", "call_id": call["id"], "output": "done"} for kind, call in pairs]


class Claude(Dialect):
    name = "anthropic"
    tools = [
        {"name": "Bash", "input_schema": {"properties": {"command": {}, "description": {}}}},
        {"name": "Edit", "input_schema": {"properties": {}}},
        {"name": "Write", "input_schema": {"properties": {}}},
        {"name": "Read", "input_schema": {"properties": {}}},
    ]

    def headers(self, key: str | None) -> dict[str, str]:
        return {"anthropic-version": "2023-06-01"} | ({"x-api-key": key} if key else {})

    def person(self, text: str) -> Json:
        return {"role": "user", "content": [{"type": "text", "text": text}]}

    def request(self, talk: Talk, *, stream: bool) -> tuple[str, Json]:
        tools = self.tools if talk.tools is None else talk.tools
        body = {"model": talk.model, "max_tokens": 64, "messages": talk.history, "tools": tools, "stream": stream}
        return "/v1/messages?beta=true", body

    def hear(self, heard: Heard, *, stream: bool) -> None:
        message = self._assemble(heard) if stream else heard.json
        for block in message.get("content", []):
            match block["type"]:
                case "text":
                    heard.text += block["text"]
                case "thinking":
                    assert block["signature"]
                    heard.reason += block["thinking"]
                case "tool_use":
                    heard.calls.append({"id": block["id"], "name": block["name"], "arguments": block["input"]})
        usage = message["usage"]
        asked = usage["input_tokens"] + usage["cache_creation_input_tokens"]
        heard.usage = (asked, usage["cache_read_input_tokens"], usage["output_tokens"])
        heard.finished = message["stop_reason"] == ("tool_use" if heard.calls else "end_turn")

    def _assemble(self, heard: Heard) -> Json:
        message: Json = {}
        for event, data in events(heard.raw):
            assert event == data["type"]
            match event:
                case "message_start":
                    message = data["message"]
                case "content_block_start":
                    assert data["index"] == len(message["content"])
                    message["content"].append(data["content_block"] | {"said": ""})
                case "content_block_delta":
                    block, delta = message["content"][data["index"]], data["delta"]
                    name = next(name for name in delta if name != "type")
                    block["said" if name == "partial_json" else name] = block.get(name, block["said"]) + delta[name]
                case "content_block_stop" if message["content"][data["index"]]["type"] == "tool_use":
                    block = message["content"][data["index"]]
                    block["input"] = json.loads(block["said"] or "{}")
                case "message_delta":
                    message |= data["delta"] | {"usage": data["usage"]}
                case "error":
                    heard.error = data["error"]
        return message

    def keep(self, heard: Heard) -> list[Json]:
        blocks: list[Json] = [{"type": "text", "text": heard.text}] if heard.text else []
        blocks += [{"type": "tool_use", "id": one["id"], "name": one["name"], "input": {}} for one in heard.calls]
        results = [{"type": "tool_result", "tool_use_id": one["id"], "content": "done"} for one in heard.calls]
        return [{"role": "assistant", "content": blocks}] + ([{"role": "user", "content": results}] if results else [])


class GeminiCli(Dialect):
    name = "gemini"
    tools = [
        {
            "functionDeclarations": [
                {"name": "run_shell_command", "parametersJsonSchema": {"properties": {"command": {}}}},
                {"name": "replace", "parametersJsonSchema": {"properties": {"instruction": {}}}},
                {"name": "write_file", "parametersJsonSchema": {}},
                {"name": "read_file", "parameters": {"properties": {}}},
            ]
        }
    ]

    def headers(self, key: str | None) -> dict[str, str]:
        return {"x-goog-api-key": key} if key else {}

    def person(self, text: str) -> Json:
        return {"role": "user", "parts": [{"text": text}]}

    def request(self, talk: Talk, *, stream: bool) -> tuple[str, Json]:
        tools = self.tools if talk.tools is None else talk.tools
        verb = "streamGenerateContent?alt=sse" if stream else "generateContent"
        return f"/v1beta/models/{talk.model}:{verb}", {"contents": talk.history, "tools": tools}

    def hear(self, heard: Heard, *, stream: bool) -> None:
        for chunk in [data for _, data in events(heard.raw)] if stream else [heard.json]:
            if "error" in chunk:
                heard.error = chunk["error"]
                continue
            candidate = chunk["candidates"][0]
            for part in candidate["content"]["parts"]:
                self._part(heard, part)
            usage = chunk["usageMetadata"]
            cached = usage.get("cachedContentTokenCount", 0)
            output = usage["candidatesTokenCount"] + usage["thoughtsTokenCount"]
            heard.usage = (usage["promptTokenCount"] - cached, cached, output)
            assert usage["totalTokenCount"] == usage["promptTokenCount"] + output
            heard.finished = candidate.get("finishReason") == "STOP"

    def _part(self, heard: Heard, part: Json) -> None:
        if call := part.get("functionCall"):
            heard.calls.append({"id": call["id"], "name": call["name"], "arguments": call["args"]})
        elif part.get("thought"):
            heard.reason += part["text"]
        else:
            heard.text += part["text"]

    def keep(self, heard: Heard) -> list[Json]:
        parts: list[Json] = [{"text": heard.text}] if heard.text else []
        parts += [{"functionCall": {"id": one["id"], "name": one["name"]}} for one in heard.calls]
        results = [
            {"functionResponse": {"id": one["id"], "name": one["name"], "response": {"output": "done"}}}
            for one in heard.calls
        ]
        return [{"role": "model", "parts": parts}] + ([{"role": "user", "parts": results}] if results else [])


DIALECTS = (Codex(), Claude(), GeminiCli())
each_dialect: Callable[..., Any] = pytest.mark.parametrize("dialect", DIALECTS, ids=lambda one: one.name)
