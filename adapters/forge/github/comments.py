"""One maintained comment under a key: found by its hidden line, brought up to date in place, doubles folded."""

from github.GithubException import UnknownObjectException
from github.IssueComment import IssueComment

from adapters._vendor.github_limits import ensured
from adapters._vendor.github_markers import is_signed, signed
from adapters.forge.github.site import Site


def keep_comment(site: Site, number: int, key: str, text: str) -> str:
    """Make the oldest comment of ours under this key say this, remove the others, and return its address."""
    body = signed(text.replace("\0", ""), key)
    pull = site.hub.get_pull(number)

    def oldest() -> IssueComment | None:
        found = [one for one in pull.get_issue_comments() if _is_ours(site, one, key)]
        for double in sorted(found, key=lambda one: one.id)[1:]:
            _remove(double)
        return min(found, key=lambda one: one.id, default=None)

    comment = ensured(oldest, lambda: pull.create_issue_comment(body), site.manners)
    if (comment.body or "").replace("\r\n", "\n").rstrip() != body.rstrip():
        comment.edit(body)
    return comment.html_url


def _is_ours(site: Site, comment: IssueComment, key: str) -> bool:
    return is_signed(comment.body, key) and comment.user is not None and site.is_mine(comment.user.login)


def _remove(comment: IssueComment) -> None:
    try:
        comment.delete()
    except UnknownObjectException:
        return  # somebody was quicker
