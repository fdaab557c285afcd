"""The pull request's page: what it links to is there, and nothing hostile in it can run or be loaded."""

import hashlib
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from adapters.forge import page as pages
from adapters.forge.local import LocalForge
from domain.errors import ForgeRefused
from domain.forge import Link
from tests.adapters.forge.workshop import Workshop

HOSTILE = "<script>alert(1)</script><img src=x onerror=alert(1)>"


class _Page(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    @property
    def links(self) -> list[str]:
        return [attributes["href"] or "" for tag, attributes in self.tags if tag == "a"]


@pytest.fixture
def workshop(tmp_path: Path) -> Workshop:
    return Workshop(tmp_path / "workshop")


@pytest.fixture
def opened(tmp_path, workshop):
    """Open a pull request and return it with the path and text of its page."""
    forge = LocalForge(tmp_path / "forge")
    repository = workshop.repository(forge.enrol("demo", str(workshop.source), None)[0])

    def open_pull_request(edit=None, **told):
        head = forge.publish(repository, workshop.change(edit))
        pull = forge.open_pull_request(repository, workshop.request(head, **told))
        path = Path(unquote(urlsplit(pull.url).path))
        return pull, path, path.read_text()

    open_pull_request.forge, open_pull_request.repository = forge, repository
    return open_pull_request


def _assert_harmless(text: str) -> None:
    found = _Page(text)
    assert not {"script", "img", "iframe", "object", "embed", "form", "link", "base", "svg"} & {
        tag for tag, _ in found.tags
    }
    for tag, attributes in found.tags:
        assert not [name for name in attributes if name.startswith("on") or name in {"style", "src", "srcset"}], tag
    assert not [link for link in found.links if urlsplit(link).scheme not in {"", "https", "http", "mailto"}]
    assert any("default-src 'none'" in (attributes.get("content") or "") for _, attributes in found.tags)


def test_the_page_says_what_it_is_about(opened):
    pull, _, text = opened(title="Answer & rightly", reviewers=("ann", "bob"))
    for words in ("Answer &amp; rightly", "T-1", "run-1", "factory/T-1", pull.base_sha, pull.head_sha, "ann, bob"):
        assert words in text
    assert "<em>wrong</em>" in text
    assert '<span class="added">+    return 42</span>' in text
    assert "src/app.py | 2 +-" in text
    _assert_harmless(text)


def test_every_link_resolves_and_is_the_artifact_it_names(opened, workshop):
    links = (
        workshop.link("Test log", b"ok\n"),
        workshop.link("Report <b>", b"<html><script>alert(1)</script>", "report.html", "report"),
        workshop.link("../../../etc/passwd", b"x", "../../../etc/passwd", "file"),
        workshop.link("same name", b"other\n"),
        workshop.link("no name", b"y", "///", "odd"),
        workshop.link("junit", b"<x/>", "junit.xml", "junit"),
    )
    _, path, text = opened(links=links)
    found = [link for link in _Page(text).links if link.startswith("evidence/")]
    assert [hashlib.sha256((path.parent / unquote(link)).read_bytes()).hexdigest() for link in found] == [
        link.artifact.sha256 for link in links
    ]
    assert {Path(link).suffix for link in found} == {".log", ".txt"}
    assert all((path.parent / link).resolve().parent == path.parent.resolve() / "evidence" for link in found)
    _assert_harmless(text)


def test_hostile_words_are_shown_not_run(opened, workshop):
    body = (
        f"{HOSTILE}\n\n[x](javascript:alert(1)) [y](file:///etc/passwd) [z](data:text/html,x) ![i](http://evil/i.png)\n\n"
        "<a href=x onclick=alert(1)>\n\n```html\n<script>alert(1)</script>\n```\n\n| a | b |\n|-|-|\n| <b> | `</pre>` |\n"
    )
    _, _, text = opened(
        title=HOSTILE, body=body, reviewers=(HOSTILE,), links=(workshop.link(HOSTILE, name=HOSTILE),)
    )  # fmt: skip
    _assert_harmless(text)
    assert "&lt;script&gt;alert(1)" in text


def test_hostile_file_names_and_content_are_shown_not_run(opened):
    def edit(work: Path) -> None:
        for name in (HOSTILE.replace("/", "_"), "new\nline", '"', "-rf", "ünï"):
            (work / name).write_text(HOSTILE + "\n</span></pre><script>\u202egnp.exe\x1b[31m\n")

    _, _, text = opened(edit)
    _assert_harmless(text)
    assert "\u202e" not in text
    assert "\\u202egnp.exe\\u001b[31m" in text


def test_hostile_actor_and_reason_are_shown_not_run(opened):
    pull, path, _ = opened()
    opened.forge.end_pull_request(opened.repository, pull.number, merge=True, actor=f"ann {HOSTILE}", reason=HOSTILE)
    text = path.read_text()
    _assert_harmless(text)
    assert 'class="state merged"' in text


def test_the_page_follows_each_change(opened, workshop):
    pull, path, text = opened(draft=True)
    assert 'class="state draft"' in text
    request = workshop.request(pull.head_sha, title="New words", links=())
    opened.forge.open_pull_request(opened.repository, request)
    text = path.read_text()
    assert "New words" in text
    assert not list((path.parent / "evidence").iterdir())
    opened.forge.end_pull_request(opened.repository, pull.number, merge=False, actor="ann", reason="not now")
    assert 'class="state closed"' in path.read_text()
    assert "not now" in path.read_text()


def test_a_long_difference_and_a_long_body_are_cut_and_said_to_be(opened):
    def edit(work: Path) -> None:
        (work / "long").write_text("x" * 5000 + "\n" + "y\n" * 200_000)

    _, path, text = opened(edit, body="w " * pages.BODY_LIMIT)
    assert len(text) < 2_000_000
    assert "longer than this page shows" in text
    assert 'href="body.md"' in text
    assert (path.parent / "body.md").read_text() == "w " * pages.BODY_LIMIT


def test_evidence_that_is_missing_or_another_is_refused(opened, workshop, tmp_path):
    good = workshop.link("log")
    (tmp_path / "other").write_bytes(b"other")
    for path in (tmp_path / "missing", tmp_path, tmp_path / "other"):
        with pytest.raises(ForgeRefused, match="evidence 'log'"):
            opened(links=(Link(label="log", artifact=good.artifact, path=str(path)),))
