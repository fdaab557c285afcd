"""A Python index: its simple page tells what exists, is yanked and since when; its JSON page tells licences."""

import json
from collections.abc import Sequence
from email.parser import BytesHeaderParser
from typing import Any, Final
from urllib.parse import quote, urljoin, urlsplit

from packaging.version import InvalidVersion, Version

from adapters._vendor.fetching import Offline
from adapters.registry.asking import AskedRegistry, Found, Unchanged, Unheard, instant
from adapters.registry.simple_index import ACCEPT, File, Page, read_page
from domain.changes import Ecosystem, Known, Package
from policy.governance.spdx import of_distribution
from policy.governance.versions import newest

_INACTIVE: Final = "Development Status :: 7 - Inactive"
_SIMPLE: Final = "/simple"


class PypiRegistry(AskedRegistry):
    """An index with a simple page; where it has no JSON pages beside it, licences come from the files' metadata."""

    ecosystem = Ecosystem.PYPI
    known = "pip"

    def knows(self, name: str) -> bool:
        answer = self._fetcher.get(f"/{quote(name)}/", ACCEPT)
        return answer.status == 200 and bool(read_page(answer).files)

    def read(self, name: str, version: str | None, specifier: str, etag: str) -> Found:
        answer = self._fetcher.get(f"/{quote(name, safe='')}/", ACCEPT, etag)
        if answer.status == 404:
            raise Unheard
        if answer.status == 304:
            raise Unchanged
        page = read_page(answer)
        offered = sorted({str(file.version) for file in page.files if file.yanked is None})
        wanted = version or newest(Ecosystem.PYPI, offered, specifier)
        files = [file for file in page.files if wanted is not None and _is(file.version, wanted)]
        package = Package(
            ecosystem=Ecosystem.PYPI,
            name=name,
            version=wanted,
            known=Known.FOUND,
            version_known=Known.FOUND if files else Known.ABSENT,
            newest=newest(Ecosystem.PYPI, offered),
            url=f"{self._fetcher.shown}/{name}/",
        )
        return Found(self._described(package, page, files), answer.etag)

    def _described(self, package: Package, page: Page, files: Sequence[File]) -> Package:
        info, releases = self._told(package.name, package.version)
        yanked = [file.yanked for file in files]
        inactive = "Development Status: Inactive" if _INACTIVE in info.get("classifiers", []) else None
        return package.model_copy(
            update={
                "yanked": yanked[0] if yanked and None not in yanked else None,
                "deprecated": page.status or inactive,
                "published_at": min((at for one in files if (at := one.uploaded)), default=releases.get("this")),
                "first_published_at": min(
                    (at for one in page.files if (at := one.uploaded)), default=releases.get("first")
                ),
                "license": self._license(info, package.version, files),
            }
        )

    def _told(self, name: str, version: str | None) -> tuple[dict[str, Any], dict[str, Any]]:
        """Return the JSON page's `info`, and the times of this version and the first; nothing where there is none."""
        if not self._fetcher.address.endswith(_SIMPLE):
            return {}, {}
        try:
            root = self._fetcher.at(self._fetcher.address.removesuffix(_SIMPLE))
            answer = root.get(f"/pypi/{quote(name, safe='')}/json")
            told = json.loads(answer.body) if answer.status == 200 else {}
            info, releases = told.get("info") or {}, told.get("releases") or {}
            times = {key: _first(files) for key, files in releases.items()}
            own = [at for key, at in times.items() if version and at and _is(key, version)]
            classifiers = info.get("classifiers")
            info = {**info, "classifiers": classifiers if isinstance(classifiers, list) else []}
            return info, {
                "this": min(own, default=None),
                "first": min(filter(None, times.values()), default=None),
            }
        except (Offline, ValueError, TypeError, AttributeError, RecursionError):
            return {}, {}

    def _license(self, info: dict[str, Any], version: str | None, files: Sequence[File]) -> str | None:
        """The JSON page knows the newest version's licence only; another version's file tells its own."""
        if version is not None and info.get("version") and _is(str(info["version"]), version):
            return of_distribution(info.get("license_expression"), info.get("license"), info["classifiers"])
        return next((found for file in files[:3] if (found := self._license_in(file))), None)

    def _license_in(self, file: File) -> str | None:
        address = urljoin(self._fetcher.address + "/x/", file.url.partition("#")[0])
        same = urlsplit(address).netloc == urlsplit(self._fetcher.address).netloc
        if not address.endswith(".whl") or not (same or address.startswith("https://")):
            return None
        try:
            answer = self._fetcher.at(address).get(".metadata", "*/*")
        except Offline:
            return None
        told = BytesHeaderParser().parsebytes(answer.body)
        return of_distribution(told["License-Expression"], told["License"], told.get_all("Classifier") or [])


def _first(files: Sequence[dict[str, Any]]) -> Any:
    return min((at for one in files if (at := instant(one.get("upload_time_iso_8601")))), default=None)


def _is(one: Version | str, other: str) -> bool:
    """Tell whether two versions are the same; without a local part, any local build of it is."""
    try:
        ours, theirs = Version(str(one)), Version(other)
    except InvalidVersion:
        return str(one) == other
    return ours == theirs or (theirs.local is None and ours.public == theirs.public)
