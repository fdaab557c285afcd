"""An npm registry: one packument tells everything, but the times of a mirror are its own."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from urllib.parse import quote

from adapters._vendor.fetching import Fetcher, Offline
from adapters.registry.asking import AskedRegistry, Found, Unchanged, Unheard, instant, sentence
from adapters.registry.shelf import Shelf
from domain.changes import Ecosystem, Known, Package
from policy.governance.spdx import of_manifest
from policy.governance.versions import newest, parsed

SETTLED: Final = timedelta(days=90)  #: a mirror that has had a version so long proves its age


class NpmRegistry(AskedRegistry):
    """A mirror's `time` says when it first fetched a version: never before its publication, often years after. So an
    old time proves age and a young one proves nothing, unless `trusted_times` says that this is the origin.
    """

    ecosystem = Ecosystem.NPM
    known = "npm"

    def __init__(
        self,
        fetcher: Fetcher,
        shelf: Shelf,
        *,
        trusted_times: bool = False,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        super().__init__(fetcher, shelf)
        self._trusted_times = trusted_times
        self._now = now

    def knows(self, name: str) -> bool:
        return bool(self._packument(name, "")[0])

    def read(self, name: str, version: str | None, specifier: str, etag: str) -> Found:
        told, new_etag = self._packument(name, etag)
        versions: dict[str, Any] = told["versions"]
        wanted = version or self._wanted(told, specifier)
        one = versions.get(wanted or "")
        times: dict[str, Any] = told["time"] if isinstance(told.get("time"), dict) else {}
        package = Package(
            ecosystem=Ecosystem.NPM,
            name=name,
            version=wanted,
            known=Known.FOUND,
            version_known=Known.ABSENT if one is None else Known.FOUND,
            deprecated=sentence(one["deprecated"], "deprecated") if one and one.get("deprecated") else None,
            published_at=self._time(times.get(wanted or "")) if one else None,
            first_published_at=self._time(min((one for one in map(_text, times.values()) if one), default=None)),
            newest=newest(Ecosystem.NPM, versions),
            license=of_manifest(one.get("license"), one.get("licenses")) if one else None,
            url=f"{self._fetcher.shown}/{name}",
        )
        return Found(package, new_etag)

    def _wanted(self, told: dict[str, Any], specifier: str) -> str | None:
        """A tag is what the registry says it is; a range takes the newest that fits."""
        tags = told.get("dist-tags")
        tag = tags.get(specifier or "latest") if isinstance(tags, dict) else None
        return tag if isinstance(tag, str) else newest(Ecosystem.NPM, told["versions"], specifier)

    def _packument(self, name: str, etag: str) -> tuple[dict[str, Any], str]:
        answer = self._fetcher.get(f"/{quote(name, safe='@')}", "application/json", etag)
        if answer.status == 404:
            raise Unheard
        if answer.status == 304:
            raise Unchanged
        try:
            told = json.loads(answer.body)
        except (ValueError, RecursionError) as error:
            raise Offline("the registry answered with something else than a package") from error
        if not isinstance(told, dict) or str(told.get("name", "")).lower() != name or not _are_versions(told):
            raise Offline("the registry answered with something else than this package")
        return told, answer.etag

    def _time(self, told: object) -> datetime | None:
        at = instant(told)
        if at is None or self._trusted_times or self._now() - at >= SETTLED:
            return at
        return None


def _are_versions(told: dict[str, Any]) -> bool:
    versions = told.get("versions")
    return isinstance(versions, dict) and all(
        isinstance(one, dict) and parsed(Ecosystem.NPM, key) is not None for key, one in versions.items()
    )


def _text(told: object) -> str | None:
    at = instant(told)
    return at.isoformat() if at else None
