"""pip-audit as a second opinion, in a sandbox of its own: it sees names and versions only, and asks the OSV server."""

import base64
import shlex
from collections.abc import Iterator, Sequence
from datetime import timedelta
from uuid import uuid4

from adapters.advisory import pip_audit
from domain.changes import Dependency, Ecosystem, Known, Package
from domain.errors import FactoryError
from domain.findings import Scan, ScanState
from domain.harness import Command
from domain.sandbox import SandboxSpec
from policy.governance.model import GovernancePolicy
from policy.governance.weighing import Learnt
from resources.advisory_door import advisory_server, way_to_advisories
from resources.checks import Observer
from resources.governance.inspecting import scanners_of
from resources.governance.scanning import settings_of
from resources.sandboxes import choose_sandbox, listen, provision, remove
from resources.settings import Settings
from resources.wiring import Factory

NAME = pip_audit.NAME
WRITE = f"base64 -d > {pip_audit.PINS}"


def can_audit(settings: Settings) -> bool:
    """Tell whether there is a server to ask; a folder of advisories is none."""
    return advisory_server(settings) is not None


def audited(policy: GovernancePolicy, rules: Sequence[str]) -> bool:
    """Tell whether a rule that is asked for wants its opinion."""
    return NAME in scanners_of(policy, rules)


def audit(
    factory: Factory,
    dependencies: Sequence[Dependency],
    packages: Sequence[Package] = (),
    observe: Observer = lambda _: None,
) -> tuple[Scan, ...]:
    """Return its scan; none when nothing is Python's or it is switched off, so that a rule says it did not run."""
    own = [one for one in dependencies if one.ecosystem is Ecosystem.PYPI]
    told = settings_of(factory, NAME)
    if not own or not told.enabled:
        return ()
    try:
        return (_audit(factory, list(_settled(own, packages)), observe),)
    except FactoryError as error:
        return (_unknown(own, ScanState.OFFLINE, f"[{error.code}] {error.message}"[:500]),)


def _settled(own: Sequence[Dependency], packages: Sequence[Package]) -> Iterator[Dependency]:
    """What leaves room is asked about at the version that the rule judges; what does not exist at none."""
    learnt = Learnt(packages)
    for one in own:
        package = learnt.of(one)
        if one.version or one.origin != "registry" or package is None:
            yield one
        elif Known.ABSENT not in (package.known, package.version_known):
            yield one.model_copy(update={"version": package.version})


def _audit(factory: Factory, own: Sequence[Dependency], observe: Observer) -> Scan:
    told = settings_of(factory, NAME)
    sandbox = choose_sandbox(factory, trusted=True)
    name, programs = f"audit-{uuid4().hex[:16]}", factory.settings.scanner_programs
    spec = SandboxSpec(
        id=name, run_id=name, mirror=None, commit=None, scanners=str(programs) if programs.is_dir() else None
    )
    ref = provision(factory, sandbox, spec)
    try:
        pins = base64.b64encode(pip_audit.pins(own).encode()).decode()
        listen(sandbox.execute(ref, Command(argv=("sh", "-c", WRITE), stdin=pins)), observe)
        with way_to_advisories(factory, ref) as way:
            command = pip_audit.command(told.executable or NAME, way.address, timedelta(seconds=told.timeout))
            asking = sandbox.execute(ref, command.model_copy(update={"environment": way.environment}))
            end, stdout, stderr = listen(asking, observe)
    finally:
        remove(factory, ref)
    server = advisory_server(factory.settings) or ""
    again = pip_audit.command(told.executable or NAME, server)
    scan = pip_audit.read(end, stdout, stderr, own, shlex.join(again.argv))
    log = factory.artifacts.put(f"{stdout}\n-- standard error --\n{stderr}".encode(), kind="log", name="pip-audit.log")
    return scan.model_copy(update={"log": log})


def _unknown(own: Sequence[Dependency], state: ScanState, reason: str) -> Scan:
    return Scan(scanner=NAME, state=state, reason=reason, files_given=tuple(sorted({one.path for one in own})))
