"""Whose turn it is comes from the request alone; what was sent is counted for each conversation."""

import copy
import json
import threading

import pytest

from domain.execution import Usage
from tests.model.talk import DIALECTS, Claude, Codex, Dialect, GeminiCli, Heard, Talk, each_dialect, send
from tests.support.model import Fault, FaultKind, Model, Script, Sh, Tokens, Turn, scripted_model

TURNS = (
    Turn(reason="hm", say="first", calls=(Sh(sh="ls"), Sh(sh="pwd")), usage=Tokens(input=100, output=10, reasoning=4)),
    Turn(calls=(Sh(sh="make"),), usage=Tokens(input=20, cached=100, cache_write=5, output=20)),
    Turn(say="third", usage=Tokens(input=10, cached=120, output=30)),
    Turn(say="fourth", usage=Tokens(input=1, cached=150, output=40)),
)
WORK = Script(name="work", turns=TURNS)
OTHER = Script(name="other", key="other-key", turns=(Turn(say="I am another"),))


def run(talk: Talk, prompt: str) -> list[Heard]:
    """Talk until the model calls no more, as a program does."""
    heard = [talk.ask(prompt)]
    while heard[-1].calls:
        heard.append(talk.ask())
    return heard


def usage(heard: list[Heard]) -> Usage:
    told = [one.usage for one in heard if one.usage]
    asked, cached, output = (sum(numbers) for numbers in zip(*told, (0, 0, 0), strict=True))
    return Usage(input_tokens=asked, cached_input_tokens=cached, output_tokens=output)


@each_dialect
def test_a_conversation_goes_on_turn_by_turn_and_is_resumed_by_another_prompt(dialect: Dialect):
    with scripted_model([WORK]) as model:
        talk = Talk(dialect, model.url)
        first, resumed = run(talk, "go"), run(talk, "and now?")
        assert [one.turn for one in model.requests] == [0, 1, 2, 3]
    assert [one.text for one in first] == ["first", "", "third"]
    assert [one.text for one in resumed] == ["fourth"]


@each_dialect
def test_the_server_remembers_no_turns(dialect: Dialect):
    with scripted_model([WORK]) as model:
        talk = Talk(dialect, model.url)
        talk.ask("go")
        again = copy.deepcopy(talk)
        texts = [run(one, "more")[-1].text for one in (talk, again)]
        assert [one.turn for one in model.requests] == [0, 1, 2, 1, 2]
    with scripted_model([WORK]) as restarted:
        talk.url = restarted.url
        assert talk.ask("after a restart").text == "fourth"
    assert texts == ["third", "third"]


@each_dialect
def test_a_conversation_whose_middle_was_cut_out_goes_on(dialect: Dialect):
    """A program that is short of room forgets what came first; the ids of the calls it kept still tell the turn."""
    with scripted_model([WORK]) as model:
        talk = Talk(dialect, model.url)
        talk.ask("go")
        talk.history.append(dialect.person("the second prompt"))
        kept = len(talk.history)
        talk.ask()
        talk.history = [dialect.person("a summary"), *talk.history[kept:]]
        assert talk.ask().text == "third"


@each_dialect
def test_after_the_last_turn_there_is_none(dialect: Dialect):
    with scripted_model([OTHER]) as model:
        talk = Talk(dialect, model.url, key="other-key")
        run(talk, "go")
        heard = talk.ask("more?")
        assert model.requests[-1].problem == "script other has 1 turns; this would be one more"
    assert heard.status == 400
    assert "this would be one more" in heard.json["error"]["message"]


@each_dialect
def test_the_prompt_names_the_script_before_the_path_and_the_path_before_the_key(dialect: Dialect):
    with scripted_model([WORK, OTHER]) as model:
        said = [
            Talk(dialect, url, key=key).ask(prompt).text
            for url, key, prompt in (
                (model.at("other"), "other-key", "go script:work#7, not script:other"),
                (model.at("work"), "other-key", "go"),
                (model.url, "other-key", "go; script:unknown is none"),
                (model.at("unknown"), "other-key", "go"),
            )
        ]
        nobody = Talk(dialect, model.url).ask("go")
        assert [one.conversation for one in model.requests] == ["work#7", "work", "other", "other", None]
    assert said == ["first", "first", "I am another", "I am another"]
    assert (nobody.status, "no script is named" in nobody.raw.decode()) == (400, True)


@each_dialect
def test_what_a_tool_prints_names_no_script(dialect: Dialect):
    marked = Script(name="marked", turns=(Turn(say="script:other", calls=(Sh(sh="cat it"),)), Turn(say="mine")))
    with scripted_model([marked, OTHER]) as model:
        talk = Talk(dialect, model.at("marked"))
        talk.ask("go")
        printed = json.dumps(talk.history[-1])
        assert "done" in printed
        talk.history[-1] = json.loads(printed.replace("done", "script:other"))
        assert talk.ask().text == "mine"


