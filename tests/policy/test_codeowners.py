"""CODEOWNERS as GitHub reads it, and whom a pull request asks."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from domain.governance import Verdict
from domain.tickets import Risk
from policy.codeowners import owners_of, read_codeowners
from policy.pull_requests import DraftPolicy, PullRequestPolicy, ReviewerPolicy, is_draft, reviewers_of
from resources.policy_files import load_policy

FILE = """\
# who owns what
*            @all
*.js         @js-owner @acme/web # the front
/build/logs/ @doctocat
docs/*       docs@example.com @writer
apps/        @octocat
/scripts/**/test_*.py @tester
**/logs      @logger
/free/
!bad @nobody
[ab].py @nobody
"""


def owners(*paths: str) -> tuple[str, ...]:
    return owners_of(read_codeowners(FILE), paths)


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("README.md", ("all",)),
        ("deep/x.js", ("js-owner", "acme/web")),
        ("build/logs/a.txt", ("logger",)),
        ("x/build/logs", ("logger",)),
        ("build/x", ("all",)),
        ("docs/a.md", ("writer",)),
        ("docs/deep/a.md", ("all",)),
        ("lib/apps/a.py", ("octocat",)),
        ("scripts/a/b/test_x.py", ("tester",)),
        ("scripts/test_x.py", ("tester",)),
        ("free/a.py", ()),
        ("a.py", ("all",)),
    ],
)
def test_the_last_line_that_matches_decides(path: str, expected: tuple[str, ...]) -> None:
    assert owners(path) == expected


def test_each_owner_is_named_once_in_the_order_of_the_paths() -> None:
    assert owners("a.js", "b.js", "README.md") == ("js-owner", "acme/web", "all")


def test_what_is_no_login_asks_nobody() -> None:
    assert owners_of(read_codeowners("* @-x @a/b/c ann@example.org @ok\n"), ["a"]) == ("ok",)
    assert owners_of(read_codeowners("\0 \x00\n* \n"), ["a"]) == ()


@given(st.text(max_size=200), st.text(min_size=1, max_size=50))
def test_any_text_and_any_path_is_read(text: str, path: str) -> None:
    for name in owners_of(read_codeowners(text), [path]):
        assert name
        assert not name.startswith("@")


def test_a_pattern_of_many_stars_takes_no_time() -> None:
    assert owners_of(read_codeowners("/" + "**/" * 40 + "*a*" * 40 + "x @a\n"), ["a/" * 60 + "y"]) == ()


def test_whom_the_ticket_names_comes_first_and_is_never_left_out() -> None:
    policy = ReviewerPolicy(always=("Lead",), most=2)
    assert reviewers_of(policy, (), ("lead", "own")) == ("Lead", "own")
    assert reviewers_of(policy, ("ann", "bob", "cid"), ("own",)) == ("ann", "bob", "cid")
    assert reviewers_of(ReviewerPolicy(code_owners=False), (), ("own",)) == ()


def test_drafts_are_by_verdict_or_risk() -> None:
    policy = DraftPolicy(verdict=(Verdict.UNDETERMINED,), risk=(Risk.HIGH,))
    assert is_draft(policy, verdict=Verdict.UNDETERMINED, risk=Risk.LOW)
    assert is_draft(policy, verdict=Verdict.PASS, risk=Risk.HIGH)
    assert not is_draft(policy, verdict=Verdict.PASS, risk=Risk.LOW)


def test_the_shipped_policy_bounds_follow_ups() -> None:
    assert load_policy().pull_requests.rework.most == 3
    with pytest.raises(ValidationError):
        PullRequestPolicy.model_validate({"rework": {"quiet": "5m", "longest": "1h", "most": 0}})
