"""Changes of the corpus made in real repositories and judged by what `factory governance run` judges with."""

import hashlib
import os
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest

from domain.changes import Author
from domain.governance import Verdict
from domain.governed import GovernanceReport
from domain.repositories import Repository
from policy.governance.model import RULES
from resources.governance.bench import Bench, Job
from resources.governance.checkout import FORGE, mirror_checkout, with_checkout
from resources.governance.subject import Subject
from resources.governance.verdict import govern
from resources.settings import load_settings
from resources.unowned import making
from resources.wiring import Factory, open_factory
from tests.adapters.registry.servers import registry_stand_in
from tests.governance.corpus.grounds import Field, Ground
from tests.governance.corpus.market import HOLES, market
from tests.governance.corpus.planted import TICKET, Change, Files, Link, Pair
from tests.support.osv import osv_stand_in
from tests.support.repositories import ENV, git

BASE: Final = Change(lambda _: {})


@dataclass
class Court:
    """One factory, its repositories, and registries on loopback."""

    factory: Factory
    fields: dict[str, Field]
    index: str
    written: dict[str, Any]  #: by scanners, by the digest of what they were given; emptied, they start again

    def judge(self, pair: Pair, change: Change, ground: Ground) -> GovernanceReport:
        """Return the report on a change by every rule; the project's tests run where they are what finds it."""
        field = self.fields[ground.name]
        base = self._made(field, pair, change)
        found = mirror_checkout(self.factory.settings, field.source, ground.name, base, "HEAD")
        repository = Repository(
            name=ground.name,
            source=str(field.source),
            forge=FORGE,
            remote=str(found.remote),
            settings=ground.settings,
            created_at=self.factory.now(),
            created_by="ann",
        )
        subject = Subject(
            repository=repository,
            base_sha=found.base_sha,
            head_sha=found.head_sha,
            author=Author.FACTORY if change.ours else Author.PERSON,
            ticket_id=TICKET if change.ours else None,
            allowed_scope=(f"{field.tree.package}/*",) if change.scope else (),
            rules=RULES if pair.rule == "tests" else tuple(rule for rule in RULES if rule != "tests"),
        )
        with self._outside(pair), making(self.factory.settings):
            return govern(with_checkout(self.factory, found), subject, lambda _: None)

    @contextmanager
    def _outside(self, pair: Pair) -> Iterator[None]:
        """The stand-ins are the registries; what the project's own tests need comes from the real one."""
        with pytest.MonkeyPatch.context() as patched:
            if pair.rule != "tests":
                patched.setenv("PIP_INDEX_URL", f"{self.index}/simple")
                patched.setenv("NPM_CONFIG_REGISTRY", self.index)
            yield

    def _made(self, field: Field, pair: Pair, change: Change) -> str:
        source = field.source
        git(source, "checkout", "-q", "-f", "--detach", "release")
        git(source, "clean", "-q", "-f", "-d", "-x")
        tree = field.tree
        if pair.base:
            _commit(source, pair.base, BASE)
        base = git(source, "rev-parse", "HEAD")
        _commit(source, change.make(tree), change)
        return base


def _commit(source: Path, files: Files, change: Change) -> None:
    for name, content in files.items():
        path = source / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, Link):
            path.symlink_to(content.target)
        else:
            path.write_bytes(content.encode() if isinstance(content, str) else content)
    git(source, "add", "-A", "-f")
    who = {f"GIT_{role}_EMAIL": change.author for role in ("AUTHOR", "COMMITTER")}
    words = ["git", "commit", "-q", "-m", "Change it", *(["-m", change.trailers] if change.trailers else [])]
    subprocess.run(words, cwd=source, env={**ENV, **who}, check=True)


def remembering(run: Callable[..., Any], known: dict[str, Any]) -> Callable[..., Any]:
    """Tell what scanners wrote of the very same files before: many changes differ in who made them only."""

    def remembered(bench: Bench, place: str, files: Mapping[str, bytes], jobs: Sequence[Job], **told: Any) -> Any:
        commands = [(job.name, *job.command.argv, job.command.stdin) for job in jobs]
        digest = hashlib.sha256(repr([place, sorted(files.items()), commands]).replace(bench.token, "").encode())
        key = digest.hexdigest()
        if key not in known:
            known[key] = run(bench, place, files, jobs, **told)
        return known[key]

    return remembered


@contextmanager
def in_session(folder: Path, cache: Path, grounds: tuple[Ground, ...]) -> Iterator[Court]:
    """Open a factory of its own with every ground's repository."""
    with registry_stand_in(market()) as registry, osv_stand_in(HOLES) as osv, pytest.MonkeyPatch.context() as patched:
        for name in [one for one in os.environ if one.startswith("FACTORY_")]:
            patched.delenv(name)
        patched.setenv("FACTORY_SANDBOX", "process")
        patched.setenv("FACTORY_ADVISORIES", osv.address)
        written: dict[str, Any] = {}
        patched.setattr(Bench, "run", remembering(Bench.run, written))
        factory = open_factory(load_settings(folder / "home"), migrate=True)
        made = [Field(ground, ground.release.make_repository(cache, folder / ground.name)) for ground in grounds]
        yield Court(factory, {field.ground.name: field for field in made}, registry.address, written)


def blocking(report: GovernanceReport) -> dict[str, Verdict]:
    """Return the mandatory rules that stop the change."""
    stops = (Verdict.UNDETERMINED, Verdict.FAIL, Verdict.ERROR)
    return {one.rule: one.verdict for one in report.verdicts if one.mandatory and one.verdict in stops}
