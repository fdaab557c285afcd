"""Settings → adapters: the only place that chooses implementations."""

import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

from adapters.artifacts.contract import ArtifactStore
from adapters.artifacts.local import LocalArtifactStore
from adapters.egress.contract import Doors
from adapters.egress.doors import DoorFolder
from adapters.forge.contract import Forge
from adapters.harness.contract import Harness
from adapters.ledger.contract import (
    BacklogInterface,
    EvidenceLedger,
    GovernanceLedger,
    HeadQueue,
    Inbox,
    Lookup,
    OperatorLedger,
    Oversight,
    RunLedger,
)
from adapters.notifier.command import CommandNotifier
from adapters.notifier.contract import Notifier
from adapters.quarantine.contract import Quarantine
from adapters.quarantine.local import LocalQuarantine
from adapters.sandbox.bubblewrap import BubblewrapSandbox
from adapters.sandbox.contract import Sandbox
from adapters.sandbox.docker import DockerSandbox
from adapters.sandbox.engine import Engine
from adapters.sandbox.process import ProcessSandbox
from adapters.scanner.contract import SecretScanner
from adapters.scanner.secrets import DetectSecretsScanner
from policy.rules_model import Policy
from resources.catalogue import harnesses_of
from resources.forges import open_forges
from resources.ledger import open_ledger
from resources.policy_files import load_policy
from resources.settings import Settings, load_settings, prepare_home


@dataclass(frozen=True)
class Factory:
    """Everything a stage, sensor or operation works with, behind contracts; tests build one with other parts."""

    settings: Settings
    policy: Policy
    backlog: BacklogInterface
    run_ledger: RunLedger
    evidence: EvidenceLedger
    operators: OperatorLedger
    lookup: Lookup
    oversight: Oversight
    inbox: Inbox
    governance: GovernanceLedger
    heads: HeadQueue
    forges: dict[str, Forge]
    artifacts: ArtifactStore
    harnesses: dict[str, Harness]
    sandboxes: dict[str, Sandbox]
    doors: Doors
    quarantine: Quarantine
    secrets_scanner: SecretScanner
    notifier: Notifier
    now: Callable[[], datetime]
    jitter: Callable[[], float]


def open_factory(settings: Settings | None = None, *, migrate: bool = False) -> Factory:
    """Wire the factory of a FACTORY_HOME; with `migrate`, bring its ledger up to date first.

    Raises:
        SettingsInvalid, PolicyInvalid, LedgerOutdated, LedgerUnavailable.
    """
    chosen = settings or load_settings()
    prepare_home(chosen)
    ledger = open_ledger(chosen.ledger_url, migrate=migrate)
    policy = load_policy(chosen.policy_dir)
    image = policy.images.default or chosen.sandbox_image
    sandboxes: tuple[Sandbox, ...] = (
        DockerSandbox(chosen.sandboxes_dir, Engine(chosen.containers_dir / "sandbox.sock"), image),
        BubblewrapSandbox(chosen.sandboxes_dir),
        ProcessSandbox(chosen.sandboxes_dir),
    )
    return Factory(
        settings=chosen,
        policy=policy,
        backlog=ledger.backlog,
        run_ledger=ledger.runs,
        evidence=ledger.evidence,
        operators=ledger.operators,
        lookup=ledger.lookup,
        oversight=ledger.oversight,
        inbox=ledger.inbox,
        governance=ledger.governance,
        heads=ledger.heads,
        forges=open_forges(chosen),
        artifacts=LocalArtifactStore(chosen.artifacts_dir),
        harnesses=harnesses_of(chosen),
        sandboxes={sandbox.name: sandbox for sandbox in sandboxes},
        doors=DoorFolder(chosen.egress_dir, chosen.network.ca_bundle if chosen.network else None),
        quarantine=LocalQuarantine(chosen.home / "quarantine", policy.results),
        secrets_scanner=DetectSecretsScanner(),
        notifier=CommandNotifier(chosen.alert_command),
        now=lambda: datetime.now(UTC),
        jitter=random.Random(chosen.seed).random,  # noqa: S311 - spreads retries, guards nothing
    )


@cache
def factory_of(home: Path) -> Factory:
    """Return this process's factory of a home, wired once."""
    return open_factory(load_settings(home))
