"""POST /v1/webhooks/github: who is let in, what is stored, and what hostile senders get."""

import asyncio
import hmac
import json
import os
import subprocess
import sys
import uuid
from pathlib import Path
from urllib.parse import urlencode

import pytest
from starlette.applications import Starlette
from starlette.datastructures import Headers
from starlette.routing import Route

from control_plane.webhooks.lingering import MOST_DROPPED
from control_plane.webhooks.receiving import Receiver
from control_plane.webhooks.route import Webhooks, webhooks_route
from control_plane.webhooks.signing import signers
from domain.deliveries import Delivery, DeliveryState
from domain.webhooks import LARGEST
from resources.settings import load_settings
from tests.support.webhooks.published import Example
from tests.support.webhooks.sending import HOST, SECRET, Sender, asked, enrol, signature_of

REPOSITORY = {"full_name": "Codertocat/Hello-World", "html_url": "https://github.com/Codertocat/Hello-World"}
OPENED = {"action": "opened", "number": 2, "pull_request": {"number": 2}, "repository": REPOSITORY}
ID = "72d3162e-cc78-11e3-81ab-4c9367dc0958"


def stored(sender: Sender) -> list[Delivery]:
    return sender.factory.inbox.newest()


def refused(sender: Sender, status: int, answer) -> bool:
    assert (answer.status, stored(sender)) == (status, [])
    assert "error" in answer.document
    assert list(sender.factory.settings.artifacts_dir.rglob("*.json")) == []
    return True


def test_a_signed_delivery_is_stored_as_it_came(sender):
    body = json.dumps(OPENED).encode()
    answer = sender.send("pull_request", body, x_github_delivery=ID)
    assert answer.status == 202
    assert answer.document == {"delivery": ID, "repository": "hello", "stored": True}
    assert answer.headers["cache-control"] == "no-store"
    [delivery] = stored(sender)
    assert (delivery.id, delivery.event, delivery.action, delivery.repository) == (
        ID,
        "pull_request",
        "opened",
        "hello",
    )
    assert (delivery.forge, delivery.state) == ("github", DeliveryState.WAITING)
    assert sender.factory.artifacts.get(delivery.body) == body


def test_github_s_own_example_of_a_signature_is_ours():
    """https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries, 'Testing'."""
    known = {"x": b"It's a Secret to Everybody"}
    right = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
    assert signers(b"Hello, World!", right, known, {}) == {"x"}
    assert signers(b"Hello, World?", right, known, {}) == frozenset()


def test_a_known_delivery_is_stored_once(sender):
    assert sender.send("push", OPENED, x_github_delivery=ID).status == 202
    again = sender.send("push", OPENED, x_github_delivery=ID.upper())
    assert (again.status, again.document["stored"]) == (200, False)
    assert len(stored(sender)) == 1


def test_a_delivery_that_is_settled_stays_so_when_it_comes_again(sender):
    sender.send("push", OPENED, x_github_delivery=ID)
    sender.factory.inbox.settle(ID, DeliveryState.DONE, "done", now=sender.factory.now())
    assert sender.send("push", OPENED, x_github_delivery=ID).status == 200
    assert stored(sender)[0].state is DeliveryState.DONE


def test_one_delivery_sent_at_once_by_many_is_one_row(sender):
    body = json.dumps(OPENED).encode()
    headers = sender.headers("push", body, x_github_delivery=ID)

    async def all_at_once():
        return await asyncio.gather(*(sender.posting(body, headers) for _ in range(8)))

    assert sorted(answer.status for answer in asyncio.run(all_at_once())) == [200] * 7 + [202]
    assert len(stored(sender)) == 1


def test_a_form_is_read_too(sender):
    told = json.dumps({**OPENED, "text": "ü & = + % ;"})
    body = urlencode({"payload": told}).encode()
    kind = "application/x-www-form-urlencoded; charset=utf-8"
    assert sender.send("push", body, content_type=kind).status == 202
    assert json.loads(sender.factory.artifacts.get(stored(sender)[0].body)) == json.loads(told)


