"""What a change has installed, what is known of it, and the inventory of its head."""

from collections.abc import Sequence
from typing import NamedTuple

from adapters.sbom.cyclonedx import inventory
from domain.changes import AdvisorySource, Dependency, Package
from domain.execution import ArtifactRef
from domain.findings import Scan
from policy.governance.model import GovernancePolicy
from resources.checks import Observer
from resources.dependency_facts import advisory_source, learn, package_registries
from resources.governance.auditing import audit, audited
from resources.governance.manifests import Asked, asked_for
from resources.governance.source import Source
from resources.registries import read_registries
from resources.wiring import Factory

RULES = frozenset({"vulnerabilities", "dependencies", "licenses", "sbom"})  #: that need any of it


class Supplies(NamedTuple):
    asked: Asked = Asked()
    packages: tuple[Package, ...] | None = None
    advisories: AdvisorySource | None = None
    scans: tuple[Scan, ...] = ()
    sbom: ArtifactRef | None = None


def supplies_of(factory: Factory, source: Source, policy: GovernancePolicy, observe: Observer) -> Supplies:
    """Ask the registries and advisories of what is introduced; what did not answer says so in each package."""
    asked = asked_for(source)
    packages, advisories = _learnt(factory, asked.introduced)
    scans: tuple[Scan, ...] = ()
    if audited(policy, source.subject.rules):
        scans = audit(factory, asked.introduced or (), packages or (), observe)
    return Supplies(asked, packages, advisories, scans, _inventory(factory, source, asked, packages or ()))


def _learnt(
    factory: Factory, introduced: Sequence[Dependency] | None
) -> tuple[tuple[Package, ...] | None, AdvisorySource | None]:
    if not introduced:
        return (None if introduced is None else ()), None
    settings = factory.settings
    kept = settings.governance_dir / "registries"
    known = read_registries(settings.egress_dir) if settings.environment == "production" else None
    registries = package_registries(kept, npm_times_trusted=settings.npm_times_trusted, known=known)
    learnt = learn(introduced, registries, advisory_source(settings.advisories))
    told = learnt.advisories
    place = AdvisorySource(place=told.source, as_of=told.as_of, is_whole=told.is_whole, reason=told.reason)
    return learnt.packages, place


def _inventory(factory: Factory, source: Source, asked: Asked, packages: Sequence[Package]) -> ArtifactRef | None:
    """Make none of a head whose manifests cannot all be read: half an inventory is none."""
    if asked.everything is None:
        return None
    subject = source.subject
    made_at = source.committed_at()
    content = inventory(subject.repository.name, subject.head_sha, asked.everything, packages, made_at)
    return factory.artifacts.put(content, kind="json", name=f"sbom-{subject.head_sha[:12]}.cdx.json")
