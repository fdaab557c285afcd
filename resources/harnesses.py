"""What the settings say of each harness, and what was last seen of it: installed, its version, whether it works."""

import hashlib
import json
import os
from collections import Counter
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from pydantic import ValidationError

from adapters.harness.contract import Harness
from domain.engines import FLAGGED
from domain.errors import NotFound
from domain.harness import Options
from domain.model import Instant, Value
from resources.looking import Looks
from resources.model_apis import INSIDE, MODEL_APIS, upstream_names
from resources.settings import HarnessSettings, Settings

STAMP = ".installed"  #: names what the agents' folder holds; written by deploy/install-agents
INSTALL: Final = "deploy/install-agents"
INSTALLERS: Final = {"npm": INSTALL, "pypi": "deploy/install-openhands"}  #: by where a package comes from
HOLDS: Final = timedelta(minutes=10)  #: how long a bad finding counts: what was wrong may be repaired any moment
FOLDER = "harnesses"


class Finding(Value):
    """What was seen of a harness, under the settings and with the programs that `key` stands for."""

    key: str
    place: str  #: the sandbox it was started in, and whose programs that one has
    at: Instant
    installed: bool | None  #: None: nobody could look
    version: str | None = None
    code: str | None = None  #: why it cannot work, from the failure taxonomy; None: nothing was found against it
    reason: str | None = None
    remedy: str | None = None


class HarnessState(Value):
    name: str
    installed: bool | None  #: None: nobody has looked yet
    version: str | None
    enabled: bool
    healthy: bool  #: False when something was found against it
    reason: str | None  #: why no ticket is to be routed to it: unhealthy, or disabled
    remedy: str | None
    running: int  #: live leases
    limit: int  #: of them


def options_for(settings: Settings, name: str) -> Options:
    """Return what the settings say of a harness, its API's address as a sandbox with a door sees it."""
    told = settings_of(settings, name)
    return Options(
        executable=told.executable,
        model=told.model,
        base_url=f"{INSIDE}/{name}" if name in upstream_names(settings, name) else None,
        arguments=told.arguments,
    )


def settings_of(settings: Settings, name: str) -> HarnessSettings:
    return settings.harnesses.get(name) or HarnessSettings(enabled=False)


def harness_named(factory: Looks, name: str) -> Harness:
    """Raises NotFound."""
    found = factory.harnesses.get(name)
    if found is None and name in FLAGGED:
        raise NotFound(FLAGGED[name])
    if found is None:
        raise NotFound(f"no harness {name[:100]!r}; known are {', '.join(sorted(factory.harnesses))}")
    return found


def harness_states(factory: Looks) -> list[HarnessState]:
    """Return every harness, by name, as last seen; starts nothing, so that dispatch may ask each time.

    One that nobody looked at counts as healthy; `factory harness list` looks, `factory harness probe` asks its API too.
    """
    running = Counter(lease.harness for lease in factory.oversight.live_leases())
    return [_state(factory, name, running[name]) for name in sorted(factory.harnesses)]


def _state(factory: Looks, name: str, running: int) -> HarnessState:
    told = settings_of(factory.settings, name)
    found = remembered(factory, name)
    against = found if found and found.code and is_fresh(found, factory.now()) else None
    lacking = _lacking(factory.settings, name)
    reason, remedy = (against.reason, against.remedy) if against else lacking or _disabled(told, name)
    return HarnessState(
        name=name,
        installed=found.installed if found else None,
        version=found.version if found else None,
        enabled=told.enabled,
        healthy=not (against or lacking),
        reason=reason,
        remedy=remedy,
        running=running,
        limit=told.limit,
    )


def _lacking(settings: Settings, name: str) -> tuple[str, str] | None:
    """Return what an enabled agent lacks before anybody tries it, and the remedy."""
    told = settings_of(settings, name)
    if name not in MODEL_APIS or not told.enabled:
        return None
    if MODEL_APIS[name].wants_model and told.model is None:
        return "it has no model to ask", f"Set `harnesses.{name}.model` in settings.yaml."
    if name in upstream_names(settings, name):
        return None
    return "it has no way to a model's API", f"Set `harnesses.{name}.base_url` in settings.yaml."


def _disabled(told: HarnessSettings, name: str) -> tuple[str | None, str | None]:
    if told.enabled:
        return None, None
    how = f"`harnesses.{name}.credential`" if name in MODEL_APIS else f"`harnesses.{name}.enabled: true`"
    return "it is disabled", f"Set {how} in settings.yaml."


def is_fresh(found: Finding, now: datetime) -> bool:
    return found.at <= now < found.at + HOLDS


def remembered(factory: Looks, name: str) -> Finding | None:
    """Return what was seen last of a harness; None when its settings or the programs are others by now."""
    try:
        found = Finding.model_validate_json(_file(factory.settings, name).read_text())
    except (OSError, ValidationError, UnicodeDecodeError):
        return None
    return found if found.key == key_of(factory.settings, name) else None


def remember(factory: Looks, name: str, found: Finding) -> None:
    file = _file(factory.settings, name)
    file.parent.mkdir(exist_ok=True)
    draft = file.with_suffix(f".{os.getpid()}")
    draft.write_text(found.model_dump_json())
    draft.replace(file)


def _file(settings: Settings, name: str) -> Path:
    return settings.home / FOLDER / f"{name}.json"


def key_of(settings: Settings, name: str) -> str:
    """Name all that a finding depends on and that can be told without starting anything."""
    told = settings_of(settings, name).model_dump(mode="json", exclude={"enabled", "limit"})
    upstream = settings.upstreams.get(name)
    seen = [told, upstream and upstream.model_dump(mode="json"), settings.sandbox, settings.sandbox_image]
    return hashlib.sha256(json.dumps([*seen, str(settings.agents), _stamp(settings.agents)]).encode()).hexdigest()


def _stamp(agents: Path) -> str:
    try:
        return (agents / STAMP).read_text()
    except (OSError, UnicodeDecodeError):
        return ""
