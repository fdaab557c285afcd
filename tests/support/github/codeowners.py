"""Who owns a path, by the CODEOWNERS file of the base branch; the last line that matches decides."""

from pathspec import GitIgnoreSpec

from tests.support.github.bare import Bare
from tests.support.github.shapes.pulls import pull_files
from tests.support.github.state import Account, Issue, Repository
from tests.support.github.world import World

PLACES = (".github/CODEOWNERS", "CODEOWNERS", "docs/CODEOWNERS")


def _lines(git: Bare, commit: str) -> list[tuple[GitIgnoreSpec, list[str]]]:
    found = next((entry for place in PLACES if (entry := git.at(commit, place))), None)
    if not found:
        return []
    text = git.output("cat-file", "blob", found.sha).decode(errors="replace")
    words = [line.partition("#")[0].split() for line in text.splitlines()]
    return [(GitIgnoreSpec.from_lines(line[:1]), line[1:]) for line in words if line]


def owners_of(git: Bare, commit: str, paths: list[str]) -> list[str]:
    """Return logins and addresses without their @, in the order of the file."""
    lines = _lines(git, commit)
    found: dict[str, None] = {}
    for path in paths:
        matching = [owners for spec, owners in lines if spec.match_file(path)]
        found.update(dict.fromkeys(owner.removeprefix("@") for owner in (matching[-1] if matching else [])))
    return list(found)


def code_owners(world: World, home: Repository, one: Issue) -> list[Account]:
    """Return the people with write access who own something that the pull request changes; never its author."""
    assert one.pull
    paths = [each.path for each in pull_files(home, one.pull)]
    names = owners_of(home.git, one.pull.base_sha, paths)
    accounts = [world.accounts.get(name.lower()) or world.by_email(name) for name in names]
    return [
        each
        for each in accounts
        if each and each is not one.user and home.roles.get(each.login) in ("write", "maintain", "admin")
    ]
