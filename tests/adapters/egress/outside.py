"""Certificates, the outside world and the broker as processes of their own."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from adapters.egress.doors import DoorFolder
from domain.egress import Upstream

KEY = "sk-live/Zq8+canary==0123456789"
WORD = "Canary0123456789"  # a key that could be the name of a header
NAMES = "DNS:files.test,DNS:api.test,DNS:other.test,DNS:localhost,DNS:loop.test,DNS:far.test,DNS:beside.test,DNS:sub.wide.test,IP:127.0.0.1"
UPSTREAMS = (
    Upstream(name="model", url="https://api.test", credential="model-key", paths=("/v1/",)),
    Upstream(name="based", url="https://api.test/v1", credential="model-key", header="x-goog-api-key", prefix=""),
    Upstream(name="local", url="http://127.0.0.1:8080", paths=("/",)),
    Upstream(name="keyless", url="https://api.test", credential="nobody-gave-it"),
    Upstream(name="word", url="https://api.test", credential="word"),
    Upstream(name="short", url="https://api.test", credential="too-short"),
    Upstream(name="bug", url="https://api.test", credential="no-text"),
    Upstream(name="torn", url="https://api.test", credential="with-a-line"),
    Upstream(name="untrusted", url="https://api.test:9443", credential="model-key"),
    Upstream(name="nowhere", url="https://api.test:9", credential="model-key"),
)
SECRETS = {"model-key": KEY, "word": WORD, "too-short": "abc", "no-text": 5, "with-a-line": "0123456789\r\nx: y"}
HUNG = 60  # seconds: the machine is, not the code slow


def soon(what: Callable[[], Any], words: str) -> Any:
    """Return the first true answer; the limit is for a hung machine."""
    end = time.monotonic() + HUNG
    while not (answer := what()):
        if time.monotonic() > end:
            raise AssertionError(f"never came: {words}")
        time.sleep(0.02)
    return answer


def openssl(*words: str) -> None:
    subprocess.run(["openssl", *words], check=True, capture_output=True)


def make_certificates(folder: Path) -> None:
    """Make `ca.pem`, `server.pem` signed by it, and `unknown.pem` that nobody signed."""
    key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2")
    ca, server, unknown = folder / "ca.pem", folder / "server.pem", folder / "unknown.pem"
    openssl("req", "-x509", *key, "-keyout", f"{folder}/ca.key", "-out", f"{ca}", "-subj", "/CN=test authority")
    names = ("-addext", f"subjectAltName={NAMES}")
    openssl(
        "req", *key, "-keyout", f"{folder}/server.key", "-out", f"{folder}/server.csr", "-subj", "/CN=server", *names
    )
    signed = ("-CA", f"{ca}", "-CAkey", f"{folder}/ca.key", "-copy_extensions", "copy", "-days", "2")
    openssl("x509", "-req", "-in", f"{folder}/server.csr", *signed, "-out", f"{folder}/server.crt")
    server.write_text((folder / "server.crt").read_text() + (folder / "server.key").read_text())
    openssl(
        "req", "-x509", *key, "-keyout", f"{folder}/u.key", "-out", f"{folder}/u.crt", "-subj", "/CN=server", *names
    )
    unknown.write_text((folder / "u.crt").read_text() + (folder / "u.key").read_text())


@dataclass
class Outside:
    """The world outside: servers in a network of their own, where the broker lives too."""

    folder: Path
    process: "subprocess.Popen[bytes]"

    def start(self, root: Path, *, files: int = 4096, **changes: Any) -> "subprocess.Popen[bytes]":
        """Start a broker there that may have so many files open; `changes` are of its settings."""
        told = {"upstreams": [one.model_dump(mode="json") for one in UPSTREAMS], "secrets": SECRETS, "limits": {}}
        settings = root.parent / f"{root.name}.settings.json"
        settings.write_text(json.dumps({**told, **changes}))
        into = ["nsenter", "--target", str(self.process.pid), "--net", "--mount"]
        words = [
            *into,
            "prlimit",
            f"--nofile={files}",
            sys.executable,
            "-m",
            "tests.adapters.egress.broker_process",
            str(root),
            str(settings),
        ]
        with (root.parent / f"{root.name}.broker.log").open("ab") as log:
            variables = {**os.environ, "SSL_CERT_FILE": str(self.folder / "ca.pem")}
            return subprocess.Popen(words, stdout=log, stderr=log, env=variables)

    def log(self) -> str:
        path = self.folder / "origin.log"
        return path.read_text() if path.exists() else ""


def make_outside(folder: Path) -> Outside:
    make_certificates(folder)
    os.mkfifo(folder / "events")
    words = ["unshare", "--net", "--mount", sys.executable, "-m", "tests.adapters.egress.origin", str(folder)]
    process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stdout.readline() == b"ready\n"
    return Outside(folder, process)


def stop(process: "subprocess.Popen[bytes]") -> None:
    process.kill()
    process.wait(HUNG)
    for stream in (process.stdin, process.stdout):
        if stream is not None:
            stream.close()


def await_broker(doors: DoorFolder) -> None:
    soon(doors.alive, "a broker that holds the lock")
