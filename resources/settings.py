"""One typed settings object: environment variables `FACTORY_*` over `settings.yaml` in FACTORY_HOME over defaults."""

import os
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import Field, PositiveFloat, PositiveInt, ValidationError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from domain.errors import SettingsInvalid

HOME_NAME = ".factory"


def find_home(start: Path | None = None) -> Path:
    """Return FACTORY_HOME, else the nearest `.factory/` upwards, else a new one in the working directory."""
    told = os.environ.get("FACTORY_HOME")
    if told:
        return Path(told).expanduser().absolute()
    here = (start or Path.cwd()).absolute()
    for folder in (here, *here.parents):
        if (folder / HOME_NAME).is_dir():
            return folder / HOME_NAME
    return here / HOME_NAME


class HarnessSettings(BaseSettings):
    model_config = SettingsConfigDict(extra="forbid")

    enabled: bool = True
    limit: PositiveInt = 3  #: live leases at once


class Settings(BaseSettings):
    """Everything that can be set; a wrong value stops the process with the field named."""

    model_config = SettingsConfigDict(
        env_prefix="FACTORY_", env_nested_delimiter="__", extra="ignore", nested_model_default_partial_update=True
    )

    home: Path
    database_url: str | None = Field(None, min_length=1)
    environment: Literal["local", "production"] = "local"
    max_running: PositiveInt = 3  #: harness runs at once (also read from AGENT_QUEUE_MAX)
    lease_ttl: PositiveFloat = 120.0  #: seconds without a heartbeat until a lease is expired
    not_started_limit: PositiveFloat = 180.0  #: seconds a granted lease may wait for its Dagster run to start
    wall_limit: PositiveFloat = 2700.0  #: seconds one harness run may take
    inactivity_limit: PositiveFloat = 900.0  #: seconds a harness may stay silent
    verify_limit: PositiveFloat = 1800.0  #: seconds one verify command may take
    setup_limit: PositiveFloat = 1800.0  #: seconds one setup command may take
    approval_deadline: PositiveFloat = 7 * 86400.0  #: seconds after which a waiting approval is shown as overdue
    patch_limit: PositiveInt = 20_000_000  #: bytes of one patch
    sandbox: Literal["auto", "process", "bubblewrap"] = "auto"
    harnesses: dict[str, HarnessSettings] = {"command": HarnessSettings()}
    policy_dir: Path | None = None  #: policy files that replace the shipped ones
    workspace: Path | None = None  #: Dagster workspace file instead of our own code location
    seed: int | None = None  #: makes retry jitter repeatable

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Environment first, then what load() read from settings.yaml."""
        return env_settings, init_settings

    @cached_property
    def ledger_url(self) -> str:
        return self.database_url or f"sqlite:///{self.home / 'ledger.sqlite'}"

    @property
    def artifacts_dir(self) -> Path:
        return self.home / "artifacts"

    @property
    def forge_dir(self) -> Path:
        return self.home / "forge"

    @property
    def sandboxes_dir(self) -> Path:
        return self.home / "sandboxes"

    @property
    def environments_dir(self) -> Path:
        return self.home / "environments"

    @property
    def dagster_dir(self) -> Path:
        return self.home / "dagster"

    @property
    def logs_dir(self) -> Path:
        return self.home / "logs"

    @property
    def harness_limits(self) -> dict[str, int]:
        return {name: settings.limit for name, settings in self.harnesses.items()}


def load_settings(home: Path | None = None) -> Settings:
    """Read and check all settings.

    Raises:
        SettingsInvalid: one line a wrong field, named.
    """
    folder = home or find_home()
    told: dict[str, Any] = {**_read_file(folder / "settings.yaml"), "home": folder}
    if "AGENT_QUEUE_MAX" in os.environ:
        told["max_running"] = os.environ["AGENT_QUEUE_MAX"]
    try:
        return Settings(**told).model_copy(update={"home": folder})
    except ValidationError as error:
        lines = [f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors()]
        raise SettingsInvalid("; ".join(lines), errors=lines) from error


def _read_file(path: Path) -> dict[str, Any]:
    if not path.is_file():
        return {}
    try:
        content = yaml.safe_load(path.read_text()) or {}
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise SettingsInvalid(f"{path}: {error}") from error
    if not isinstance(content, dict):
        raise SettingsInvalid(f"{path}: expected keys and values")
    unknown = sorted(set(content) - set(Settings.model_fields))
    if unknown:
        raise SettingsInvalid(f"{path}: unknown setting {', '.join(unknown)}")
    return content


def prepare_home(settings: Settings) -> None:
    """Make FACTORY_HOME with a `.gitignore` of `*`, so that it never dirties a repository."""
    settings.home.mkdir(parents=True, exist_ok=True, mode=0o700)
    ignore = settings.home / ".gitignore"
    if not ignore.exists():
        ignore.write_text("*\n")
    for folder in (settings.artifacts_dir, settings.forge_dir, settings.sandboxes_dir, settings.logs_dir):
        folder.mkdir(exist_ok=True)
    settings.environments_dir.mkdir(exist_ok=True)
