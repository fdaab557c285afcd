"""A stand-in for a registry of images: it serves one tiny image over the registry's real protocol, on loopback."""

import hashlib
import io
import json
import tarfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

KIND = "application/vnd.docker.distribution.manifest.v2+json"


def digest_of(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def tiny_image(text: str) -> tuple[bytes, dict[str, bytes]]:
    """Return the manifest of an image with one file, and what it is made of by digest."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        entry = tarfile.TarInfo("file")
        entry.size = len(text)
        archive.addfile(entry, io.BytesIO(text.encode()))
    layer = packed.getvalue()
    config = {
        "architecture": "amd64",
        "os": "linux",
        "config": {},
        "rootfs": {"type": "layers", "diff_ids": [digest_of(layer)]},
    }
    parts = {digest_of(one): one for one in (json.dumps(config).encode(), layer)}
    kinds = ("application/vnd.docker.container.image.v1+json", "application/vnd.docker.image.rootfs.diff.tar.gzip")
    about: list[dict[str, Any]] = [
        {"mediaType": kind, "size": len(content), "digest": digest}
        for kind, (digest, content) in zip(kinds, parts.items(), strict=True)
    ]
    manifest = {"schemaVersion": 2, "mediaType": KIND, "config": about[0], "layers": about[1:]}
    return json.dumps(manifest).encode(), parts


@contextmanager
def registry(text: str) -> Iterator[str]:
    """Yield the name, by its digest, under which the image can be pulled."""
    manifest, parts = tiny_image(text)
    served = {**parts, digest_of(manifest): manifest}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            content = b"{}" if self.path == "/v2/" else served.get(self.path.rpartition("/")[2])
            self.send_response(404 if content is None else 200)
            kind = KIND if "/manifests/" in self.path else "application/octet-stream"
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(content or b"")))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(content or b"")

        do_HEAD = do_GET  # noqa: N815 - named so by http.server

        def log_message(self, *_: object) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"127.0.0.1:{server.server_address[1]}/factory/tiny@{digest_of(manifest)}"
        server.shutdown()
