"""Where packages come from: the addresses pip, uv and npm on this machine are set to, asked of them."""

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterable, Sequence
from ipaddress import ip_address
from pathlib import Path
from typing import Any
from urllib.parse import urljoin, urlsplit

import requests
import structlog
import uv
from pydantic import ValidationError

from adapters.egress.certificates import bundle
from domain.egress import Upstream
from domain.model import Value
from resources.model_apis import INSIDE
from resources.outside import MACHINE, Outside

log = structlog.get_logger()

FILE = "registries.json"
PATIENCE_SECONDS = 30
FRESH_SECONDS = 3600
PAGE_BYTES = 4_000_000
URL = re.compile(r"https?://[^\s\"'<>)]+")
#: files of a package, not whatever else a page mentions
FILE_LINK = re.compile(r"<a\s[^>]*?href=[\"']([^\"'#]+\.(?:whl|zip|tar\.gz))[#\"']", re.IGNORECASE)


class Registries(Value):
    """What a door for `setup` may reach, and what the tools inside are told of it."""

    asked_at: float = 0.0  #: Unix seconds
    question: str = ""  #: what the answer depends on: another setting is another question
    hosts: tuple[str, ...] = ()  #: host:port
    environment: dict[str, str] = {}
    upstreams: tuple[Upstream, ...] = ()  #: registries on loopback, which inside is another machine

    @property
    def pip(self) -> str | None:
        """Where another container asks for Python packages; none on loopback, which is not the same there."""
        return self._elsewhere("PIP_INDEX_URL")

    @property
    def npm(self) -> str | None:
        return self._elsewhere("NPM_CONFIG_REGISTRY")

    def _elsewhere(self, name: str) -> str | None:
        told = self.environment.get(name)
        return None if told is None or _is_loopback(told) else told


def known_registries(folder: Path, mirrors: Sequence[str], outside: Outside = MACHINE) -> Registries:
    """Return what the tools say, asking them when the last answer is old or to another question."""
    network = outside.network and outside.network.model_dump(mode="json")
    asked = [list(mirrors), sorted(tool_settings()), *([network] if network else [])]
    question = hashlib.sha256(json.dumps(asked).encode()).hexdigest()
    known = read_registries(folder)
    if known.question == question and 0 <= time.time() - known.asked_at < FRESH_SECONDS:
        return known
    found = ask_registries(mirrors, outside).model_copy(update={"asked_at": time.time(), "question": question})
    _write(folder, found)
    return found


def tool_settings() -> list[tuple[str, str]]:
    """Return the variables of this process that pip, uv and npm heed."""
    return [(name, value) for name, value in os.environ.items() if name.upper().startswith(("PIP_", "UV_", "NPM_"))]


def ask_registries(mirrors: Sequence[str] = (), outside: Outside = MACHINE) -> Registries:
    """Ask the tools of this machine; one that is not installed has none. Addresses with a password lose it."""
    index, extra, (uv_index, uv_extra), npm = pip_index(), pip_extras(), uv_indexes(), npm_registry()
    urls = [url for url in (index, *extra, uv_index, *uv_extra, npm, *mirrors) if url]
    plain = {url: _without_password(url) for url in urls}
    upstreams = tuple(_loopback(dict.fromkeys(plain.values())))
    told = {
        "PIP_INDEX_URL": index,
        "PIP_EXTRA_INDEX_URL": " ".join(plain[one] for one in extra),
        "UV_DEFAULT_INDEX": uv_index or index,
        "UV_INDEX": " ".join(plain[one] for one in uv_extra or extra),
        "NPM_CONFIG_REGISTRY": npm,
    }
    hosts = dict.fromkeys(
        place for url in plain.values() for place in (_place(url), *_file_places(url, index, outside))
    )
    environment = {name: _inside(plain.get(value, value), upstreams) for name, value in told.items() if value}
    environment["UV_LINK_MODE"] = "copy"  # cache and environment lie on two disks
    return Registries(hosts=tuple(hosts), environment=environment, upstreams=upstreams)


def read_registries(folder: Path) -> Registries:
    """Return what the egress broker was told last; none when it never asked."""
    try:
        return Registries.model_validate_json((folder / FILE).read_text())
    except (OSError, ValidationError):
        return Registries()


