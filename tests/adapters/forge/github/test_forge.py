"""The GitHub forge beyond the suite: what people change, what GitHub refuses, what is lost, and what must not be told."""

import logging
import os
from pathlib import Path

import pytest

from adapters._vendor.git import Git
from adapters._vendor.github import GitHub
from adapters._vendor.github_access import TokenAccess
from adapters._vendor.github_markers import BODY_LIMIT
from adapters.forge.github import site as sites
from adapters.forge.github.forge import GitHubForge
from adapters.forge.github.marks import reference
from domain.errors import ForgeFenced, ForgeRefused, ForgeUnavailable, RepositoryInvalid
from domain.forge import PullRequestState
from tests.adapters.forge.github.hub import BOT, FULL_NAME, QUICK, make_forge, signed_in_with_token
from tests.adapters.forge.workshop import git, question

CREATE = "POST /repos/{}/{}/pulls"
PUSH = "POST /{}/{}.git/git-receive-pack"


@pytest.fixture
def opened(forge, repository, workshop):
    return forge.open_pull_request(repository, workshop.request(forge.publish(repository, workshop.change())))


@pytest.fixture
def ann(github, workshop):
    return github.as_person("ann").get_repo(FULL_NAME)


# enrolment


@pytest.mark.parametrize("name", ["absent/none", "acme/absent", "acme/demo/tree/main", "acme"])
def test_what_is_no_repository_of_ours_is_invalid(forge, github, name):
    with pytest.raises((RepositoryInvalid, ForgeRefused)):
        forge.enrol("demo", f"{github.host}/{name}", None)


@pytest.mark.parametrize("source", ["https://github.com/acme/demo", "git@github.com:acme/demo", "/etc", ""])
def test_another_host_is_never_asked(forge, github, source):
    before = len(github.log)
    with pytest.raises(RepositoryInvalid):
        forge.enrol("demo", source, None)
    assert len(github.log) == before


def test_a_missing_base_and_an_empty_repository_are_named(tmp_path, github, workshop, forge):
    with pytest.raises(RepositoryInvalid, match="no branch 'trunk'; its default branch is 'main'"):
        forge.enrol("demo", workshop.address, "trunk")
    github.repository("acme/empty")
    github.grant("acme/empty", "zoe", "write")
    zoe = GitHub(TokenAccess(lambda: github.token("zoe")), base_url=github.base_url, manners=QUICK)
    with pytest.raises(RepositoryInvalid, match="no commit"):
        GitHubForge(tmp_path / "zoe", zoe).enrol("empty", f"{github.host}/acme/empty", None)


@pytest.mark.parametrize("name", ["../x", "", "a/b", ".git", "x" * 200])
def test_hostile_names_make_no_folder(forge, workshop, tmp_path, name):
    with pytest.raises(RepositoryInvalid):
        forge.enrol(name, workshop.address, None)
    assert not (tmp_path / "x.git").exists()


def test_what_is_not_enrolled_here_is_refused(tmp_path, github, workshop):
    elsewhere = make_forge(tmp_path / "elsewhere", github)
    with pytest.raises(ForgeRefused, match="enrol it again"):
        elsewhere.fetch(workshop.repository("x"), "main")


# what people change


def test_what_people_wrote_in_the_pull_request_stays(forge, repository, workshop, opened, ann):
    pull = ann.get_pull(opened.number)
    pull.edit(title="A better title", body=f"Before.\r\n\r\n{pull.body}\r\n\r\nAfter <b>it</b>.")
    head = forge.publish(repository, workshop.change(question, fence=2))
    again = forge.open_pull_request(
        repository, workshop.request(head, fence=2, run_id="run-2", title="Ours", body="New words.")
    )
    body = ann.get_pull(opened.number).body
    assert again.title == "A better title"
    assert body.startswith("Before.\n\n<!-- factory: ticket=T-1 run=run-2 fence=2 ")
    assert body.endswith("\n\nAfter <b>it</b>.")
    assert "New words." in body and "It was *wrong*" not in body
    assert (
        forge.open_pull_request(
            repository, workshop.request(head, fence=2, run_id="run-2", title="Ours", body="New words.")
        )
        == again
    )


