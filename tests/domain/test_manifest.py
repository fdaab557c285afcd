"""What people write is checked field by field: each error names the path of its field."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from domain.tickets import Manifest, Priority, Risk, Tier, parse_duration

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
]


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
