"""A pull request as one page that needs no server: hostile text is escaped, nothing is loaded, nothing can run."""

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markdown_it import MarkdownIt
from markupsafe import Markup

from adapters._vendor.git import Git
from adapters.forge.records import StoredPullRequest

DIFF_LIMIT: Final = 400_000  #: bytes
LINES_LIMIT: Final = 4_000
LINE_LIMIT: Final = 1_000  #: characters
BODY_LIMIT: Final = 200_000  #: characters

#: Characters that are not seen or that reorder what is seen: shown as their number.
_UNSEEN: Final = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]")
_MARKDOWN: Final = MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"]).disable("image")
_PAGES: Final = Environment(
    loader=FileSystemLoader(Path(__file__).parent),
    autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Diff:
    stat: str
    lines: tuple[tuple[str, str], ...]  #: (kind, text); kinds are the page's CSS classes
    truncated: bool


def render_page(pull: StoredPullRequest, body: str, diff: Diff, remote: str) -> str:
    """Return the whole page; the same arguments always give the same text."""
    return _PAGES.get_template("page.html.j2").render(
        pull=pull,
        body=Markup(_MARKDOWN.render(visible(body[:BODY_LIMIT]))),  # noqa: S704
        body_cut=len(body) > BODY_LIMIT,
        diff=diff,
        commands=_commands(pull, remote),
    )


def read_diff(git: Git, base: str, head: str) -> Diff:
    """Return the change, bounded in bytes, lines and line length."""
    plain = ("--no-ext-diff", "--no-textconv", "--no-color", "--find-renames", base, head)
    stat, _ = git.head("diff-tree", "-r", "--stat=110", "--stat-count=100", *plain, limit=DIFF_LIMIT)
    patch, more = git.head("diff-tree", "-r", "--patch", *plain, limit=DIFF_LIMIT)
    lines = patch.decode("utf-8", "replace").split("\n")
    shown = tuple(_marked(lines[:LINES_LIMIT]))
    return Diff(visible(stat.decode("utf-8", "replace")), shown, more or len(lines) > LINES_LIMIT)


def visible(text: str) -> str:
    return _UNSEEN.sub(lambda found: f"\\u{ord(found[0]):04x}", text.replace("\r\n", "\n"))


def _marked(lines: list[str]) -> Iterator[tuple[str, str]]:
    in_header = False
    for line in lines:
        if line.startswith("diff --git "):
            in_header = True
        elif line.startswith("@@"):
            in_header = False
        text = visible(line)
        yield _kind(line, in_header), text if len(text) <= LINE_LIMIT else text[:LINE_LIMIT] + " …"


def _kind(line: str, in_header: bool) -> str:
    if in_header:
        return "file" if line.startswith("diff --git ") else "about"
    return {"@": "hunk", "+": "added", "-": "removed"}.get(line[:1], "same")


def _commands(pull: StoredPullRequest, remote: str) -> str:
    return f"git fetch {shlex.quote(remote)} {shlex.quote(pull.branch)}\ngit diff {pull.base_sha} {pull.head_sha}"


def _size(count: int) -> str:
    return f"{count} bytes" if count < 2048 else f"{count / 1024:,.0f} KiB"


def _when(instant: datetime) -> str:
    return f"{instant.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


_PAGES.filters |= {"size": _size, "when": _when, "visible": visible}