def test_a_pull_request_whose_text_was_replaced_is_found_and_gets_its_block_back(
    forge, repository, workshop, opened, ann
):
    ann.get_pull(opened.number).edit(body="All mine now.")
    found = forge.find_pull_request(repository, "T-1")
    assert (found.number, found.fence, found.run_id) == (opened.number, 1, "run-1")
    forge.open_pull_request(repository, workshop.request(opened.head_sha))
    body = ann.get_pull(opened.number).body
    assert body.startswith("<!-- factory: ticket=T-1 ") and body.endswith("All mine now.")


def test_a_persons_pull_request_on_our_branch_is_taken_over_not_doubled(forge, repository, workshop, ann):
    head = forge.publish(repository, workshop.change())
    theirs = ann.create_pull(base="main", head="factory/T-1", title="Quicker", body="mine")
    opened = forge.open_pull_request(repository, workshop.request(head))
    assert opened.number == theirs.number
    assert [pull.number for pull in ann.get_pulls(state="all")] == [theirs.number]


def test_what_people_committed_on_our_branch_is_not_overwritten_unseen(forge, repository, workshop, opened, github):
    theirs = github.commit(FULL_NAME, {"README.md": "# theirs\n"}, "Mine", branch="factory/T-1", login="ann")
    with pytest.raises(ForgeRefused, match="is at"):
        forge.open_pull_request(repository, workshop.request(opened.head_sha))
    with pytest.raises(ForgeRefused, match="moved"):
        forge.end_pull_request(repository, opened.number, merge=True, actor="ann", reason="good")
    assert forge.pull(repository, opened.number).head_sha == theirs


def test_a_merge_by_a_person_on_github_is_found(forge, repository, opened, ann):
    ann.get_pull(opened.number).merge()
    found = forge.find_pull_request(repository, "T-1")
    assert (found.state, found.merged_by) == (PullRequestState.MERGED, "ann")
    assert forge.end_pull_request(repository, opened.number, merge=True, actor="Bob", reason="late") == found


def test_nobody_merges_for_a_person_who_left_us_no_credential(tmp_path, repository, opened, forge):
    forge = GitHubForge(tmp_path / "forge", forge._github)
    with pytest.raises(ForgeRefused, match=r"only people merge, and they do it on GitHub: http.*/pull/1"):
        forge.end_pull_request(repository, opened.number, merge=True, actor="ann", reason="good")
    assert forge.pull(repository, opened.number).state is PullRequestState.OPEN


def test_closing_says_why_once(forge, repository, opened, ann):
    for _ in range(2):
        forge.end_pull_request(repository, opened.number, merge=False, actor="ann", reason="@all <b>no</b>")
    (comment,) = ann.get_issue(opened.number).get_comments()
    assert "&lt;b>no" in comment.body and "@all" not in comment.body


# fences


def test_a_fence_is_seen_by_a_factory_that_has_never_been_here(forge, repository, workshop, tmp_path, github):
    forge.publish(repository, workshop.change(fence=5))
    other = GitHubForge(tmp_path / "other", forge._github)
    other.enrol("demo", workshop.address, None)
    with pytest.raises(ForgeFenced):
        other.publish(repository, workshop.change(question, fence=4))
    assert other.publish(repository, workshop.change(question, fence=6)) != workshop.base_sha
    with pytest.raises(ForgeFenced):
        forge.publish(repository, workshop.change(fence=5))


def test_a_newer_fence_in_the_pull_request_holds_too(forge, repository, workshop, opened, ann):
    pull = ann.get_pull(opened.number)
    pull.edit(body=pull.body.replace("fence=1", "fence=7"))
    with pytest.raises(ForgeFenced, match="older than 7"):
        forge.open_pull_request(repository, workshop.request(opened.head_sha, fence=3))


def test_a_mark_that_is_none_of_ours_is_named(forge, repository, workshop, github):
    bare = github.folder(FULL_NAME)
    git(bare, "update-ref", reference("T-1"), workshop.base_sha)
    with pytest.raises(ForgeRefused, match="refs/factory/tickets/T-1 on GitHub is not a mark"):
        forge.publish(repository, workshop.change())


@pytest.mark.parametrize("ticket", ["T..1", "T.lock", "T.", "a-b_c.d"])
def test_every_ticket_id_can_have_a_mark(forge, repository, workshop, ticket):
    head = forge.publish(repository, workshop.change(ticket_id=ticket))
    assert forge.open_pull_request(repository, workshop.request(head, ticket_id=ticket)).ticket_id == ticket


