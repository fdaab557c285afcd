"""OpenAI's chat completions as the stand-in speaks them, and the tools of a program that has one for all files."""

import json
from typing import Any

import pytest

from tests.model.talk import send
from tests.support.model import Edit, Fault, FaultKind, Raw, Read, Script, Sh, Tokens, Turn, Write, scripted_model

PATH = "/v1/chat/completions"
KEY = {"authorization": "Bearer good"}
FIELDS = ("command", "path", "old_str", "new_str", "file_text", "view_range", "security_risk")
TOOLS = [
    {"type": "function", "function": {"name": name, "parameters": {"properties": {key: {} for key in fields}}}}
    for name, fields in (("terminal", ("command", "security_risk")), ("file_editor", FIELDS))
]
TURN = Turn(say="I look.", calls=(Sh(sh="ls"),), usage=Tokens(input=600, cached=900, output=30, reasoning=8))


def messages(*more: dict[str, Any]) -> list[dict[str, Any]]:
    system = {"role": "system", "content": "Your current working directory is: /here"}
    return [system, {"role": "user", "content": [{"type": "text", "text": "go"}]}, *more]


def ask(*turns: Turn, tools: Any = TOOLS, said: Any = None, aside: str | None = None, **body: Any) -> Any:
    asked = {"model": "m", "messages": messages() if said is None else said, "tools": tools, **body}
    with scripted_model([Script(name="one", turns=turns, aside=aside)]) as model:
        return send(model.url, PATH, json.dumps(asked), KEY)


def call_of(call: Any) -> dict[str, Any]:
    (made,) = ask(Turn(calls=(call,))).json["choices"][0]["message"]["tool_calls"]
    return {"name": made["function"]["name"], **json.loads(made["function"]["arguments"])}


def test_an_answer_says_all_of_its_turn() -> None:
    heard = ask(TURN).json
    (choice,) = heard["choices"]
    assert (choice["finish_reason"], choice["message"]["content"]) == ("tool_calls", "I look.")
    assert heard["usage"]["prompt_tokens"] == 1_500
    assert heard["usage"]["prompt_tokens_details"] == {"cached_tokens": 900}
    assert (heard["model"], heard["usage"]["completion_tokens"]) == ("m", 30)


def test_a_conversation_goes_on_from_turn_to_turn() -> None:
    first = ask(TURN, Turn(say="Done.")).json["choices"][0]["message"]
    result = {"role": "tool", "tool_call_id": first["tool_calls"][0]["id"], "content": "a b"}
    second = ask(TURN, Turn(say="Done."), said=messages(first, result)).json["choices"][0]
    assert (second["finish_reason"], second["message"]) == ("stop", {"role": "assistant", "content": "Done."})


def test_files_are_edited_written_and_read_with_one_tool() -> None:
    risk = {"name": "file_editor", "security_risk": "LOW"}
    edit = {"command": "str_replace", "path": "/here/a", "old_str": "x", "new_str": "y"}
    assert call_of(Edit(edit="a", old="x", new="y")) == risk | edit
    assert call_of(Write(write="a", content="b")) == risk | {"command": "create", "path": "/here/a", "file_text": "b"}
    assert call_of(Read(read="a")) == risk | {"command": "view", "path": "/here/a"}
    assert call_of(Read(read="a", lines=5)) == risk | {"command": "view", "path": "/here/a", "view_range": [1, 5]}
    assert call_of(Sh(sh="ls")) == {"name": "terminal", "command": "ls", "security_risk": "LOW"}


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"stream": True}, "streams no chat completions"),
        ({"messages": []}, "messages"),
        ({"messages": "go"}, "messages"),
        ({"messages": [{"role": "robot", "content": "x"}]}, "robot"),
        ({"messages": [{"role": "tool", "content": "x"}]}, "tool_call_id"),
        ({"messages": [{"role": "tool", "tool_call_id": "c", "content": "x"}]}, "No tool call found"),
        ({"model": ""}, "model"),
        ({"tools": "all"}, "tools"),
        ({"tools": [{"type": "function"}]}, "function"),
    ],
)
def test_what_openai_would_not_take_is_refused(body: dict[str, Any], words: str) -> None:
    refused = ask(TURN, **body)
    assert refused.status == 400
    assert words in refused.json["error"]["message"]


def test_a_tool_that_takes_a_text_is_not_called() -> None:
    assert ask(Turn(calls=(Raw(raw="terminal", arguments="ls"),))).status == 400


@pytest.mark.parametrize(("kind", "status"), [(FaultKind.RATE_LIMITED, 429), (FaultKind.UNAUTHORIZED, 401), (FaultKind.QUOTA, 429)])  # fmt: skip
def test_its_refusals_are_openais(kind: FaultKind, status: int) -> None:
    refused = ask(TURN.model_copy(update={"fault": Fault(kind=kind, retry_after=2)}))
    assert refused.status == status
    assert refused.json["error"]["message"]


def test_an_aside_is_said_to_a_request_without_tools_for_nothing_and_is_no_turn() -> None:
    with scripted_model([Script(name="one", turns=(TURN,), aside="Summed up.")]) as model:
        asked = {"model": "m", "messages": messages()}
        aside = send(model.url, PATH, json.dumps(asked), KEY).json
        turn = send(model.url, PATH, json.dumps({**asked, "tools": TOOLS}), KEY).json
        assert model.sent().output_tokens == 30
    assert (aside["choices"][0]["message"]["content"], aside["usage"]["total_tokens"]) == ("Summed up.", 0)
    assert turn["choices"][0]["message"]["content"] == "I look."


def test_without_an_aside_such_a_request_is_a_turn_like_any_other() -> None:
    assert "offers []" in ask(TURN, tools=[]).json["error"]["message"]
