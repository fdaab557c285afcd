"""A GitHub for the forge's tests: the stand-in, one repository on it whose work tree is the workshop's, and its people."""

from collections.abc import Callable
from pathlib import Path

from adapters._vendor.github import GitHub
from adapters._vendor.github_access import PERMISSIONS, AppAccess, TokenAccess
from adapters._vendor.github_limits import Manners
from adapters.forge.github.forge import GitHubForge
from domain.repositories import Repository
from tests.adapters.forge.workshop import Workshop, git
from tests.support.github.stand_in import StandIn

FULL_NAME = "acme/demo"
BOT = "factory-bot"
APP = "factory-app"
QUICK = Manners(attempts=4, patience=60.0, first_wait=0.01, reading_pause=None, writing_pause=None)
TOKEN_PERMISSIONS = {name: level for name, level in PERMISSIONS.items() if name != "checks"}


class GitHubWorkshop(Workshop):
    """A workshop whose every commit is pushed to the stand-in by a person, ann."""

    def __init__(self, directory: Path, github: StandIn) -> None:
        super().__init__(directory)
        self.github = github
        github.repository(FULL_NAME)
        for login in ("ann", "bob"):
            github.grant(FULL_NAME, login, "write")
        github.grant(FULL_NAME, BOT, "write")
        url = github.git_url(FULL_NAME).replace("://", f"://ann:{github.token('ann')}@")
        hook = self.source / ".git/hooks/post-commit"
        hook.parent.mkdir(exist_ok=True)
        hook.write_text(f"#!/bin/sh\nexec git push --quiet --force '{url}' HEAD:refs/heads/main\n")
        hook.chmod(0o755)
        git(self.source, "push", "--quiet", url, "HEAD:refs/heads/main")

    @property
    def address(self) -> str:
        return f"{self.github.host}/{FULL_NAME}"

    def repository(self, remote: str, name: str = "demo") -> Repository:
        return super().repository(remote, name).model_copy(update={"forge": "github"})


def signed_in_as_app(github: StandIn) -> GitHub:
    installation = github.install(github.app(APP, PERMISSIONS), FULL_NAME)
    app = installation.app
    return GitHub(
        AppAccess(str(app.id), installation.id, lambda: app.private_key), base_url=github.base_url, manners=QUICK
    )


def signed_in_with_token(github: StandIn) -> GitHub:
    token = github.fine_grained_token(BOT, {FULL_NAME: TOKEN_PERMISSIONS})
    return GitHub(TokenAccess(lambda: token), base_url=github.base_url, manners=QUICK)


def person(github: StandIn, login: str) -> GitHub:
    return GitHub(TokenAccess(lambda: github.token(login)), base_url=github.base_url, manners=QUICK)


def make_forge(root: Path, github: StandIn, sign_in: Callable[[StandIn], GitHub] = signed_in_as_app) -> GitHubForge:
    """Return a forge to which everybody has left a credential to merge with: ann's."""
    return GitHubForge(root, sign_in(github), people=lambda actor: person(github, "ann"))
