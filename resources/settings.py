"""One typed settings object: environment variables `FACTORY_*` over `settings.yaml` in FACTORY_HOME over defaults."""

import os
from functools import cached_property
from pathlib import Path
from typing import Any, Final, Literal

import yaml
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    NonNegativeInt,
    PositiveFloat,
    PositiveInt,
    ValidationError,
    field_validator,
)
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from domain.engines import FLAGGED
from domain.errors import SettingsInvalid
from domain.model import Name
from resources.network import NetworkSettings

HOME_NAME = ".factory"
AGENTS: Final = ("codex", "claude_code", "gemini_cli", "openhands")  #: harnesses that wait for an operator
SOURCE: Final = Path(__file__).resolve().parents[1]


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


class Part(BaseModel):
    """Settings below a name. Unlike BaseSettings it takes nothing from a variable that is only called like a field."""

    model_config = ConfigDict(extra="forbid")


class HarnessSettings(Part):
    """Paths and addresses are as the factory sees them, but `executable`, which is the sandbox's."""

    enabled: bool = True  #: an agent waits for a `credential`, a `base_url` or a `true` here; openhands for the `true`
    limit: PositiveInt = 3  #: live leases at once
    executable: str | None = Field(None, min_length=1)  #: its program inside the sandbox; none: the installed one
    model: str | None = Field(None, min_length=1)  #: that it asks; none leaves it to the program
    base_url: str | None = Field(None, min_length=1)  #: of its API, if not the vendor's; https, or http on loopback
    credential: Name | None = None  #: name of the secret with its key: FACTORY_SECRET_<NAME>, dashes as underscores
    arguments: tuple[str, ...] = ()  #: added to its command line, last


class ScannerSettings(Part):
    """One scanner of governance."""

    enabled: bool = True  #: a rule that needs one which is switched off is undetermined
    executable: str | None = Field(None, min_length=1)  #: its program inside the sandbox; none: the installed one
    timeout: PositiveFloat = 600.0  #: seconds one scan may take


class UpstreamSettings(Part):
    """Reached inside a sandbox as `http://127.0.0.1:3128/NAME/...`; the key never is."""

    url: str  #: https, or http on loopback only
    credential: str | None = None  #: name of the secret to send: FACTORY_SECRET_<NAME>, dashes as underscores
    header: str = "authorization"  #: that carries the key
    prefix: str = "Bearer "  #: before the key in the header
    paths: tuple[str, ...] = ("/",)  #: path prefixes that may be asked for
    harnesses: tuple[str, ...] = ()  #: which of them may use it; none named: all


class WorkerSettings(Part):
    """The container of a run worker, where Dagster's Docker launcher starts one for each run (deploy/)."""

    image: str
    user: str = "10000:10000"
    networks: tuple[str, ...]
    binds: frozenset[str]  #: `source:target:ro` or `source:target:rw`
    environment: frozenset[str] = frozenset()  #: names
    labels: dict[str, str] = {}
    groups: tuple[str, ...] = ()
    tmpfs: dict[str, str] = {}
    working_dir: str = ""
    memory_bytes: PositiveInt = 2 * 1024**3
    nano_cpus: PositiveInt = 2 * 10**9
    processes: PositiveInt = 1024