@pytest.mark.parametrize("body", [b"", b"payload=", b"other={}", b"payload={}&payload={}", b"payload=%FF", b"payload=\xff", b"&" * 99, b"a=1&" * 99 + b"payload={}"])  # fmt: skip
def test_a_form_without_one_payload_is_refused(sender, body):
    refused(sender, 400, sender.send("push", body, content_type="application/x-www-form-urlencoded"))


def test_ping_is_answered_also_of_an_organization(sender):
    assert sender.send("ping", {"zen": "Keep it logically awesome.", "repository": REPOSITORY}).document["pong"]
    answer = sender.send("ping", {"zen": "Design for failure.", "organization": {"login": "octo"}})
    assert (answer.status, answer.document["repository"]) == (202, "hello")


def test_what_names_no_repository_belongs_to_whoever_signed_it(sender, monkeypatch):
    monkeypatch.setenv("FACTORY_SECRET_WEBHOOK_OTHER_ONE", "another")
    enrol(sender.factory, "other.one", "https://github.com/octo/other")
    answer = sender.send("organization", {"action": "member_added"}, secret="another")
    assert (answer.status, answer.document["repository"]) == (202, "other.one")


# wrong signatures


@pytest.mark.parametrize("signature", [None, "", "sha256=", "sha1=" + "0" * 40, "sha256=" + "0" * 64, "0" * 64, "sha256=é", "\xff" * 71])  # fmt: skip
def test_a_missing_or_wrong_signature_is_refused(sender, signature):
    refused(sender, 401, sender.send("push", OPENED, x_hub_signature_256=signature))


def test_the_signature_is_of_these_very_bytes(sender):
    body = json.dumps(OPENED).encode()
    for other in (body + b" ", body[:-1], body.replace(b"2", b"3"), b""):
        refused(sender, 401, sender.send("push", other, x_hub_signature_256=signature_of(body)))
    upper = signature_of(body).upper()
    refused(sender, 401, sender.send("push", body, x_hub_signature_256=upper))
    refused(sender, 401, sender.send("push", body, x_hub_signature_256=None, x_hub_signature=signature_of(body)))


@pytest.mark.parametrize("name", ["x-hub-signature-256", "x-github-delivery", "x-github-event"])
def test_a_header_given_twice_says_nothing(sender, name):
    body = json.dumps(OPENED).encode()
    headers = list(sender.headers("push", body))
    twice = [*headers, next(pair for pair in headers if pair[0] == name)]
    refused(sender, 401 if "signature" in name else 400, sender.post(body, twice))


def test_no_secret_no_entry(sender, monkeypatch):
    monkeypatch.delenv("FACTORY_SECRET_WEBHOOK_HELLO")
    for secret in ("", "None", SECRET):
        refused(sender, 401, sender.send("push", OPENED, secret=secret))


def test_an_empty_secret_is_none(sender, monkeypatch):
    monkeypatch.setenv("FACTORY_SECRET_WEBHOOK_HELLO", "")
    refused(sender, 401, sender.send("push", OPENED, secret=""))


def test_a_repository_s_secret_opens_no_other_repository(sender, monkeypatch):
    monkeypatch.setenv("FACTORY_SECRET_WEBHOOK_OTHER", "another")
    enrol(sender.factory, "other", "https://github.com/octo/other")
    refused(sender, 401, sender.send("push", OPENED, secret="another"))


def test_a_secret_may_have_another_name(sender, monkeypatch):
    enrolled = sender.factory.lookup.repository("hello")
    settings = enrolled.settings.model_copy(update={"webhook_secret": "webhook-shared"})
    enrol(sender.factory, "hello", enrolled.source, settings=settings)
    refused(sender, 401, sender.send("push", OPENED))
    monkeypatch.setenv("FACTORY_SECRET_WEBHOOK_SHARED", "shared")
    assert sender.send("push", OPENED, secret="shared").status == 202


# whose it is


@pytest.mark.parametrize(
    "repository",
    [
        {"full_name": "codertocat/unknown", "html_url": "https://github.com/codertocat/unknown"},
        {"full_name": "Codertocat/Hello-World", "html_url": "https://github.example.org/Codertocat/Hello-World"},
        {"full_name": "Codertocat/Hello-World", "html_url": "https://github.com/Codertocat/Other"},
        {"full_name": "Codertocat/Hello-World", "html_url": "https://[github.com/Codertocat/Hello-World"},
        {"full_name": "", "html_url": "https://github.com/Codertocat/Hello-World"},
        {"full_name": "Codertocat/Hello-World", "html_url": ""},
        {},
    ],
)
def test_a_repository_that_is_not_enrolled_is_not_found_by_who_knows_a_secret(sender, repository):
    refused(sender, 404, sender.send("push", {"repository": repository}))


