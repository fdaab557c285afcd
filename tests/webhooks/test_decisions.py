"""What each event asks for, and what asks for nothing, however it is written."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import InvalidInput
from domain.webhooks import LARGEST, LONGEST_TEXT, read_payload
from policy.commands import Command, Verb
from policy.effects import (
    CancelTicket,
    FileTicket,
    FollowUp,
    JudgePull,
    Nothing,
    ObeyCommand,
    PullEnded,
)
from policy.inbox import EVENTS, Ourselves, decide

US = Ourselves(logins=("factory[bot]",), apps=("software-factory", "4711"))
ANN = {"login": "ann", "type": "User"}
BOT = {"login": "Factory[bot]", "type": "Bot"}
OTHER_BOT = {"login": "dependabot[bot]", "type": "Bot"}
HEAD = "a" * 40
RUN = {"name": "agent:run"}
OUR_APP = {"id": 4711, "slug": "software-factory"}
OTHER_APP = {"id": 15368, "slug": "github-actions"}


def asked(event: str, sender: dict[str, Any] | None = None, **told: Any) -> list[Any]:
    body = json.dumps({"sender": sender or ANN, **told}).encode()
    effects = list(decide(event, read_payload(body), US))
    assert effects
    return effects


def nothing(event: str, sender: dict[str, Any] | None = None, **told: Any) -> bool:
    effects = asked(event, sender, **told)
    assert all(isinstance(one, Nothing) and one.reason for one in effects), effects
    return True


def issue(**more: Any) -> dict[str, Any]:
    return {"number": 7, "labels": [], "assignees": [], **more}


def pull(**more: Any) -> dict[str, Any]:
    return {"number": 8, "head": {"sha": HEAD, "ref": "topic"}, "merged": False, **more}


def comment(text: str, **more: Any) -> dict[str, Any]:
    return {"id": 55, "body": text, "user": ANN, **more}


# issues

FILE = [FileTicket(number=7, by="ann")]


def cancel(reason: str) -> list[CancelTicket]:
    return [CancelTicket(number=7, by="ann", reason=reason)]


@pytest.mark.parametrize(
    ("told", "effects"),
    [
        ({"action": "labeled", "label": RUN, "issue": issue(labels=[RUN])}, FILE),
        ({"action": "assigned", "assignee": BOT, "issue": issue(assignees=[BOT])}, FILE),
        ({"action": "opened", "issue": issue(labels=[{"name": "bug"}, RUN])}, FILE),
        ({"action": "opened", "issue": issue(assignees=[BOT])}, FILE),
        ({"action": "reopened", "issue": issue(labels=[RUN])}, FILE),
        ({"action": "unlabeled", "label": RUN, "issue": issue()}, cancel("the label was taken off")),
        ({"action": "unassigned", "assignee": BOT, "issue": issue()}, cancel("it was taken from the factory")),
        ({"action": "closed", "issue": issue(labels=[RUN])}, cancel("it was closed")),
        ({"action": "closed", "issue": issue()}, cancel("it was closed")),
        ({"action": "deleted", "issue": issue()}, cancel("it was deleted")),
        ({"action": "transferred", "issue": issue()}, cancel("it went to another repository")),
    ],
)
def test_an_issue_that_is_wanted_or_no_more(told, effects):
    assert asked("issues", **told) == effects
    assert nothing("issues", BOT, **told)


@pytest.mark.parametrize(
    "told",
    [
        {"action": "labeled", "label": {"name": "bug"}, "issue": issue(labels=[RUN])},
        {"action": "labeled", "label": {"name": "Agent:Run "}, "issue": issue()},
        {"action": "unlabeled", "label": {"name": "bug"}, "issue": issue(labels=[RUN])},
        {"action": "assigned", "assignee": ANN, "issue": issue(labels=[RUN])},
        {"action": "unassigned", "assignee": ANN, "issue": issue()},
        {"action": "opened", "issue": issue()},
        {"action": "edited", "issue": issue(labels=[RUN])},
        {"action": "locked", "issue": issue(labels=[RUN])},
        {"action": "labeled", "label": RUN, "issue": issue(pull_request={"url": "x"})},
        {"action": "labeled", "label": RUN, "issue": issue(number=None)},
        {"action": "labeled", "label": RUN},
        {"issue": issue(labels=[RUN])},
    ],
)
def test_an_issue_that_asks_for_nothing(told):
    """An edit above all: whoever edits may be less trusted than whoever put the label there."""
    assert nothing("issues", **told)


# comments


def order(verb: Verb, place: int = 0, **more: Any) -> ObeyCommand:
    told = {key: more.pop(key) for key in ("argument", "engine", "run_id") if key in more}
    command = Command(verb=verb, **told)
    return ObeyCommand(**{"person": "ann", "command": command, "number": 7, "comment": 55, "place": place, **more})


@pytest.mark.parametrize(
    ("text", "effects"),
    [
        ("/factory run", [order(Verb.RUN)]),
        ("/claude mend the door", [order(Verb.WORK, argument="mend the door", engine="claude_code")]),
        ("Fine.\n\n/approve\n/factory status", [order(Verb.APPROVE), order(Verb.STATUS, 1)]),
        ("/reject it smells", [order(Verb.REJECT, argument="it smells")]),
    ],
)
def test_orders_of_people_in_new_comments(text, effects):
    assert asked("issue_comment", action="created", issue=issue(), comment=comment(text)) == effects


def test_an_order_on_a_pull_request_says_so():
    told = {"issue": issue(pull_request={"url": "x"}), "comment": comment("/approve")}
    assert asked("issue_comment", action="created", **told) == [order(Verb.APPROVE, is_pull=True)]


@pytest.mark.parametrize("action", ["edited", "deleted", "", "pinned"])
def test_comments_that_are_not_new_are_no_orders(action):
    assert nothing("issue_comment", action=action, issue=issue(), comment=comment("/factory run"))


@pytest.mark.parametrize(
    ("sender", "more"),
    [
        (BOT, {"user": BOT}),
        (OTHER_BOT, {"user": OTHER_BOT}),
        (ANN, {"user": BOT}),
        (ANN, {"user": {"login": "bob", "type": "User"}}),
        (ANN, {"performed_via_github_app": OUR_APP}),
        ({"login": "ann"}, {}),
        ({"login": "../ann", "type": "User"}, {"user": {"login": "../ann", "type": "User"}}),
        ({"login": "", "type": "User"}, {"user": {"login": "", "type": "User"}}),
        (ANN, {"id": None}),
        (ANN, {"id": "55"}),
        (ANN, {"id": True}),
        (ANN, {"id": -1}),
    ],
)
def test_only_people_give_orders_and_in_their_own_name(sender, more):
    assert nothing("issue_comment", sender, action="created", issue=issue(), comment=comment("/approve", **more))


@pytest.mark.parametrize("text", ["", "fine", "> /approve", "```\n/approve\n```", "say /approve", "/approved", " " * 9])
def test_talk_is_no_order(text):
    assert nothing("issue_comment", action="created", issue=issue(), comment=comment(text))


# pull requests


@pytest.mark.parametrize("sender", [ANN, BOT, OTHER_BOT])
@pytest.mark.parametrize("action", ["opened", "synchronize", "reopened", "ready_for_review"])
def test_every_head_is_judged_ours_too(action, sender):
    again = action == "reopened"
    wanted = [JudgePull(number=8, head=HEAD, again=again)]
    assert asked("pull_request", sender, action=action, pull_request=pull()) == wanted


def test_another_base_is_judged_again():
    changed = {"base": {"ref": {"from": "main"}}}
    assert asked("pull_request", action="edited", changes=changed, pull_request=pull()) == [
        JudgePull(number=8, head=HEAD, again=True)
    ]
    assert nothing("pull_request", action="edited", changes={"title": {"from": "x"}}, pull_request=pull())


@pytest.mark.parametrize("action", ["labeled", "assigned", "converted_to_draft", "locked", "review_requested", ""])
def test_the_rest_of_a_pull_request_s_life_asks_for_nothing(action):
    assert nothing("pull_request", action=action, label=RUN, pull_request=pull())


def test_a_pull_request_ends():
    closed = {"action": "closed", "pull_request": pull()}
    assert asked("pull_request", **closed) == [PullEnded(number=8, merged=False, by="ann")]
    assert nothing("pull_request", BOT, **closed)
    merged = pull(merged=True, merged_by={"login": "bob", "type": "User"}, merge_commit_sha="b" * 40)
    ended = [PullEnded(number=8, merged=True, by="bob", sha="b" * 40)]
    assert asked("pull_request", action="closed", pull_request=merged) == ended
    assert asked("pull_request", BOT, action="closed", pull_request=merged) == ended


@pytest.mark.parametrize("merged", [None, "true", 1, [], {}])
def test_what_is_not_clearly_merged_is_not(merged):
    [effect] = asked("pull_request", action="closed", pull_request=pull(merged=merged))
    assert effect == PullEnded(number=8, merged=False, by="ann")


@pytest.mark.parametrize("number", [None, 0, -3, "8", 8.5, True, 2**60, [8]])
def test_a_pull_request_without_a_number_is_none(number):
    assert nothing("pull_request", action="opened", pull_request=pull(number=number))


@pytest.mark.parametrize("sha", [None, "", "main", "A" * 40, "a" * 39, "a" * 41, HEAD + "\n", 7])
def test_a_head_that_is_no_commit_is_left_out(sha):
    assert asked("pull_request", action="opened", pull_request=pull(head={"sha": sha})) == [JudgePull(number=8)]


# reviews


def test_reviews():
    def review(
        state: str, text: str | None = None, sender: dict[str, Any] = ANN, action: str = "submitted"
    ) -> list[Any]:
        told = {"id": 66, "state": state, "body": text, "user": sender}
        return asked("pull_request_review", sender, action=action, review=told, pull_request=pull())

    objection = [FollowUp(number=8, reason="ann requested changes")]
    assert review("changes_requested", "no") == review("CHANGES_REQUESTED", None) == objection
    assert review("changes_requested", "/approve") == objection
    approval = [order(Verb.APPROVE, number=8, is_pull=True, comment=66)]
    assert review("approved") == review("APPROVED", "well done") == approval
    assert review("commented", "/factory retry") == [order(Verb.RETRY, number=8, is_pull=True, comment=66)]
    for effects in (
        review("commented", "hm"),
        review("approved", sender=BOT),
        review("approved", sender=OTHER_BOT),
        review("changes_requested", sender=BOT),
        review("approved", action="edited"),
        review("changes_requested", action="dismissed"),
    ):
        assert [type(one) for one in effects] == [Nothing]


def test_words_on_a_line():
    told = {"action": "created", "pull_request": pull()}
    event = "pull_request_review_comment"
    assert asked(event, comment=comment("rename it"), **told) == [FollowUp(number=8, reason="ann commented on a line")]
    assert asked(event, comment=comment("/claude rename it"), **told) == [
        order(Verb.WORK, argument="rename it", engine="claude_code", number=8, is_pull=True)
    ]
    assert nothing(event, BOT, comment=comment("rename it", user=BOT), **told)
    assert nothing(event, comment=comment("x"), **{**told, "action": "edited"})
    assert nothing(event, comment=comment("x"), **{**told, "action": "deleted"})


# checks


@pytest.mark.parametrize("kind", ["check_run", "check_suite"])
@pytest.mark.parametrize("conclusion", ["failure", "timed_out", "startup_failure"])
def test_a_failed_check_of_others_is_an_objection(kind, conclusion):
    check = {"name": "ci", "conclusion": conclusion, "head_sha": HEAD, "app": OTHER_APP}
    [unknown] = asked(kind, action="completed", **{kind: check})
    assert unknown == FollowUp(head=HEAD, reason=f"the check ci ended in {conclusion}")
    of_two = {**check, "pull_requests": [{"number": 8}, {"number": 9}, {"number": "x"}, 4]}
    numbers = [effect.number for effect in asked(kind, action="completed", **{kind: of_two})]
    assert numbers == [8, 9]


@pytest.mark.parametrize(
    "conclusion", ["success", "neutral", "skipped", "cancelled", "action_required", "stale", None, ""]
)
def test_a_check_that_did_not_fail_is_none(conclusion):
    assert nothing("check_run", action="completed", check_run={"conclusion": conclusion, "head_sha": HEAD})


@pytest.mark.parametrize("app", [OUR_APP, {"id": 4711}, {"slug": "Software-Factory"}])
def test_our_own_checks(app):
    check = {"name": "x", "conclusion": "failure", "head_sha": HEAD, "app": app, "pull_requests": [{"number": 8}]}
    assert nothing("check_run", action="completed", check_run=check)
    assert asked("check_run", action="rerequested", check_run=check) == [JudgePull(number=8, head=HEAD, again=True)]
    assert nothing("check_run", action="rerequested", check_run={**check, "app": OTHER_APP})
    assert nothing("check_run", action="rerequested", check_run={**check, "pull_requests": []})


def test_statuses():
    for state in ("failure", "error"):
        effects = asked("status", state=state, context="ci/x", sha=HEAD)
        assert effects == [FollowUp(head=HEAD, reason=f"the status ci/x is {state}")]
        assert nothing("status", BOT, state=state, context="ci/x", sha=HEAD)
    for told in ({"state": "success", "sha": HEAD}, {"state": "pending", "sha": HEAD}, {"state": "failure"}):
        assert nothing("status", **told)


def test_events_nobody_wants():
    assert asked("ping") == [Nothing(reason="ping: the webhook works")]
    assert asked("star", action="created") == [Nothing(reason="no use for star")]
    assert nothing("constructor")


def test_nobody_is_us_when_we_have_no_name():
    nobody = Ourselves(logins=("",), apps=("",))
    payload = read_payload(json.dumps({"action": "closed", "issue": issue(), "sender": {}}).encode())
    assert decide("issues", payload, nobody) == (CancelTicket(number=7, by="", reason="it was closed"),)


# hostile payloads

SIMPLE = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=30)
)
ANY = st.recursive(
    SIMPLE, lambda one: st.lists(one, max_size=3) | st.dictionaries(st.text(max_size=8), one, max_size=3)
)
KEYS = ("action", "sender", "repository", "issue", "label", "assignee", "comment", "pull_request", "review", "check_run", "check_suite", "changes", "state", "sha", "context")  # fmt: skip
INNER = ("number", "id", "login", "type", "labels", "assignees", "name", "body", "user", "head", "merged", "merged_by", "conclusion", "head_sha", "app", "pull_requests", "state", "slug", "base", "full_name")  # fmt: skip


@given(
    event=st.sampled_from([*EVENTS, "ping", "x"]),
    told=st.dictionaries(
        st.sampled_from(KEYS), ANY | st.dictionaries(st.sampled_from(INNER), ANY, max_size=6), max_size=8
    ),
)
def test_any_json_object_is_decided_on_and_always_alike(event, told):
    body = json.dumps(told).encode("utf-8")
    try:
        payload = read_payload(body)
    except InvalidInput:
        return  # a lone surrogate, or a number beyond all bounds
    effects = decide(event, payload, US)
    assert effects
    assert effects == decide(event, read_payload(body), US)


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(body):
    try:
        read_payload(body)
    except InvalidInput as error:
        assert len(error.message) < 400


def test_what_is_long_is_cut_and_what_is_many_counted_out():
    told = {
        "action": "created",
        "comment": comment("x" * 1_000_000),
        "issue": issue(labels=[{"name": "x"}] * 5_000 + [RUN]),
        "sender": {"login": "a" * 101, "type": "User"},
        "context": "c" * 5_000,
    }
    payload = read_payload(json.dumps(told).encode())
    assert payload.comment is not None
    assert payload.issue is not None
    assert (len(payload.comment.body), len(payload.issue.labels)) == (LONGEST_TEXT, 100)
    assert (payload.sender.login, len(payload.context)) == ("", 300)


def test_more_than_the_largest_is_not_even_looked_at():
    with pytest.raises(InvalidInput, match="at most"):
        read_payload(b"x" * (LARGEST + 1))


def test_one_wrong_field_spoils_no_other():
    told = {"action": ["x"], "sender": ANN, "issue": {"number": 7, "labels": [1, None, {"name": 3}, RUN, "x"]}}
    payload = read_payload(json.dumps(told).encode())
    assert (payload.action, payload.sender.login) == ("", "ann")
    assert payload.issue is not None
    assert [label.name for label in payload.issue.labels] == ["", "agent:run"]