class GitHubSettings(Part):
    """How the factory signs in to GitHub: as an App where one is named, else with a token."""

    base_url: str = "https://api.github.com"  #: of its API; https://HOST/api/v3 on GitHub Enterprise
    app_id: str | None = Field(None, min_length=1)  #: of a GitHub App
    installation_id: PositiveInt | None = None  #: of that App in the organisation
    private_key: Name = "github-app-key"  #: name of the secret with the App's PEM key
    token: Name = "github-token"  #: name of the secret with a fine-grained token, where there is no App


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
    alert_command: tuple[str, ...] = ()  #: program and arguments; gets each alert as JSON on its standard input
    approval_deadline: PositiveFloat = 7 * 86400.0  #: seconds after which a waiting approval is shown as overdue
    patch_limit: PositiveInt = 20_000_000  #: bytes of one patch
    sandbox: Literal["auto", "docker", "bubblewrap", "process"] = "auto"
    sandbox_image: str = "factory-sandbox:latest"  #: what Docker sandboxes are made of
    memory_limit: PositiveInt = 4 * 1024**3  #: bytes of memory a sandbox may take
    cpus: PositiveFloat = 2.0  #: processors a sandbox may use at once
    cpu_limit: PositiveFloat = 7200.0  #: seconds of processor time one harness run may spend
    process_limit: PositiveInt = 512  #: processes of a sandbox at once
    tool_call_limit: PositiveInt = 2000  #: tool calls of one harness run
    tool_inactivity_limit: PositiveFloat = 1800.0  #: seconds of silence while one of its tools is at work
    token_limit: PositiveInt = 5_000_000  #: tokens one harness run may use: input, cached input and output
    usd_limit: PositiveFloat = 25.0  #: US dollars one harness run may cost
    interrupt_limit: PositiveFloat = 2.0  #: seconds a harness gets to stop by itself before it is killed
    disk_limit: PositiveInt = 4 * 1024**3  #: bytes of a sandbox's workspace
    file_limit: PositiveInt = 500_000  #: files of a sandbox's workspace
    upload_limit: PositiveInt = 256 * 1024**2  #: bytes that may leave a sandbox through one door
    upstreams: dict[str, UpstreamSettings] = {}  #: servers the egress broker speaks to with a key of ours
    mirrors: tuple[str, ...] = ()  #: package registries beside those pip, uv and npm are set to
    sandbox_group: NonNegativeInt = 0  #: group id that may open the container broker's sandbox.sock
    launcher_group: NonNegativeInt = 0  #: group id that may open its launcher.sock
    network: NetworkSettings | None = None  #: a restricted one: its proxy and whom it trusts
    worker: WorkerSettings | None = None  #: what the container broker lets the launcher start
    docker_socket: Path = Path("/var/run/docker.sock")  #: the engine; only the container broker opens it
    github: GitHubSettings = GitHubSettings()
    webhooks_kept: float = Field(30 * 86400.0, ge=86400)  #: seconds the body of a webhook is kept
    checkouts_kept: float = Field(14 * 86400.0, ge=86400)  #: seconds the mirror of a judged checkout is kept unused
    service_door: str | None = Field(None, pattern=r"^\d+(\.\d+){3}:\d{1,5}$")  #: where the broker lets services out
    public_url: str | None = Field(None, pattern=r"^https?://[^/?#@\s]+/?$")  #: of the front door, in links to evidence
    harnesses: dict[str, HarnessSettings] = {}
    agents_dir: Path | None = None  #: where deploy/install-agents put them; none: .agents here, else /opt/agents
    scanners: dict[str, ScannerSettings] = {}  #: programs that governance has look at changes
    scanners_dir: Path | None = None  #: where install-scanners put them; none: .scanners here, else /opt/scanners
    advisories: str | None = Field(None, min_length=1)  #: OSV server's address, or path of records
    npm_times_trusted: bool = False  #: the npm registry is the origin, not a mirror that tells its own times
    policy_dir: Path | None = None  #: policy files that replace the shipped ones
    workspace: Path | None = None  #: Dagster workspace file instead of our own code location
    seed: int | None = None  #: makes retry jitter repeatable

    @field_validator("harnesses", mode="before")
    @classmethod
    def _every_harness(cls, told: Any) -> Any:
        """What is told of one harness leaves the others, and its own other fields, as they are."""
        if not isinstance(told, dict):
            return told
        names = dict.fromkeys(("command", *AGENTS, *told))
        return {name: _decided(name, told.get(name)) for name in names}

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
    def egress_dir(self) -> Path:
        return self.home / "egress"

    @property
    def containers_dir(self) -> Path:
        return self.home / "containers"

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
    def governance_dir(self) -> Path:
        return self.home / "governance"

    @property
    def agents(self) -> Path:
        """Where the agent programs are, or would be."""
        return _programs(self.agents_dir, "agents")

    @property
    def scanner_programs(self) -> Path:
        """Where the scanner programs are, or would be."""
        return _programs(self.scanners_dir, "scanners")

    @property
    def harness_limits(self) -> dict[str, int]:
        return {name: settings.limit for name, settings in self.harnesses.items()}


def _programs(told: Path | None, kind: str) -> Path:
    if told is not None:
        return told.expanduser().absolute()
    own, machine = SOURCE / f".{kind}", Path(f"/opt/{kind}")
    return machine if machine.is_dir() and not own.is_dir() else own


def _decided(name: str, told: Any) -> Any:
    """Return what is told of a harness with its default for `enabled`."""
    found = {} if told is None else told
    if name not in AGENTS or not isinstance(found, dict) or "enabled" in found:
        return found
    waits = name in FLAGGED or not (found.get("credential") or found.get("base_url"))
    return {**found, "enabled": not waits}


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
