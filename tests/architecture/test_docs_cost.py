"""The figures that the pages on harnesses and cost tell are those of the shipped policy and settings."""

import re
from datetime import timedelta
from functools import cache

import pytest

from policy.rules_model import Policy
from resources.policy_files import load_policy
from resources.settings import Settings
from tests.architecture.places import ROOT

COST = (ROOT / "docs" / "cost.md").read_text()
INDEX = (ROOT / "docs" / "harnesses" / "index.md").read_text()
LIMITS = re.findall(r"^\| `(\w+)` \| (.+?) \|.*?\| `run\.\w+` \| (\w+) \|$", COST, re.MULTILINE)
RESTS = re.findall(r"^\| `(harness\.\w+)` \| .+? \| (\d+) (min|h) \|", INDEX, re.MULTILINE)
BREAKERS = re.findall(r"^\| `(\w+)(?::NAME)?` \| (\d+)[^|]*?(\d+) USD[^|]*\| .+ \|$", COST, re.MULTILINE)
UNITS = {"min": 60, "h": 3600, "million": 10**6, "GiB": 1024**3, "": 1}


@cache
def policy() -> Policy:
    return load_policy(None)


def test_every_limit_has_its_consequence() -> None:
    assert {name: choice for name, _, choice in LIMITS} == policy().limits.on_breach


@pytest.mark.parametrize("told", [told for _, told, _ in LIMITS], ids=[name for name, *_ in LIMITS])
def test_a_limit_is_told_as_it_is_set(told) -> None:
    defaults = Settings.model_fields
    found = re.findall(r"`(\w+)`, ([\d,]+) ?(min|h|million|GiB)?", told)
    assert found
    for setting, number, unit in found:
        assert float(number.replace(",", "")) * UNITS[unit] == defaults[setting].default, setting


def test_a_harness_rests_as_long_as_told() -> None:
    assert len(RESTS) == 8
    rules = policy().retry
    for code, number, unit in RESTS:
        assert rules.rests.get(code, rules.rest) == timedelta(seconds=int(number) * UNITS[unit]), code


def test_a_breaker_opens_when_told() -> None:
    rules = policy().breakers
    told = {scope: (int(failures), float(usd)) for scope, failures, usd in BREAKERS}
    assert told == {
        name: (getattr(rules, name).failures, getattr(rules, name).usd_per_hour)
        for name in ("harness", "repository", "everything")
    }
    assert (rules.rest, rules.longest) == (timedelta(minutes=5), timedelta(hours=4))
    assert "rests for five minutes" in COST
    assert "at most four hours" in COST
