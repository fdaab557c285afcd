"""The inventory of one commit as CycloneDX 1.6 JSON: the same commit gives the same bytes."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from uuid import NAMESPACE_URL, uuid5

from cyclonedx.factory.license import LicenseFactory
from cyclonedx.model import Property
from cyclonedx.model.bom import Bom, BomMetaData
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.model.dependency import Dependency as Relation
from cyclonedx.output.json import JsonV1Dot6
from packageurl import PackageURL

from domain.changes import Dependency, Ecosystem, Package


def inventory(
    repository: str, head_sha: str, dependencies: Sequence[Dependency], packages: Iterable[Package], made_at: datetime
) -> bytes:
    """Return everything the manifests of a head ask for: what is locked by its version, the rest by its specifier.

    Args:
        repository: Its name.
        head_sha: The commit, which with the repository names the document.
        dependencies: Of every manifest of the head, not only of changed ones.
        packages: What registries said, for licences; a package without one is listed without one.
        made_at: Of the commit, so that making it again changes nothing.
    """
    root = Component(name=repository, version=head_sha, type=ComponentType.APPLICATION, bom_ref="root")
    bom = Bom(
        serial_number=uuid5(NAMESPACE_URL, f"{repository}@{head_sha}"),
        metadata=BomMetaData(component=root, timestamp=made_at.astimezone(UTC)),
    )
    licenses = {(one.ecosystem, one.name, one.version): one.license for one in packages if one.license}
    bom.components.update(_components(_kept(dependencies), licenses))
    bom.dependencies.add(Relation(root.bom_ref, (Relation(one.bom_ref) for one in bom.components)))
    return JsonV1Dot6(bom).output_as_string(indent=1).encode()


def _kept(dependencies: Sequence[Dependency]) -> Iterator[tuple[PackageURL, list[Dependency]]]:
    """A package that is locked is listed at its locked versions only."""
    locked = {(one.ecosystem, one.name) for one in dependencies if one.version is not None}
    found: dict[PackageURL, list[Dependency]] = {}
    for one in dependencies:
        if one.version is not None or (one.ecosystem, one.name) not in locked:
            found.setdefault(_purl(one), []).append(one)
    yield from sorted(found.items(), key=lambda pair: pair[0].to_string())


def _purl(one: Dependency) -> PackageURL:
    namespace, _, name = one.name.rpartition("/")
    return PackageURL(one.ecosystem.value, namespace or None, name, one.version)


def _components(
    kept: Iterable[tuple[PackageURL, list[Dependency]]], licenses: dict[tuple[Ecosystem, str, str | None], str]
) -> Iterator[Component]:
    maker = LicenseFactory()
    for purl, asked in kept:
        first = asked[0]
        told = licenses.get((first.ecosystem, first.name, first.version))
        facts = sorted(
            {("factory:manifest", one.path) for one in asked} | {("factory:origin", one.origin) for one in asked}
        )
        if first.version is None and first.specifier:
            facts.append(("factory:specifier", first.specifier))
        yield Component(
            type=ComponentType.LIBRARY,
            group=purl.namespace,
            name=purl.name,
            version=first.version,
            purl=purl,
            bom_ref=purl.to_string(),
            licenses=[maker.make_from_string(told)] if told else (),
            properties=(Property(name=name, value=value) for name, value in facts),
        )
