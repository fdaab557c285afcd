"""What people write is checked field by field: each error names the path of its field."""

import hashlib
import json
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from adapters.ledger.rows import manifest_json
from domain.engines import AUTO
from domain.handwriting import parse_duration
from domain.tickets import Manifest, Priority, Risk, Tier

LEAST = {"title": "Sort the imports", "repository": "click"}

WRONG = [
    ("title", ""),
    ("title", "two\nlines"),
    ("title", "x" * 201),
    ("title", 7),
    ("body", 7),
    ("body", "x" * 100_001),
    ("repository", "../up"),
    ("repository", ""),
    ("base", "x" * 201),
    ("engine", "a b"),
    ("commands", 7),
    ("artifacts", 7),
    ("verify", {"a": 1}),
    ("verify-only", 7),
    ("acceptance", 7),
    ("owner", 7),
    ("milestone", []),
    ("priority", "urgent"),
    ("risk", "none"),
    ("autonomy", "full"),
    ("deps", 7),
    ("idempotency-key", ""),
    ("retry", "often"),
    ("timeout", "soon"),
    ("review-policy", "never"),
    ("lock", ""),
    ("profile", "no such/name"),
    ("profile", 7),
    ("engine", None),
    ("engine-class", "agentic coder"),
    ("capabilities", ["node>="]),
    ("capabilities", ["gpu"] * 51),
    ("capabilities", ["x" * 201]),
    ("prefers", ["factory:"]),
    ("allowed-scope", 7),
    ("budget", 5),
    ("budget", {"usd": -5}),
    ("budget", {"eur": 5}),
    ("yolo", "perhaps"),
    ("cwd", "../up"),
    ("cwd", "a/../../b"),
    ("cwd", "a\\b"),
    ("cwd", "bell\x07"),
    ("cwd", ""),
    ("cwd", "x" * 1001),
    ("tracker-item", "two words"),
    ("tracker-item", "new\nline"),
    ("tracker-item", ""),
    ("tracker-item", "x" * 501),
]

#: one value each that is read, and what it is written as: ROUTE-7 and what came with it
TOLD = {
    "profile": ("qa", "qa"),
    "engine-class": ("agentic-coder", "agentic-coder"),
    "capabilities": ("node>=20", ["node>=20"]),
    "prefers": (["factory:mac-2", "factory:mac-2"], ["factory:mac-2"]),
    "allowed-scope": ("src/*", ["src/*"]),
    "budget": ({"usd": 5, "tokens": "2M", "wall": "4h"}, {"usd": 5.0, "tokens": 2_000_000, "wall": "14400s"}),
    "yolo": ("no", False),
    "cwd": ("packages/a", "packages/a"),
    "tracker-item": ("ITEM-789", "ITEM-789"),
    "artifacts": ("dist", ["dist"]),
    "review-policy": ("manual", "manual"),
    "deps": ("T-1", ["T-1"]),
    "idempotency-key": ("k", "k"),
    "retry": ({"max": 2, "backoff": "5m"}, {"max": 2, "backoff": "300s", "on": None}),
    "priority": ("critical", "critical"),
}
LATER = ("profile", "engine-class", "capabilities", "prefers", "allowed-scope", "budget", "yolo", "cwd", "tracker-item")


def errors_of(**fields: object) -> list[tuple[str, ...]]:
    with pytest.raises(ValidationError) as refused:
        Manifest.model_validate({**LEAST, **{name.replace("_", "-"): value for name, value in fields.items()}})
    return [tuple(map(str, one["loc"])) for one in refused.value.errors()]


@pytest.mark.parametrize(("field", "value"), WRONG)
def test_wrong_value_names_its_field(field: str, value: object):
    found = errors_of(**{field.replace("-", "_"): value})
    assert found
    assert all(path[0] == field for path in found)


def test_every_key_has_a_wrong_value_above():
    assert {field for field, _ in WRONG} == {field.alias for field in Manifest.model_fields.values()}


@pytest.mark.parametrize("missing", ["title", "repository"])
def test_missing_value_names_its_field(missing: str):
    with pytest.raises(ValidationError) as refused:
        Manifest.model_validate({key: value for key, value in LEAST.items() if key != missing})
    assert [(one["loc"], one["type"]) for one in refused.value.errors()] == [((missing,), "missing")]


def test_all_errors_come_at_once():
    found = errors_of(title=7, priority="urgent", retry={"max": 99, "backoff": "soon", "often": 1}, agent="x")
    assert set(found) == {
        ("title",),
        ("priority",),
        ("retry", "max"),
        ("retry", "backoff"),
        ("retry", "often"),
        ("agent",),
    }


def test_item_of_a_list_is_named_by_its_position():
    assert errors_of(commands=["true", ""]) == [("commands", "1")]
    assert errors_of(acceptance=["fine", {"check": "true"}]) == [("acceptance", "1", "text")]
    assert errors_of(deps=["t-1", "no such/name"]) == [("deps", "1")]


def test_short_forms_are_read():
    manifest = Manifest.model_validate(
        LEAST | {"commands": "ruff check --fix .", "acceptance": "sorted", "deps": "t-1", "retry": {"on": "timeout"}}
    )
    assert manifest.commands == ("ruff check --fix .",)
    assert manifest.acceptance[0].text == "sorted"
    assert manifest.acceptance[0].check is None
    assert manifest.deps == ("t-1",)
    assert manifest.retry.on == ("timeout",)


