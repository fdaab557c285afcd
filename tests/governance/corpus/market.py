"""Packages of a stand-in index and holes of a stand-in OSV server, for changes that install something."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from tests.adapters.registry.answers import PIP, SHA, npm_registry
from tests.adapters.registry.servers import Page
from tests.support.osv import CANARIES, record

OLD: Final = "2021-03-04T05:06:07Z"
HOLES: Final = (
    *CANARIES,
    record("PYSEC-2026-1", "PyPI", "meadow-holed", fixed="2.0", database_specific={"severity": "HIGH"}),
    record("PYSEC-2026-2", "PyPI", "meadow-unsaid", fixed="2.0"),
    record("GHSA-aaaa-bbbb-cccc", "npm", "demo", fixed="2.0.0", database_specific={"severity": "CRITICAL"}),
)


def market() -> dict[str, Page]:
    """Return the pages of both registries."""
    fresh = (datetime.now(UTC) - timedelta(days=2)).strftime("%Y-%m-%dT%H:%M:%SZ")
    shelves: tuple[dict[str, Page], ...] = (
        package("meadow", "MIT"),
        package("meadow-withdrawn", "MIT", yanked="1.5"),
        package("meadow-fresh", "MIT", uploaded={"2.0": fresh}),
        package("meadow-holed", "MIT"),
        package("meadow-unsaid", "MIT"),
        package("meadow-copyleft", "GPL-3.0-only"),
        package("meadow-served", "AGPL-3.0-or-later"),
        package("meadow-either", "GPL-3.0-only OR MIT"),
        package("meadow-silent", None),
        package("reqeusts", "MIT"),
    )
    return npm_registry() | {"/simple/pip/": Page(PIP, "text/html")} | {k: v for one in shelves for k, v in one.items()}


def package(name: str, terms: str | None, yanked: str = "", uploaded: dict[str, str] | None = None) -> dict[str, Page]:
    """Return the pages of a package with the versions 1.0, 1.5 and 2.0."""
    times = dict.fromkeys(("1.0", "1.5", "2.0"), OLD) | (uploaded or {})
    links = [_link(name, version, at, version == yanked) for version, at in times.items()]
    metadata = f"Metadata-Version: 2.4\nName: {name}\n" + (f"License-Expression: {terms}\n" if terms else "")
    info: dict[str, Any] = {
        "name": name,
        "version": "2.0",
        "license": None,
        "license_expression": terms,
        "classifiers": [],
    }
    told = {"info": info, "releases": {version: [{"upload_time_iso_8601": at}] for version, at in times.items()}}
    files = {f"/files/{_wheel(name, version)}.metadata": Page(metadata.encode(), "text/plain") for version in times}
    simple = f"<!DOCTYPE html><html><title>Links for {name}</title><body>{''.join(links)}</body></html>"
    return {
        f"/simple/{name}/": Page(simple.encode(), "text/html"),
        f"/pypi/{name}/json": Page(json.dumps(told).encode()),
        **files,
    }


def _link(name: str, version: str, at: str, is_yanked: bool) -> str:
    yanked = ' data-yanked="it deletes files"' if is_yanked else ""
    return f'<a href="/files/{_wheel(name, version)}{SHA}" data-upload-time="{at}"{yanked}>{_wheel(name, version)}</a>'


def _wheel(name: str, version: str) -> str:
    return f"{name.replace('-', '_')}-{version}-py3-none-any.whl"
