"""The taxonomy: each code once, each with a class, a cause and a remedy that fits one line."""

import inspect
import re

import pytest

from domain import errors
from domain.errors import FactoryError, FailureClass, taxonomy

LEAVES = [one for _, one in inspect.getmembers(errors, inspect.isclass) if issubclass(one, FactoryError)]


def test_every_error_is_in_the_taxonomy_under_its_own_code():
    assert len({one.code for one in LEAVES}) == len(LEAVES)
    assert taxonomy() == {one.code: one for one in LEAVES}


@pytest.mark.parametrize("error", LEAVES)
def test_every_leaf_is_whole(error: type[FactoryError]):
    assert re.fullmatch(r"[a-z]+\.[a-z_]+", error.code)
    assert isinstance(error.failure_class, FailureClass)
    assert re.fullmatch(r"[a-z_]+", error.cause)
    assert error.remedy
    assert error.remedy.endswith(".")
    assert "\n" not in error.remedy
    if error is not FactoryError:
        assert "remedy" in vars(error)
        assert "code" in vars(error)


def test_text_says_code_what_and_remedy():
    error = errors.LeaseConflict("t-1 is held by r-1", ticket="t-1", holder="r-1")
    assert str(error) == f"[lease.conflict] t-1 is held by r-1 -> {errors.LeaseConflict.remedy}"
    assert error.details == {"ticket": "t-1", "holder": "r-1"}