def _write(folder: Path, found: Registries) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    draft = folder / f".{FILE}"
    draft.write_text(found.model_dump_json())
    draft.replace(folder / FILE)


def pip_index() -> str | None:
    """Return the index pip uses: its help shows the value in force, from whatever file or variable it came."""
    text = re.sub(r"\s+", " ", _said(*_pip(), "install", "--help"))
    found = re.search(r"--index-url <url>.*?\(default (https?://[^\s)]+)\)", text)
    return found[1] if found else None


def pip_extras() -> list[str]:
    lines = _said(*_pip(), "config", "list").splitlines()
    return [url for line in lines if ".extra-index-url=" in line for url in URL.findall(line)]


def uv_indexes() -> tuple[str | None, list[str]]:
    """Return uv's own default index, None when it is set to nothing but its built-in one, and its further ones."""
    settings = _said(uv.find_uv_bin(), "pip", "install", "--show-settings", "nothing")
    part = settings.partition("index_locations")[2].partition("no_index")[0]
    found = re.findall(r'given: Some\(\s*"(https?://[^"]+)".*?default: (true|false)', part, re.DOTALL)
    default = next((url for url, is_default in found if is_default == "true"), None)
    return default, [url for url, is_default in found if is_default == "false"]


def npm_registry() -> str | None:
    npm = shutil.which("npm")
    told = os.environ.get("NPM_CONFIG_REGISTRY", "")  # where npm runs in sandboxes only
    answer = _said(npm, "config", "get", "registry").strip() if npm else told
    return answer if answer.startswith(("http://", "https://")) else None


def _pip() -> tuple[str, ...]:
    own = Path(sys.executable).with_name("pip")
    found = str(own) if own.exists() else shutil.which("pip") or shutil.which("pip3")
    return (found,) if found else (sys.executable, "-m", "pip")


def _said(*argv: str) -> str:
    try:
        done = subprocess.run(argv, capture_output=True, text=True, timeout=PATIENCE_SECONDS, check=False, cwd="/")
    except (OSError, subprocess.SubprocessError) as error:
        log.warning("registry_not_asked", tool=argv[0], reason=str(error))
        return ""
    return done.stdout


def _file_places(url: str, index: str | None, outside: Outside) -> Iterable[str]:
    """An index may keep its files on another host: its page of one package that every index has tells."""
    if url != index:
        return
    page = urljoin(url.rstrip("/") + "/", "pip/")
    try:
        with outside.session(page) as session, session.get(page, **_patiently(outside)) as answer:
            text = answer.raw.read(PAGE_BYTES, decode_content=True).decode("utf-8", "replace") if answer.ok else ""
    except (requests.RequestException, OSError) as error:
        log.warning("index_not_read", reason=str(error)[:200])
        return
    links = (urljoin(page, found) for found in FILE_LINK.findall(text))
    yield from sorted({_place(link) for link in links if link.startswith(("http://", "https://"))})


def _patiently(outside: Outside) -> dict[str, Any]:
    return {"timeout": PATIENCE_SECONDS, "stream": True, "verify": outside.ca_bundle or trusted()}


def trusted() -> str:
    """Return the certificates pip trusts: its own setting, else this machine's."""
    named = re.search(r"\.cert='([^']+)'", _said(*_pip(), "config", "list"))
    return named[1] if named else str(bundle())


def _place(url: str) -> str:
    parts = urlsplit(url)
    return f"{(parts.hostname or '').lower()}:{parts.port or (443 if parts.scheme == 'https' else 80)}"


def _without_password(url: str) -> str:
    parts = urlsplit(url)
    if parts.username is None and parts.password is None:
        return url
    log.warning("registry_password_stays_outside", host=parts.hostname)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()


def _loopback(urls: Iterable[str]) -> Iterable[Upstream]:
    for number, url in enumerate(url for url in urls if _is_loopback(url)):
        parts = urlsplit(url)
        yield Upstream(name=f"registry-{number}", url=f"{parts.scheme}://{parts.netloc}")


def _is_loopback(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _inside(urls: str, upstreams: Sequence[Upstream]) -> str:
    for one in upstreams:
        urls = urls.replace(one.url, f"{INSIDE}/{one.name}")
    return urls
