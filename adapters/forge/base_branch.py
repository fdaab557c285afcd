"""The forge's copy of a source's base branch: only ever moved forward."""

from adapters._vendor.git import Git, GitError
from domain.errors import ForgeUnavailable, RepositoryDiverged, RepositoryInvalid


def fetch_base(git: Git, base: str) -> str:
    """Bring the source's base branch and the tags on it here; return its commit. Our own branch is not moved.

    Raises:
        RepositoryInvalid: the source no longer has the branch.
        ForgeUnavailable: the source did not answer.
    """
    tracking = f"refs/remotes/source/{base}"
    try:
        git.run(
            "fetch", "--quiet", "--no-write-fetch-head", "--no-recurse-submodules", "--update-shallow",
            "source", f"+refs/heads/{base}:{tracking}",
        )  # fmt: skip
    except GitError as error:
        if "couldn't find remote ref" in error.words:
            raise RepositoryInvalid(f"the source has no branch {base!r} any more") from error
        if "No space left" in error.words:
            raise
        raise ForgeUnavailable(f"the source cannot be fetched: {error.words or error}") from error
    return git.text("rev-parse", tracking)


def advance_base(git: Git, base: str, theirs: str) -> str:
    """Move our base branch forward to the source's commit when that is newer; return where it then is.

    Raises:
        RepositoryDiverged: source and forge each have commits that the other lacks.
    """
    reference = f"refs/heads/{base}"
    ours = git.commit(reference)
    if ours is None:
        git.run("update-ref", reference, theirs, "0" * 40)
    elif is_ancestor(git, theirs, ours):
        return ours
    elif is_ancestor(git, ours, theirs):
        git.run("update-ref", reference, theirs, ours)
    else:
        raise RepositoryDiverged(
            f"{base} is at {theirs[:12]} in the source and at {ours[:12]} in the forge, and neither contains the other"
        )
    return theirs


def is_ancestor(git: Git, older: str, newer: str) -> bool:
    return git.holds("merge-base", "--is-ancestor", older, newer)
