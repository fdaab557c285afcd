"""Answers as the registries give them, cut down to what is read."""

import json
from typing import Any

from tests.adapters.registry.servers import Page

SHA = "#sha256=" + "0" * 64
SIMPLE_HTML = f"""<!DOCTYPE html>
<html><head><title>Links for demo</title></head><body><h1>Links for demo</h1>
<a href="/files/demo-1.0.tar.gz{SHA}" data-upload-time="2020-01-02T03:04:05.678901Z">demo-1.0.tar.gz</a><br/>
<a href="../../files/demo-1.5-py3-none-any.whl{SHA}" data-yanked="broken &lt;build&gt;" data-upload-time="2021-01-02T03:04:05Z">demo-1.5-py3-none-any.whl</a><br/>
<a href="/files/demo-2.0-py3-none-any.whl{SHA}" data-requires-python="&gt;=3.8" data-upload-time="2022-01-02T03:04:05Z">demo-2.0-py3-none-any.whl</a><br/>
<a href="/files/demo-2.0.tar.gz{SHA}" data-upload-time="2022-01-02T03:04:06Z">demo-2.0.tar.gz</a><br/>
<a href="/files/demo-3.0rc1.tar.gz{SHA}" data-upload-time="2023-01-02T03:04:06Z">demo-3.0rc1.tar.gz</a><br/>
<a href="/files/demo-0.1-py2.6.egg{SHA}">demo-0.1-py2.6.egg</a><br/>
</body></html>""".encode()
PIP = b'<!DOCTYPE html><html><title>Links for pip</title><a href="/files/pip-25.0-py3-none-any.whl">pip-25.0-py3-none-any.whl</a></html>'


def _row(name: str, at: str, yanked: Any = False) -> dict[str, Any]:
    return {
        "filename": name,
        "url": f"/files/{name}",
        "hashes": {"sha256": "0" * 64},
        "upload-time": at,
        "yanked": yanked,
    }


SIMPLE_JSON = json.dumps(
    {
        "meta": {"api-version": "1.4"},
        "name": "demo",
        "files": [
            _row("demo-1.0.tar.gz", "2020-01-02T03:04:05.678901Z"),
            _row("demo-1.5-py3-none-any.whl", "2021-01-02T03:04:05Z", "broken <build>"),
            _row("demo-2.0-py3-none-any.whl", "2022-01-02T03:04:05Z"),
            _row("demo-2.0.tar.gz", "2022-01-02T03:04:06Z"),
            _row("demo-3.0rc1.tar.gz", "2023-01-02T03:04:06Z"),
        ],
    }
).encode()
PROJECT = {
    "info": {"name": "demo", "version": "2.0", "license": None, "license_expression": "MIT", "classifiers": []},
    "releases": {
        "1.0": [{"upload_time_iso_8601": "2020-01-02T03:04:05.678901Z"}],
        "2.0": [{"upload_time_iso_8601": "2022-01-02T03:04:05Z"}],
    },
}
METADATA = b"Metadata-Version: 2.1\nName: demo\nVersion: 1.5\nLicense: see below\nClassifier: License :: OSI Approved :: ISC License (ISCL)\n\nLong words\n"


def python_index(kind: str = "html") -> dict[str, Page]:
    if kind == "html":
        simple, pip = Page(SIMPLE_HTML, "text/html", etag='"one"'), Page(PIP, "text/html")
    else:
        mime = "application/vnd.pypi.simple.v1+json"
        simple = Page(SIMPLE_JSON, mime, etag='"one"')
        pip = Page(json.dumps({"files": [_row("pip-25.0-py3-none-any.whl", "2025-01-01T00:00:00Z")]}).encode(), mime)
    return {
        "/simple/demo/": simple,
        "/simple/pip/": pip,
        "/pypi/demo/json": Page(json.dumps(PROJECT).encode()),
        "/files/demo-1.5-py3-none-any.whl.metadata": Page(METADATA, "binary/octet-stream"),
    }


def version(number: str, **told: Any) -> dict[str, Any]:
    return {"name": "demo", "version": number, "license": "MIT", "dist": {"integrity": "sha512-x"}} | told


PACKUMENT: dict[str, Any] = {
    "_id": "demo",
    "name": "demo",
    "dist-tags": {"latest": "2.0.0", "next": "3.0.0-rc.1"},
    "versions": {
        "1.0.0": version("1.0.0", license={"type": "ISC"}),
        "1.5.0": version("1.5.0", deprecated="use\n2.0.0"),
        "2.0.0": version("2.0.0"),
        "3.0.0-rc.1": version("3.0.0-rc.1", license="SEE LICENSE IN x"),
    },
    "time": {
        "created": "2020-01-01T00:00:00.000Z",
        "modified": "2026-05-30T00:00:00.000Z",
        "1.0.0": "2020-01-01T00:00:00.000Z",
        "1.5.0": "2021-01-01T00:00:00.000Z",
        "2.0.0": "2026-05-28T00:00:00.000Z",
    },
}


def npm_registry() -> dict[str, Page]:
    scoped = PACKUMENT | {"name": "@scope/demo"}
    known = {"name": "npm", "versions": {"11.0.0": version("11.0.0")}}
    return {
        "/demo": Page(json.dumps(PACKUMENT).encode(), etag='"one"'),
        "/@scope%2Fdemo": Page(json.dumps(scoped).encode()),
        "/npm": Page(json.dumps(known).encode()),
    }