# faults


@pytest.mark.parametrize("fault", [{}, {"after_effect": True}, {"status": 502}, {"status": 502, "after_effect": True}])
@pytest.mark.parametrize("on", [CREATE, PUSH, "PATCH /repos/{}/{}/pulls/{}", "GET /repos/{}/{}/pulls/{}", "POST /repos/{}/{}/issues/{}/comments"])  # fmt: skip
def test_what_is_lost_is_found_or_done_again_once(forge, repository, workshop, github, ann, on, fault):
    github.fail(on=on, next=2, **fault)
    head = forge.publish(repository, workshop.change())
    forge.open_pull_request(repository, workshop.request(head))
    updated = forge.open_pull_request(repository, workshop.request(head, title="Better"))
    forge.report(repository, updated.number, marker="governance", text="one")
    github.mend()
    assert [(pull.number, pull.title) for pull in ann.get_pulls(state="all")] == [(updated.number, "Better")]
    assert ann.get_issue(updated.number).get_comments().totalCount == 1


def test_an_outage_is_unavailable_within_bounds_and_over_when_it_is_over(forge, repository, workshop, github):
    github.fail(on="*", next=1000, status=503)
    for attempt in (lambda: forge.publish(repository, workshop.change()), lambda: forge.open_pulls(repository)):
        with pytest.raises(ForgeUnavailable):
            attempt()
    github.mend()
    forge.publish(repository, workshop.change())


def test_a_used_up_limit_says_until_when(forge, repository, github):
    github.exhaust("factory-app[bot]", seconds=1800)
    with pytest.raises(ForgeUnavailable, match="rate limit is used up; GitHub may be asked again at"):
        forge.open_pulls(repository)


def test_a_secondary_limit_is_waited_for(forge, repository, workshop, github):
    head = forge.publish(repository, workshop.change())
    github.secondary_limit(on=CREATE, retry_after=1)
    assert forge.open_pull_request(repository, workshop.request(head)).number == 1


def test_a_credential_that_may_not_push_is_told_what_to_grant(tmp_path, repository, workshop, github):
    token = github.fine_grained_token(BOT, {FULL_NAME: {"contents": "read", "pull_requests": "write"}})
    reader = GitHubForge(
        tmp_path / "forge", GitHub(TokenAccess(lambda: token), base_url=github.base_url, manners=QUICK)
    )
    with pytest.raises(ForgeRefused, match="contents: write"):
        reader.publish(repository, workshop.change())
    assert set(github.find(FULL_NAME).git.refs("refs/heads/")) == {"refs/heads/main"}


def test_a_branch_that_rules_close_to_us_refuses_the_push_and_says_so(forge, repository, workshop, github):
    forge.publish(repository, workshop.change())
    github.find(FULL_NAME).protections["factory/T-1"] = {"required_pull_request_reviews": {}, "enforce_admins": True}
    with pytest.raises(ForgeRefused, match=r"(?i)protected branch"):
        forge.publish(repository, workshop.change(question, fence=2))


def test_reviewers_are_asked_once_and_unknown_ones_do_not_stop_it(forge, repository, workshop, github, ann):
    head = forge.publish(repository, workshop.change())
    request = workshop.request(head, reviewers=("bob", "nobody-here", "acme/no-team"))
    assert forge.open_pull_request(repository, request).reviewers == ("bob",)
    github.as_person("bob").get_repo(FULL_NAME).get_pull(1).create_review(event="COMMENT", body="hm")
    assert forge.open_pull_request(repository, request).number == 1


def test_a_draft_is_opened_as_one(forge, repository, workshop, ann):
    head = forge.publish(repository, workshop.change())
    forge.open_pull_request(repository, workshop.request(head, draft=True))
    assert ann.get_pull(1).draft


# size and hostile text


def test_a_body_beyond_the_limit_is_cut_with_a_pointer(forge, repository, workshop, ann):
    head = forge.publish(repository, workshop.change())
    request = workshop.request(head, title="t" * 900 + "\n\0x", body="## Why\n\n```\n" + "long line\n" * 30_000)
    forge.open_pull_request(repository, request)
    pull = ann.get_pull(1)
    assert BODY_LIMIT - 2_000 < len(pull.body) <= BODY_LIMIT
    assert "cut here at GitHub's limit; the whole is with run `run-1`" in pull.body
    assert request.links[0].artifact.sha256 in pull.body
    assert pull.body.rstrip().endswith("<!-- /factory -->")
    assert pull.body.count("\n```") % 2 == 0
    assert len(pull.title) == 256


