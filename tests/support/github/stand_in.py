"""The stand-in as tests hold it: make people and repositories, act as somebody, break things, look at what happened."""

import tempfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from github import Auth, Github
from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server

from tests.support.github import description
from tests.support.github.access import Actor, Token
from tests.support.github.bare import NOTHING, Person
from tests.support.github.limits import SECONDARY, Fault
from tests.support.github.moves import moved
from tests.support.github.server import Logged, Server
from tests.support.github.state import ROLES, App, Installation, Repository
from tests.support.github.webhooks import Webhooks
from tests.support.github.world import World

CI_PERMISSIONS = {"checks": "write", "statuses": "write", "contents": "read"}


class InvalidRequests(AssertionError):
    """Something sent requests that GitHub does not describe, or that the stand-in cannot do."""


@dataclass
class StandIn:
    """A github.com on loopback. `invalid` holds the requests that fail the test at the end."""

    world: World
    server: Server
    _clients: list[Github] = field(default_factory=list)

    @property
    def base_url(self) -> str:
        return self.world.api

    @property
    def host(self) -> str:
        return self.world.host

    @property
    def log(self) -> list[Logged]:
        return self.server.log

    @property
    def invalid(self) -> list[str]:
        return self.server.invalid

    @property
    def webhooks(self) -> Webhooks:
        return self.world.webhooks

    def writes(self) -> list[Logged]:
        """Return the requests that may have changed something."""
        return [one for one in self.log if one.writes]

    def repository(
        self,
        full_name: str,
        files: Mapping[str, str | bytes] | None = None,
        *,
        private: bool = True,
        default: str = "main",
    ) -> Repository:
        """Make a repository with one commit of these files; with none, it is empty."""
        with self.world.lock:
            home = self.world.add_repository(full_name, private=private, default=default)
            if files:
                self.commit(full_name, files, "Begin")
            return home

    def commit(self, full_name: str, files: Mapping[str, str | bytes | None], message: str, **more: Any) -> str:
        """Commit to `branch` as `login` (the owner) without asking whether they may; None deletes a file."""
        home, branch = self.find(full_name), more.get("branch") or self.find(full_name).default_branch
        with self.world.lock:
            account = self.world.account(more["login"]) if more.get("login") else home.owner
            ref = f"refs/heads/{branch}"
            old = home.git.ref(ref) or (home.git.branch(home.default_branch) if branch != home.default_branch else None)
            tree = home.git.run("rev-parse", f"{old}^{{tree}}") if old else home.git.run("mktree")
            for path, content in files.items():
                data = content.encode() if isinstance(content, str) else content
                tree = home.git.with_file(tree, path, None if data is None else home.git.write_blob(data))
            who = Person(account.login, account.email, self.world.now())
            sha = home.git.write_commit(tree, [old] if old else [], f"{message}\n", who, who)
            before = home.git.ref(ref) or NOTHING
            home.git.move(ref, sha)
            moved(self.world, home, Actor(account), ref, before, sha)
            return sha

    def find(self, full_name: str) -> Repository:
        return self.world.repositories[full_name.lower()]

    def git_url(self, full_name: str) -> str:
        return f"{self.host}/{self.find(full_name).full_name}.git"

    def folder(self, full_name: str) -> Path:
        """Return the bare repository on disk."""
        return self.find(full_name).git.folder

    def grant(self, full_name: str, login: str, role: str) -> None:
        """Give a person (made when new) a role: none, read, triage, write, maintain or admin."""
        assert role in ROLES
        with self.world.lock:
            self.find(full_name).roles[self.world.account(login).login] = role

    def token(self, login: str) -> str:
        """Return a new token with everything that the person may do, as a classic one with the scope `repo`."""
        with self.world.lock:
            return self.world.tokens.person(self.world.account(login)).secret

    def fine_grained_token(
        self, login: str, grants: Mapping[str, Mapping[str, str]], *, seconds: float | None = None
    ) -> str:
        """Return a new token with these permissions on these repositories, `{"acme/app": {"contents": "write"}}`."""
        with self.world.lock:
            ends = self.world.now() + timedelta(seconds=seconds) if seconds is not None else None
            told = {self.find(name).id: {"metadata": "read", **given} for name, given in grants.items()}
            return self.world.tokens.fine_grained(self.world.account(login), told, ends).secret

    def as_person(self, login: str) -> Github:
        """Return a PyGithub client of a person."""
        return self.client(Auth.Token(self.token(login)))

    def client(self, auth: Auth.Auth | None) -> Github:
        """Return a PyGithub client that neither waits between requests nor repeats what failed."""
        made = Github(
            base_url=self.base_url, auth=auth, seconds_between_requests=None, seconds_between_writes=None, retry=None
        )
        self._clients.append(made)
        return made

    def app(
        self,
        slug: str,
        permissions: Mapping[str, str],
        events: Sequence[str] = (),
        *,
        webhook: tuple[str, str] | None = None,
    ) -> App:
        """Register a GitHub App with a key of its own; `webhook` is address and secret of its own hook."""
        private, public = _key_pair()
        url, secret = webhook or (None, None)
        with self.world.lock:
            owner, bot = self.world.account("acme", "Organization"), self.world.account(f"{slug}[bot]", "Bot")
            number, now = self.world.id(), self.world.now()
            made = App(number, slug, owner, bot, public, private, dict(permissions), tuple(events), now, url, secret)
            self.world.apps[made.id] = made
            return made

    def install(self, app: App, *full_names: str) -> Installation:
        """Install an App on repositories of one owner."""
        homes = [self.find(name) for name in full_names]
        with self.world.lock:
            ids = {home.id for home in homes}
            made = Installation(self.world.id(), app, homes[0].owner, ids, dict(app.permissions), self.world.now())
            self.world.installations[made.id] = made
            return made

    def as_app(self, installation: Installation) -> Github:
        """Return a PyGithub client of an installation."""
        auth = Auth.AppAuth(installation.app.id, installation.app.private_key).get_installation_auth(installation.id)
        return self.client(auth)

    def ci(self, full_name: str) -> Github:
        """Return a PyGithub client of an App like GitHub Actions, for check runs that are not ours."""
        with self.world.lock:
            app = next((one for one in self.world.apps.values() if one.slug == "stand-in-ci"), None)
            app = app or self.app("stand-in-ci", CI_PERMISSIONS)
            found = self.world.installation_on(app, self.find(full_name)) or self.install(app, full_name)
        return self.as_app(found)

    def expire(self, secret: str) -> None:
        """Let a token's life end now."""
        with self.world.lock:
            self.world.tokens.known[secret].expires_at = self.world.now()

    def pass_time(self, seconds: float) -> None:
        with self.world.lock:
            self.world.passed += timedelta(seconds=seconds)

    def now(self) -> datetime:
        return self.world.now()

    def fail(self, *, on: str = "*", next: int = 1, skip: int = 0, **how: Any) -> Fault:  # noqa: A002
        """Break the next requests on a method and path template, `POST /repos/{}/{}/pulls`; `*` is any request.

        `status=502`, `stall=5.0` (seconds), else the connection is dropped; `after_effect=True` lets it happen first;
        `skip=3` lets three pass before. Git's paths are `/{}/{}.git/git-receive-pack` and the like.
        """
        fault = Fault(on, next, skip, **how)
        with self.world.lock:
            self.world.faults.waiting.append(fault)
        return fault

    def mend(self) -> None:
        """Take back every fault that has not struck."""
        with self.world.lock:
            self.world.faults.waiting.clear()

    def exhaust(self, login: str, *, seconds: float = 3600, resource: str = "core") -> None:
        """Let the primary rate limit of a person, or of an App's installations, be used up for so long."""
        with self.world.lock:
            account = self.world.account(login)
            names = [f"installation:{one.id}" for one in self.world.installations.values() if one.app.bot is account]
            for who in names or [f"user:{account.id}"]:
                self.world.limits.exhaust(who, resource, self.world.now(), seconds)

    def secondary_limit(self, *, next: int = 1, retry_after: int = 1, status: int = 403, on: str = "*") -> Fault:  # noqa: A002
        return self.fail(on=on, next=next, status=status, message=SECONDARY, headers={"Retry_After": str(retry_after)})

    def remaining(self, login: str, resource: str = "core") -> int:
        """Return what is left of a person's primary rate limit."""
        with self.world.lock:
            return self.world.limits.quota(f"user:{self.world.account(login).id}", resource, self.world.now()).remaining

    def settle(self) -> None:
        """Wait until every webhook was sent."""
        assert self.webhooks.settle(), "webhooks were not sent in time"

    def known_token(self, secret: str) -> Token | None:
        return self.world.tokens.known.get(secret)

    def close(self) -> None:
        for client in self._clients:
            client.close()