def test_reviewers_are_read():
    assert Manifest.model_validate(LEAST | {"review-policy": {"reviewers": ["ada"]}}).review_policy == {
        "reviewers": ("ada",)
    }


def test_manifest_round_trips_by_its_kebab_keys():
    manifest = Manifest.model_validate(LEAST | {"idempotency-key": "k", "timeout": "45m", "verify-only": ["true"]})
    told = manifest.model_dump(mode="json")
    assert told["idempotency-key"] == "k"
    assert told["timeout"] == "2700s"
    assert Manifest.model_validate(told) == manifest


@pytest.mark.parametrize("key", TOLD)
def test_key_is_read_and_round_trips(key: str):
    given, written = TOLD[key]
    manifest = Manifest.model_validate(LEAST | {key: given})
    told = manifest.model_dump(mode="json")
    assert told[key] == written
    assert Manifest.model_validate(told) == manifest
    assert Manifest.model_validate_json(manifest.model_dump_json()) == manifest


@pytest.mark.parametrize("key", TOLD)
def test_key_has_a_default_that_is_left_out_of_the_digest(key: str):
    name = key.replace("-", "_")
    plain = Manifest.model_validate(LEAST)
    assert not plain.model_fields_set & {name}
    assert getattr(plain, name) == Manifest.model_fields[name].default
    assert key not in plain.model_dump(mode="json", exclude_defaults=True)


def test_unused_later_keys_are_not_stored_so_that_an_older_release_reads_the_ticket():
    """It refuses keys it does not know; what it wrote before, and the key of its content, stay the same bytes."""
    assert not set(LATER) & set(json.loads(Manifest.model_validate(LEAST).model_dump_json()))
    told = Manifest.model_validate(LEAST | {"profile": "qa"}).model_dump(mode="json")
    assert set(LATER) & set(told) == {"profile"}


def test_stored_old_ticket_has_the_digest_it_always_had():
    old = {"title": "Sort the imports", "repository": "click", "commands": ["ruff check --select I --fix ."]}
    manifest = Manifest.model_validate(old)
    assert manifest_json(manifest)[1] == "572c4d97a5e5624c4ae7b5feff294cf12e8fa73dcf588a6c0e02778d1a9b95e9"
    whole = hashlib.sha256(manifest.model_dump_json().encode()).hexdigest()  # what its idempotency key is made of
    assert whole == "80f677a53d89572a39bdc31b52830d75beb1c8e312f69d0604c3ab3e09cf6230"


@pytest.mark.parametrize(
    ("told", "engine"),
    [
        ({}, "command"),
        ({"commands": ["true"]}, "command"),
        ({"engine-class": "agentic-coder"}, AUTO),
        ({"engine_class": "agentic-coder"}, AUTO),
        ({"profile": "qa"}, AUTO),
        ({"profile": "qa", "commands": ["true"]}, "command"),
        ({"profile": "qa", "commands": ["true"], "engine-class": "agentic-coder"}, AUTO),
        ({"profile": "qa", "engine": "codex", "engine-class": "agentic-coder"}, "codex"),
        ({"engine": "claude"}, "claude_code"),
        ({"engine": "gemini"}, "gemini_cli"),
        ({"engine": "copilot"}, "copilot"),
        ({"engine": "devin"}, "devin"),
        ({"engine": "auto"}, AUTO),
    ],
)
def test_engine_that_was_not_named_is_the_command_harness_or_the_routers_choice(told: dict, engine: str):
    assert Manifest.model_validate(LEAST | told).engine == engine


@pytest.mark.parametrize("told", [None, 7, "title: x", ["title"], [("title", "x")]])
def test_what_are_no_keys_is_refused(told: object):
    with pytest.raises(ValidationError):
        Manifest.model_validate(told)


def test_manifest_cannot_be_changed():
    with pytest.raises(ValidationError):
        Manifest.model_validate(LEAST).title = "other"  # type: ignore[misc]


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90s", 90), ("45m", 2700), ("4h", 14400), ("1d", 86400), ("1.5 h", 5400), (30, 30), (0.5, 0.5)],
)
def test_duration_is_read(text: object, seconds: float):
    assert parse_duration(text) == timedelta(seconds=seconds)


@pytest.mark.parametrize("text", ["", "soon", "0s", "-5m", 0, -1, True, "5 parsecs", "1h30m", None, [], "nan s"])
def test_wrong_duration_is_refused(text: object):
    with pytest.raises(ValueError, match="positive duration"):
        parse_duration(text)


@given(st.integers(1, 10**6), st.sampled_from("smhd"))
def test_duration_is_what_it_says(count: int, unit: str):
    seconds = {"s": 1, "m": 60, "h": 3600, "d": 86400}[unit]
    if unit == "d" and count > 10**5:
        count = 10**5
    assert parse_duration(f"{count}{unit}") == timedelta(seconds=count * seconds)


@pytest.mark.parametrize("word", [Priority, Risk, Tier])
def test_ranks_follow_the_written_order(word: type):
    assert [one.rank for one in word] == list(range(len(word)))