@each_dialect
def test_one_key_is_the_only_one_where_the_script_says_so(dialect: Dialect):
    with scripted_model([OTHER]) as model:
        wrong, none = Talk(dialect, model.url, key="wrong"), Talk(dialect, model.url, key=None)
        assert (wrong.ask("go").status, none.ask("go").status) == (401, 401)
        assert Talk(dialect, model.url, key="other-key").ask("go").status == 200
        assert [one.key for one in model.requests] == ["wrong", None, "other-key"]


def test_each_request_is_noted_with_the_header_that_brought_its_key():
    with scripted_model([WORK]) as model:
        for dialect in DIALECTS:
            Talk(dialect, model.url, model="m-1").ask("go script:work#a", stream=dialect.name != "gemini")
        bearer = {"authorization": "Bearer token", "anthropic-version": "2023-06-01"}
        send(model.url, "/v1/messages", "{}", bearer)
        noted = [(one.provider, one.auth, one.key, one.model, one.stream, one.status) for one in model.requests]
    assert noted == [
        ("openai", "authorization", "placeholder", "m-1", True, 200),
        ("anthropic", "x-api-key", "placeholder", "m-1", True, 200),
        ("gemini", "x-goog-api-key", "placeholder", "m-1", False, 200),
        ("anthropic", "authorization", "token", None, False, 400),
    ]


def test_gemini_may_bring_its_key_in_the_address():
    with scripted_model([OTHER]) as model:
        body = '{"contents": [{"parts": [{"text": "go"}]}]}'
        heard = send(model.url, "/v1beta/models/m:generateContent?key=other-key", body, {})
        assert (heard.status, model.requests[0].auth, model.requests[0].key) == (200, None, "other-key")


@each_dialect
@pytest.mark.parametrize("stream", [True, False])
def test_what_programs_read_is_what_the_server_says_it_sent(dialect: Dialect, stream: bool):
    with scripted_model([WORK]) as model:
        talk = Talk(dialect, model.url)
        heard = [talk.ask("go script:work#one", stream=stream), talk.ask(stream=stream), talk.ask(stream=stream)]
        other = Talk(dialect, model.url).ask("go script:work#oneself", stream=stream)
        assert (
            model.sent("work#one") == usage(heard) == Usage(input_tokens=130, cached_input_tokens=220, output_tokens=60)
        )
        assert model.sent("work#oneself") == usage([other])
        assert model.sent("work") == model.sent() == usage([*heard, other])
        assert model.sent("unknown") == model.sent("wor") == Usage()


@each_dialect
def test_an_answer_cut_short_counts_for_what_was_told(dialect: Dialect):
    turn = Turn(say="long enough", fault=Fault(kind=FaultKind.ENDED))
    with scripted_model([Script(name="cut", turns=(turn,))]) as model:
        heard = Talk(dialect, model.url).ask("go")
        assert model.sent("cut") == usage([heard])
    assert heard.usage == {"openai": None, "anthropic": (1000, 0, 1), "gemini": (1000, 0, 0)}[dialect.name]


def test_many_conversations_at_once_keep_to_their_own_scripts():
    scripts = [
        Script(name=f"s{place}", turns=(Turn(calls=(Sh(sh=f"echo {place}"),)), Turn(say=f"I am {place}")))
        for place in range(3)
    ]
    heard: dict[str, list[Heard]] = {}

    def converse(model: Model, dialect: Dialect, place: int, label: int) -> None:
        talk = Talk(dialect, model.url)
        heard[f"s{place}#{dialect.name}{label}"] = run(talk, f"go script:s{place}#{dialect.name}{label}")

    with scripted_model(scripts) as model:
        threads = [
            threading.Thread(target=converse, args=(model, dialect, place, label))
            for dialect in (Codex(), Claude(), GeminiCli()) for place in range(3) for label in range(4)
        ]  # fmt: skip
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        assert len(heard) == len(threads) == 36
        assert {name: model.sent(name) for name in heard} == {name: usage(both) for name, both in heard.items()}
        assert len(model.requests) == 72
    assert all(both[-1].text == f"I am {name[1]}" for name, both in heard.items())
    assert all(str(name[1]) in str(both[0].calls[0]["arguments"]) for name, both in heard.items())


@each_dialect
def test_words_in_the_prompt_choose_a_script_where_none_is_named(dialect: Dialect):
    told = Script(name="told", heard="changes requested", turns=(Turn(say="I mend it"),))
    with scripted_model([WORK, told]) as model:
        assert Talk(dialect, f"{model.url}/s/work").ask("go").text == "first"
        assert Talk(dialect, f"{model.url}/s/work").ask("ann: changes requested").text == "I mend it"
        assert Talk(dialect, model.url).ask("script:work#1 changes requested").text == "first"