def test_who_knows_no_secret_cannot_tell_what_is_enrolled(sender):
    known = sender.send("push", OPENED, secret="guess")
    unknown = sender.send(
        "push", {"repository": {"full_name": "a/b", "html_url": "https://github.com/a/b"}}, secret="g"
    )
    nothing = sender.send("push", b"no json", secret="guess")
    assert (known.status, known.body) == (unknown.status, unknown.body) == (nothing.status, nothing.body)


@pytest.fixture
def compared(monkeypatch) -> list[bytes]:
    """The signatures that were compared, as the real comparison got them."""
    seen: list[bytes] = []
    real = hmac.compare_digest

    def counting(one: bytes, other: bytes) -> bool:
        seen.append(one)
        return real(one, other)

    monkeypatch.setattr("control_plane.webhooks.signing.hmac.compare_digest", counting)
    return seen


def test_every_secret_is_tried_whoever_asks(compared):
    known = {"a": b"1", "b": b"2", "c": b"2"}
    for signature in (signature_of(b"x", "1"), signature_of(b"x", "2"), "", "sha256=0"):
        compared.clear()
        signers(b"x", signature, known, {})
        assert len(compared) == 2
    compared.clear()
    assert signers(b"x", "", {}, {}) == frozenset()
    assert len(compared) == 1
    assert signers(b"x", signature_of(b"x", "2"), known, {}) == {"b", "c"}


@pytest.mark.parametrize("encoded", [False, True])
def test_of_a_huge_body_the_same_number_of_secrets_is_tried_whatever_it_names(compared, encoded):
    known = {f"r{number}": f"secret {number}".encode() for number in range(50)}
    named = {f"octo/r{number}": f"r{number}" for number in range(50)}

    def signed(owner: str, names: list[str], secret: str) -> frozenset[str]:
        told = {"a": "x" * 1_000_000, "all": [{"full_name": f"{owner}/{name}"} for name in names]}
        text = json.dumps(told)
        body = urlencode({"payload": text}).encode() if encoded else text.encode()
        compared.clear()
        found = signers(body, signature_of(body, secret), known, named)
        assert len(compared) == 4
        return found

    assert signed("octo", ["r7"], "secret 7") == {"r7"}
    assert signed("Octo", ["fork", "R8", "r9"], "secret 8") == {"r8"}
    assert signed("octo", [f"r{number}" for number in range(50)], "secret 49") == {"r49"}
    assert signed("octo", ["r7"], "secret 8") == frozenset()
    assert signed("octo", [], "secret 7") == frozenset()
    assert signed("evil", ["r7"], "secret 7") == frozenset()


def test_names_are_of_any_case_and_hosts_differ(sender, monkeypatch):
    monkeypatch.setenv("FACTORY_SECRET_WEBHOOK_INSIDE", "inside")
    enrol(sender.factory, "inside", "https://ghe.example.org/Codertocat/Hello-World.git")
    here = {"full_name": "codertocat/hello-world", "html_url": "https://GHE.example.org/CoderToCat/hello-world"}
    assert sender.send("push", {"repository": here}, secret="inside").document["repository"] == "inside"
    assert sender.send("push", OPENED).document["repository"] == "hello"


@pytest.mark.parametrize("change", [{"enabled": False}, {"forge": "local"}])
def test_a_repository_that_left_or_is_elsewhere_gets_nothing(sender, change):
    enrol(sender.factory, "hello", "https://github.com/Codertocat/Hello-World", **change)
    refused(sender, 401, sender.send("push", OPENED))


# strange requests


@pytest.mark.parametrize("event", [None, "", "Push", "push ", "pu sh", "../push", "p" * 65, "push\x00", "1push"])
def test_a_strange_event_name_is_refused(sender, event):
    if event == "push ":  # space around a header's value is not part of it
        assert sender.send(event, OPENED).status == 202
        return
    refused(sender, 400, sender.send("push", OPENED, x_github_event=event))


