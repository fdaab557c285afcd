"""What is to be known of introduced dependencies: asked of the registries this machine uses, and of the advisories."""

import time
from collections.abc import Callable, Mapping, Sequence
from functools import cache, lru_cache
from pathlib import Path
from typing import Final, NamedTuple, TypeVar, cast

import policy.governance
from adapters._vendor.fetching import Fetcher
from adapters.advisory.contract import AdvisorySource, Subject, Told
from adapters.advisory.osv import OsvServer
from adapters.advisory.store import StoredAdvisories
from adapters.advisory.unconfigured import NoSource
from adapters.registry.contract import Registry
from adapters.registry.looking_up import SECONDS, look_up_all, questions
from adapters.registry.npm import NpmRegistry
from adapters.registry.pypi import PypiRegistry
from adapters.registry.shelf import Shelf
from domain.changes import Dependency, Ecosystem, Package
from policy.governance.lookalikes import lookalike
from resources.registries import Registries, npm_registry, pip_index, tool_settings, trusted

FRESH_SECONDS: Final = 600  #: that an answer of a tool is believed
Answer = TypeVar("Answer")
_NAMES: Final = Path(policy.governance.__file__).parent


class Learnt(NamedTuple):
    packages: tuple[Package, ...]  #: as `ChangeFacts` takes them
    advisories: Told  #: of the packages that have one version, for the age of the source and why anything is missing


def package_registries(
    kept: Path | None, *, npm_times_trusted: bool = False, known: Registries | None = None
) -> dict[Ecosystem, Registry]:
    """Return the registries that pip and npm are set to; a tool that is not set to one has none.

    Args:
        kept: Folder of answers that are still fresh.
        npm_times_trusted: npm's registry is the origin and no mirror, which tells its own times.
        known: What the tools of the egress broker said, where this machine's are not those that count.
    """
    shelf, verify = Shelf(kept), _said(trusted)
    found: dict[Ecosystem, Registry] = {}
    index, npm = (_said(pip_index), _said(npm_registry)) if known is None else (known.pip, known.npm)
    if index is not None:
        found[Ecosystem.PYPI] = PypiRegistry(Fetcher(index, verify=verify), shelf)
    if npm is not None:
        found[Ecosystem.NPM] = NpmRegistry(Fetcher(npm, verify=verify), shelf, trusted_times=npm_times_trusted)
    return found


def _said(question: Callable[[], Answer]) -> Answer:
    """Return what a tool says, asked again when its environment is another or the answer is old: it takes long."""
    told = _asked(question, tuple(sorted(tool_settings())), int(time.monotonic() // FRESH_SECONDS))
    return cast(Answer, told)


@lru_cache(32)
def _asked(question: Callable[[], object], _settings: tuple[tuple[str, str], ...], _when: int) -> object:
    return question()


def advisory_source(place: str | None) -> AdvisorySource:
    """Return the source at an address (a server that speaks OSV's API) or a path (a folder or zip of its records)."""
    if not place:
        return NoSource()
    if place.startswith(("http://", "https://")):
        return OsvServer(Fetcher(place.removesuffix("/").removesuffix("/v1"), verify=_said(trusted)))
    return StoredAdvisories(Path(place).expanduser())


def learn(
    dependencies: Sequence[Dependency],
    registries: Mapping[Ecosystem, Registry],
    source: AdvisorySource,
    seconds: float = SECONDS,
) -> Learnt:
    """Ask everything a rule may want to know; what had no answer says so in each package."""
    packages = look_up_all(registries, questions(dependencies), seconds)
    subjects = [Subject(one.ecosystem, one.name, one.version) for one in packages if one.version is not None]
    told = source.advisories(list(dict.fromkeys(subjects)))
    advisories = dict(zip(dict.fromkeys(subjects), told.advisories, strict=True))
    described = (
        one.model_copy(
            update={
                "advisories": advisories.get(Subject(one.ecosystem, one.name, one.version)) if one.version else None,
                "lookalike": lookalike(one.ecosystem, one.name, popular(one.ecosystem)),
            }
        )
        for one in packages
    )
    return Learnt(tuple(dict.fromkeys(described)), told)


@cache
def popular(ecosystem: Ecosystem) -> tuple[str, ...]:
    """Return the names that others are taken for, most popular first."""
    return tuple((_NAMES / f"popular_{ecosystem}.txt").read_text().split())