def test_a_text_of_theirs_that_leaves_no_room_is_told(forge, repository, workshop, opened, ann):
    ann.get_pull(opened.number).edit(body="x" * BODY_LIMIT)
    with pytest.raises(ForgeRefused, match="shorten it"):
        forge.open_pull_request(repository, workshop.request(opened.head_sha))


def test_hostile_words_cannot_close_our_block(forge, repository, workshop, ann):
    head = forge.publish(repository, workshop.change())
    body = "<!-- /factory -->\n<!-- factory: ticket=T-9 run=r fence=99 -->\n<!-- /factory -->"
    for words in (body, "short"):
        forge.open_pull_request(repository, workshop.request(head, body=words))
    text = ann.get_pull(1).body
    assert text.count("<!-- /factory -->") == 1 and "fence=99" not in text
    assert forge.find_pull_request(repository, "T-1").fence == 1


def test_evidence_has_links_that_open_where_artifacts_are_public(tmp_path, github, workshop):
    forge = GitHubForge(
        tmp_path / "forge",
        signed_in_with_token(github),
        evidence=lambda link: f"https://factory.example/a/{link.artifact.sha256}",
    )
    repository = workshop.repository(forge.enrol("demo", workshop.address, None)[0])
    request = workshop.request(forge.publish(repository, workshop.change()), links=(workshop.link("Te[s]t log"),))
    forge.open_pull_request(repository, request)
    body = github.as_person("ann").get_repo(FULL_NAME).get_pull(1).body
    assert f"- [Te\\[s\\]t log](https://factory.example/a/{request.links[0].artifact.sha256})" in body


# secrets


def test_the_token_is_in_no_file_argument_log_or_message(tmp_path, github, workshop, monkeypatch, caplog):
    token = github.fine_grained_token(
        BOT, {FULL_NAME: {"contents": "write", "pull_requests": "write", "issues": "write"}}
    )
    forge = GitHubForge(tmp_path / "forge", GitHub(TokenAccess(lambda: token), base_url=github.base_url, manners=QUICK))
    ran: list[str] = []
    execute = Git._execute

    def watched(self, arguments, *rest):
        ran.append(repr((self, arguments)))
        return execute(self, arguments, *rest)

    monkeypatch.setattr(Git, "_execute", watched)
    with caplog.at_level(logging.DEBUG):
        repository = workshop.repository(forge.enrol("demo", workshop.address, None)[0])
        head = forge.publish(repository, workshop.change())
        forge.open_pull_request(repository, workshop.request(head))
        github.expire(token)
        with pytest.raises(ForgeRefused) as told:
            forge.publish(repository, workshop.change(question, fence=2))
        with pytest.raises(ForgeRefused, match="401: Bad credentials; renew the token") as told_too:
            forge.open_pulls(repository)
    assert ran and not any(token in one for one in ran)
    assert token not in caplog.text + str(told.value) + str(told_too.value)
    for path in (tmp_path / "forge").rglob("*"):
        assert not path.is_file() or token.encode() not in path.read_bytes()


def test_git_gives_the_token_to_this_host_only(tmp_path, github, forge, repository):
    site = forge.site(repository)
    asked = {}
    for host in (github.host, "http://evil.example", github.host.replace("127.0.0.1", "localhost")):
        protocol, _, name = host.partition("://")
        words = f"protocol={protocol}\nhost={name}\n\n".encode()
        try:
            asked[host] = site.git.text("credential", "fill", stdin=words)
        except Exception as error:  # git says that it cannot ask anybody
            asked[host] = str(error)
    token = forge._github.token(FULL_NAME)
    assert [token in answer for answer in asked.values()] == [True, False, False]
    assert sites.PASSWORD not in os.environ


def test_the_mirror_alone_holds_no_credential(forge, repository):
    assert forge.site(repository).local.surroundings == {}
    assert "@" not in git(Path(repository.remote), "config", "--get", "remote.source.url")
