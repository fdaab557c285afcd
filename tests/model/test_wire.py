import pytest

from tests.model.talk import DIALECTS, Claude, Codex, Dialect, GeminiCli, Talk, each_dialect, events, send
from tests.support.model import Raw, Script, Sh, Tokens, Turn, scripted_model

TURN = Turn(
    say='I will look: <é> "quoted"\nand on.',
    reason="Where is it?",
    calls=(Sh(sh="ls"), Raw(raw="other", arguments={"deep": [{"a": None}]})),
    usage=Tokens(input=600, cached=900, cache_write=100, output=30, reasoning=8),
)


@each_dialect
@pytest.mark.parametrize("stream", [True, False])
def test_an_answer_says_all_of_its_turn(dialect: Dialect, stream: bool):
    with scripted_model([Script(name="one", turns=(TURN,))]) as model:
        heard = Talk(dialect, model.url).ask("look", stream=stream)
    assert heard.finished
    assert (heard.text, heard.reason, heard.usage) == (TURN.say, TURN.reason, (600, 900, 30))
    assert [call["name"] for call in heard.calls][1:] == ["other"]
    assert "ls" in heard.calls[0]["arguments"].values()
    assert heard.calls[1]["arguments"] == {"deep": [{"a": None}]}
    assert heard.headers["content-type"] == ("text/event-stream" if stream else "application/json")


@each_dialect
@pytest.mark.parametrize("stream", [True, False])
def test_a_turn_of_nothing_is_an_answer_too(dialect: Dialect, stream: bool):
    with scripted_model([Script(name="one", turns=(Turn(usage=Tokens(input=0, output=0)),))]) as model:
        heard = Talk(dialect, model.url).ask("look", stream=stream)
    assert heard.finished
    assert (heard.text, heard.calls, heard.usage) == ("", [], (0, 0, 0))


@each_dialect
def test_a_text_comes_in_pieces(dialect: Dialect):
    with scripted_model([Script(name="one", turns=(Turn(say="in two pieces"),))]) as model:
        raw = Talk(dialect, model.url).ask("look").raw
    assert b"in two" in raw
    assert len(events(raw)) > 1
    assert sum(b"in two pieces" in block for block in raw.split(b"\n\n") if b"delta" in block) == 0


def test_openai_begins_and_ends_as_its_documents_say():
    with scripted_model([Script(name="one", turns=(Turn(reason="r", say="s", calls=(Sh(sh="ls"),)),))]) as model:
        names = [event for event, _ in events(Talk(Codex(), model.url).ask("look").raw)]
    assert names[:2] == ["response.created", "response.in_progress"]
    assert names[-1] == "response.completed"
    assert names.count("response.output_item.added") == names.count("response.output_item.done") == 3
    assert "response.function_call_arguments.done" in names


def test_anthropic_tells_the_input_first_and_the_output_last():
    with scripted_model([Script(name="one", turns=(TURN,))]) as model:
        told = dict(events(Talk(Claude(), model.url).ask("look").raw))
    first = told["message_start"]["message"]["usage"]
    last = told["message_delta"]["usage"]
    assert (first["input_tokens"], first["cache_creation_input_tokens"], first["output_tokens"]) == (500, 100, 1)
    assert (last["cache_read_input_tokens"], last["output_tokens"]) == (900, 30)


def test_gemini_tells_the_prompt_in_every_chunk():
    with scripted_model([Script(name="one", turns=(TURN,))]) as model:
        chunks = [data for _, data in events(Talk(GeminiCli(), model.url).ask("look").raw)]
    assert {chunk["usageMetadata"]["promptTokenCount"] for chunk in chunks} == {1500}
    assert [chunk["candidates"][0].get("finishReason") for chunk in chunks][-2:] == [None, "STOP"]
    assert chunks[-1]["usageMetadata"]["thoughtsTokenCount"] == 8


@each_dialect
def test_models_are_listed_to_whoever_has_a_key(dialect: Dialect):
    path = "/v1beta/models" if dialect.name == "gemini" else "/v1/models"
    with scripted_model([Script(name="one", key="good", turns=(TURN,))]) as model:
        listed = send(model.url, path, None, dialect.headers("good"), "GET")
        refused = send(model.url, path, None, dialect.headers("bad"), "GET")
        nobody = send(model.url, path, None, dialect.headers(None), "GET")
    assert [listed.status, refused.status, nobody.status] == [200, 401, 401]
    assert listed.json["models" if dialect.name == "gemini" else "data"]


@pytest.mark.parametrize("dialect", DIALECTS[1:], ids=lambda one: one.name)
def test_tokens_are_counted_when_asked(dialect: Dialect):
    with scripted_model([Script(name="one", turns=(TURN,))]) as model:
        talk = Talk(dialect, model.url, [dialect.person("how long is this?")])
        path = "/v1/messages/count_tokens" if dialect.name == "anthropic" else "/v1beta/models/m:countTokens"
        body = (
            '{"model": "m", "messages": [{"role": "user", "content": "hi"}], "contents": [{"parts": [{"text": "hi"}]}]}'
        )
        heard = send(talk.url, path, body, dialect.headers("k"))
        assert model.sent().input_tokens == 0
    assert heard.json["input_tokens" if dialect.name == "anthropic" else "totalTokens"] > 0


def test_the_server_answers_whoever_looks_whether_it_is_there():
    with scripted_model([Script(name="one", turns=(TURN,))]) as model:
        assert send(model.url, "/", None, {}, "HEAD").status == 200
        assert send(model.at("one"), "", None, {}, "HEAD").status == 200
        assert send(model.url, "/v1/unknown", None, {}, "GET").status == 404