@pytest.mark.parametrize("delivery", [None, "", "1", "../../etc/passwd", ID + "0", ID.replace("-", ""), "g" + ID[1:]])
def test_a_delivery_without_a_uuid_is_refused(sender, delivery):
    refused(sender, 400, sender.send("push", OPENED, x_github_delivery=delivery))


@pytest.mark.parametrize("kind", [None, "", "text/plain", "application/jsonp", "multipart/form-data; boundary=x"])
def test_another_content_type_is_refused(sender, kind):
    refused(sender, 400, sender.send("push", OPENED, content_type=kind))


@pytest.mark.parametrize("body", [
    b"", b" ", b"[]", b"null", b'"text"', b"1", b"{", b'{"a":1}x', b'{"a":1,}', b"\xff\xfe{}", b'{"a":"\xff"}', b'{"a":"\xed\xa0\x80"}',
    b"\x00", b'{"a":"\x00"}', b"[" * 100_000, b'{"a":' * 100_000, b'{"a":' + b"[" * 300 + b"]" * 300 + b"}", b'{"n":' + b"9" * 5_000 + b"}",
    b"payload=%7B%7D", b'{"a":"\\ud800"}', b'{"a":}', b"\xef\xbb\xbf{}",
])  # fmt: skip
def test_what_is_no_json_object_is_refused_though_signed(sender, body):
    refused(sender, 400, sender.send("push", body))


@pytest.mark.parametrize("value", [None, 1, [], "text", {}, [[]], True, "\x00", "x" * 100_000])
@pytest.mark.parametrize("key", ["action", "sender", "repository", "issue", "pull_request", "comment", "label"])
def test_fields_of_any_shape_are_stored_or_not_found(sender, key, value):
    answer = sender.send("issues", {**OPENED, key: value})
    assert answer.status in ((202, 404) if key == "repository" else (202,))


def test_a_body_that_is_cut_off_is_not_stored(sender):
    body = json.dumps(OPENED).encode()
    headers = sender.headers("push", body)
    refused(sender, 400, sender.post([body[:20], ConnectionResetError()], headers))
    refused(sender, 401, sender.post([body[:20]], headers))


def test_the_largest_payload_is_taken_and_one_byte_more_is_not(sender):
    start = json.dumps(OPENED).encode()[:-1] + b', "pad": "'
    largest = start + b"x" * (LARGEST - len(start) - 2) + b'"}'
    assert len(largest) == LARGEST
    assert sender.send("push", largest, x_github_delivery=ID).status == 202
    answer = sender.send("push", largest + b" ")
    assert (answer.status, [one.id for one in stored(sender)]) == (413, [ID])


def test_a_body_without_end_is_read_no_further_than_the_cap(sender):
    read = 0

    def endless():
        nonlocal read
        while True:
            read += 1
            yield b"x" * 1_000_000

    refused(sender, 413, sender.post(endless(), sender.headers("push", b"")))
    assert read <= (LARGEST + MOST_DROPPED) // 1_000_000 + 3


def test_a_length_that_is_announced_too_large_is_answered_before_it_is_read(sender):
    happened: list[str] = []

    async def receive():
        happened.append("read")
        return {"type": "http.request", "body": b"x", "more_body": False}

    async def send(message):
        happened.append(message.get("status") or f"more_body={message['more_body']}")

    headers = [*sender.headers("push", b""), ("content-length", str(LARGEST + 1))]
    pairs = [(name.encode(), value.encode()) for name, value in headers]
    scope = {"type": "http", "method": "POST", "path": "/v1/webhooks/github", "query_string": b"", "headers": pairs}
    asyncio.run(sender.app({**scope, "root_path": ""}, receive, send))
    assert happened == [413, "more_body=True", "read", "more_body=False"]


