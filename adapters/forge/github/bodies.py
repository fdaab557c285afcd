"""The words of a pull request on GitHub: our block between two hidden lines, and around it what people wrote."""

import hashlib
import re
from collections.abc import Callable, Sequence
from typing import Final

from adapters._vendor.github_markers import BODY_LIMIT, Marker, bounded, read_marker
from domain.errors import ForgeRefused
from domain.forge import Link, PullRequestRequest

END: Final = "<!-- /factory -->"
TITLE_LIMIT: Final = 256  #: characters, by GitHub
LEAST: Final = 1_000  #: characters our block needs beside what people wrote
Evidence = Callable[[Link], str | None]
_BLOCK: Final = re.compile(r"<!-- factory: ticket=[^\n]*? -->.*?" + re.escape(END), re.DOTALL)


def title_of(request: PullRequestRequest) -> str:
    line = " ".join(re.sub(r"[\x00-\x1f\x7f]", " ", request.title).split()) or f"Ticket {request.ticket_id}"
    return line if len(line) <= TITLE_LIMIT else line[: TITLE_LIMIT - 1] + "…"


def marker_of(request: PullRequestRequest) -> Marker:
    more = {"base": request.base_sha, "head": request.head_sha, "title": digest(title_of(request))}
    return Marker(request.ticket_id, request.run_id, request.fence, more)


def new_title(request: PullRequestRequest, current: str, body: str | None) -> str:
    """Return the title to set; one that a person changed stays."""
    before = read_marker(body)
    edited = before is not None and before.more.get("title") not in {None, digest(current)}
    return current if edited else title_of(request)


def new_body(request: PullRequestRequest, current: str | None, evidence: Evidence) -> str:
    """Return the body with our block anew, where it was; what people wrote around it stays as it is.

    Raises:
        ForgeRefused: their text leaves no room for ours.
    """
    text = (current or "").replace("\r\n", "\n")
    found = _BLOCK.search(text)
    before, after = (text[: found.start()], text[found.end() :]) if found else ("", text and f"\n\n{text}")
    room = BODY_LIMIT - len(before) - len(after)
    if room < LEAST:
        raise ForgeRefused(f"the pull request's text is at GitHub's limit of {BODY_LIMIT} characters; shorten it there")
    return before + _block(request, evidence, room) + after


def _block(request: PullRequestRequest, evidence: Evidence, room: int) -> str:
    marker, links = str(marker_of(request)), _links(request.links, evidence)
    body = request.body.replace("\r\n", "\n").replace("\0", "").replace(END, "").strip()
    frame = len(marker) + len(END) + len(links) + 4
    if frame > room // 2:
        links, frame = "", len(marker) + len(END) + 4
    return f"{marker}\n{bounded(body, room - frame, _notice(request))}\n{links}\n{END}"


def _notice(request: PullRequestRequest) -> str:
    whole = "".join(f", artifact `{link.artifact.sha256}`" for link in request.links[:1])
    return f"… cut here at GitHub's limit; the whole is with run `{request.run_id}`{whole}."


def _links(links: Sequence[Link], evidence: Evidence) -> str:
    """Return one line a link that opens; without a public address the body names artifacts by digest only."""
    shown = [(link, evidence(link)) for link in links]
    lines = [f"- [{_plain(link.label)}]({address})" for link, address in shown if address is not None]
    return "\n" + "\n".join(lines) + "\n" if lines else ""


def _plain(text: str) -> str:
    return re.sub(r"([\\`*_\[\]<>#|@!()])", r"\\\1", " ".join(text.split()))[:200]


def digest(title: str) -> str:
    return hashlib.sha256(title.encode("utf-8", "replace")).hexdigest()[:16]