def _key_pair() -> tuple[str, str]:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    encoding, plain = serialization.Encoding.PEM, serialization.NoEncryption()
    private = key.private_bytes(encoding, serialization.PrivateFormat.TraditionalOpenSSL, plain)
    public = key.public_key().public_bytes(encoding, serialization.PublicFormat.SubjectPublicKeyInfo)
    return private.decode(), public.decode()


class Quiet(WSGIRequestHandler):
    """What happened is in the stand-in's own log."""

    def log(self, type: str, message: str, *args: Any) -> None:  # noqa: A002
        pass


def make_stand_in(folder: Path, port: int = 0) -> tuple[StandIn, BaseWSGIServer]:
    """Raises: DescriptionMissing."""
    description.ready()
    world = World(folder, "")
    server = Server(world)
    listener = make_server("127.0.0.1", port, server, threaded=True, request_handler=Quiet)
    world.host = f"http://127.0.0.1:{listener.server_port}"
    return StandIn(world, server), listener


@contextmanager
def github_stand_in(folder: Path | None = None) -> Iterator[StandIn]:
    """Run the stand-in until the block ends.

    Raises:
        DescriptionMissing: tests/support/github/install was not run.
        InvalidRequests: at the end, when a request was none of GitHub's.
    """
    with tempfile.TemporaryDirectory(prefix="github-") as own:
        stand_in, listener = make_stand_in(folder or Path(own))
        thread = threading.Thread(
            target=listener.serve_forever, kwargs={"poll_interval": 0.05}, name="github", daemon=True
        )
        thread.start()
        try:
            yield stand_in
        finally:
            stand_in.server.stopping.set()
            listener.shutdown()
            listener.server_close()
            thread.join(30)
            stand_in.webhooks.stop()
            stand_in.close()
        _refuse_invalid(stand_in)


def _refuse_invalid(stand_in: StandIn) -> None:
    if stand_in.invalid:
        raise InvalidRequests("\n".join(stand_in.invalid))