def test_who_sends_too_much_at_once_or_too_slowly_is_put_off(sender):
    receiver = Receiver(sender.factory.settings)
    door = Webhooks(receiver, most_held=1_000)
    app = Starlette(routes=[Route("/x", door.answer, methods=["POST"])])
    headers = sender.headers("push", b"")
    answer = asyncio.run(asked(app, "POST", "/x", [b"x" * 600, b"x" * 600], headers))
    assert (answer.status, answer.headers["retry-after"]) == (503, "60")
    body = json.dumps(OPENED).encode()
    again = asyncio.run(asked(app, "POST", "/x", body, sender.headers("push", body)))
    assert again.status == 202  # what was held is let go

    slow = Webhooks(receiver, patience=0.01)

    class Stuck:
        headers = Headers(dict(sender.headers("push", b"")))

        async def stream(self):
            await asyncio.sleep(60)
            yield b""

    assert asyncio.run(slow.answer(Stuck())).status_code == 408  # type: ignore[arg-type]


def test_a_ledger_that_does_not_answer_is_asked_again_later(sender, monkeypatch):
    monkeypatch.setenv("FACTORY_DATABASE_URL", f"sqlite:///{sender.factory.settings.home}/nowhere/x.sqlite")
    app = Starlette(routes=[webhooks_route(load_settings(sender.factory.settings.home))])
    body = json.dumps(OPENED).encode()
    answer = asyncio.run(asked(app, "POST", "/v1/webhooks/github", body, sender.headers("push", body)))
    assert (answer.status, answer.headers["retry-after"]) == (503, "60")
    assert "nowhere" not in answer.body.decode()


# the guard before it


def test_only_posts_to_this_very_path_need_no_token(sender):
    body = json.dumps(OPENED).encode()
    headers = sender.headers("push", body)

    def status(method: str, path: str, more=()) -> int:
        return asyncio.run(asked(sender.app, method, path, body, [*headers, *more])).status

    path = "/v1/webhooks/github"
    assert status("GET", path) == 401
    assert [status("POST", one) for one in (path + "/", path + "/x", "/v1/webhooks", path.upper(), "/graphql")] == [
        403
    ] * 5
    assert status("POST", path) == 202
    elsewhere = [(name, "evil.example" if name == "host" else value) for name, value in headers]
    assert asyncio.run(asked(sender.app, "POST", path, body, elsewhere)).status == 421
    assert HOST in dict(headers).values()


def test_no_wrong_delivery_of_the_published_ones_gets_in(sender, examples: list[Example]):
    for example in examples[::7]:
        refused(sender, 401, sender.send(example.event, example.body, secret="guess"))
        refused(
            sender, 401, sender.send(example.event, example.body[:-1], x_hub_signature_256=signature_of(example.body))
        )


# killed


def test_a_receiver_killed_between_body_and_row_finds_its_body_again(sender):
    """The sender sees no answer and sends again: one body, one row."""
    script = (
        "import os, sys\n"
        "from pathlib import Path\n"
        "from adapters.artifacts.local import LocalArtifactStore\n"
        "from control_plane.webhooks.receiving import Letter, Receiver\n"
        "from resources.settings import load_settings\n"
        "class Killed(LocalArtifactStore):\n"
        "    def put(self, *words, **more):\n"
        "        super().put(*words, **more)\n"
        "        os.kill(os.getpid(), 9)\n"
        "settings = load_settings(Path(sys.argv[1]))\n"
        "receiver = Receiver(settings)\n"
        "receiver._artifacts = Killed(settings.artifacts_dir)\n"
        "receiver.take(Letter('push', sys.argv[2], sys.argv[3], 'application/json', sys.stdin.buffer.read()))\n"
    )
    body = json.dumps(OPENED).encode()
    home = sender.factory.settings.home
    words = [sys.executable, "-c", script, str(home), ID, signature_of(body)]
    root = Path(__file__).parents[2]
    done = subprocess.run(words, input=body, cwd=root, env=dict(os.environ), check=False, timeout=120)
    assert done.returncode == -9
    assert len(list(sender.factory.settings.artifacts_dir.rglob("*.json"))) == 1
    assert stored(sender) == []
    assert sender.send("push", body, x_github_delivery=ID).status == 202
    assert len(stored(sender)) == len(list(sender.factory.settings.artifacts_dir.rglob("*.json"))) == 1


def test_ids_of_deliveries_are_uuids_as_the_forge_makes_them(sender):
    for name in (str(uuid.uuid1()), str(uuid.uuid4()), ID):
        assert sender.send("push", OPENED, x_github_delivery=name).status == 202
