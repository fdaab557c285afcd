"""Start harness programs in a real sandbox: which version is it, and does its model's API know our key?"""

import json
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta

from pydantic import ValidationError

from adapters.sandbox.contract import Sandbox
from domain.egress import Purpose
from domain.errors import FactoryError, HarnessCrashed, ModelUnreachable, ProgramMissing
from domain.execution import SandboxRef
from domain.harness import Command
from domain.sandbox import SandboxSpec
from resources.doors import Errand, opened
from resources.harnesses import (
    INSTALL,
    INSTALLERS,
    Finding,
    harness_named,
    key_of,
    options_for,
    remember,
    remembered,
    settings_of,
)
from resources.model_answers import Answer, refusal_in, words_of
from resources.model_apis import MODEL_APIS, ModelApi, api_of
from resources.sandboxes import choose_sandbox, listen, place_of, provision, remove
from resources.secrets import PREFIX, variable
from resources.settings import Settings
from resources.wiring import Factory

SECONDS = 60  #: that a program gets to tell its version
PATIENCE = 20  #: seconds that an API gets to answer
SAID = 50_000  #: bytes kept of what they say
MISSING = (126, 127)  #: exit codes: no such program, or none that can be started
VERSION = re.compile(r"\d+(?:\.\d+)+[0-9A-Za-z.+-]{0,50}")
IMAGE = "deploy/build-images sandbox"
KEYS = "FACTORY_DATA/secrets/egress"
#: asks for a path and prints the answer as one line of JSON; the door is its only network
ASK = """
import http.client, json, sys
path, headers, seconds = json.loads(sys.argv[1])
door = http.client.HTTPConnection("127.0.0.1", 3128, timeout=seconds)
door.request("GET", path, headers=headers)
answer = door.getresponse()
print(json.dumps({"status": answer.status, "body": answer.read(4000).decode("utf-8", "replace")}))
"""


def look(factory: Factory, name: str) -> Finding:
    """Return what is known of a harness's program; start it where its version is not."""
    trusted = factory.harnesses[name].trusted
    known = remembered(factory, name)
    try:
        sandbox = choose_sandbox(factory, trusted=trusted, image=factory.policy.images.default)
        if known is not None and known.version and known.place == place_of(factory, sandbox):
            return known
    except FactoryError as error:
        return _remembered(factory, name, _found(factory, name, "none", None, error))
    return _try(factory, name, sandbox, ask=False)


def probe(factory: Factory, name: str) -> Finding:
    """Start a harness's program with its door, and ask its model's API, if it has one, what only a good key may ask.

    Raises:
        NotFound: no such harness.
    """
    trusted = harness_named(factory, name).trusted
    try:
        sandbox = choose_sandbox(factory, trusted=trusted, image=factory.policy.images.default)
    except FactoryError as error:
        return _remembered(factory, name, _found(factory, name, "none", None, error))
    return _try(factory, name, sandbox, ask=options_for(factory.settings, name).base_url is not None)


def _try(factory: Factory, name: str, sandbox: Sandbox, *, ask: bool) -> Finding:
    version: str | None = None
    against: FactoryError | None = None
    try:
        with _room(factory, sandbox) as ref, _door(factory, ref, name, wanted=ask) as door:
            version = program_version(factory, name, ref)
            api = api_of(factory.settings, name) if name in MODEL_APIS else None
            against = _ask(name, api, sandbox, ref, door) if ask else None
    except FactoryError as error:
        against = error
    found = _found(factory, name, place_of(factory, sandbox), version, against)
    return _remembered(factory, name, found)


@contextmanager
def _room(factory: Factory, sandbox: Sandbox) -> Iterator[SandboxRef]:
    """Yield an empty sandbox."""
    name = f"harness-{os.getpid()}-{os.urandom(3).hex()}"
    ref = provision(factory, sandbox, SandboxSpec(id=name, run_id=name, mirror=None, commit=None))
    try:
        yield ref
    finally:
        remove(factory, ref)


@contextmanager
def _door(factory: Factory, ref: SandboxRef, name: str, *, wanted: bool) -> Iterator[Mapping[str, str] | None]:
    if not wanted:
        yield None
        return
    with opened(factory, ref, Errand(ref.id, Purpose.HARNESS, harness=name)) as door:
        yield door


def program_version(factory: Factory, name: str, ref: SandboxRef) -> str:
    """Return the version that a harness's program tells in a sandbox.

    Raises:
        ProgramMissing: it is not there. HarnessCrashed: it does not tell.
    """
    sandbox = factory.sandboxes[ref.backend]
    traits = factory.harnesses[name].traits
    program = options_for(factory.settings, name).executable or traits.program
    command = Command(argv=(program, *traits.version), timeout=timedelta(seconds=SECONDS), output_limit=SAID)
    end, said, wrong = listen(sandbox.execute(ref, command))
    if end.code in MISSING:
        raise ProgramMissing(f"there is no program {program!r} in the {sandbox.name} sandbox")
    if end.code != 0:
        told = "was stopped" if end.code is None else f"ended with {end.code}"
        raise HarnessCrashed(f"`{program} {' '.join(traits.version)}` {told}: {words_of(wrong or said)}")
    found = VERSION.search(said)
    return found[0] if found else words_of(said)[:50]


def _ask(
    name: str, api: ModelApi | None, sandbox: Sandbox, ref: SandboxRef, door: Mapping[str, str] | None
) -> FactoryError | None:
    if api is None or door is None:
        return None
    told = json.dumps([f"/{name}{api.probe}", api.told, PATIENCE])
    command = Command(
        argv=("python3", "-I", "-c", ASK, told),
        environment=dict(door),
        network=True,
        timeout=timedelta(seconds=2 * PATIENCE),
        output_limit=SAID,
    )
    _, said, wrong = listen(sandbox.execute(ref, command))
    try:
        return refusal_in(Answer.model_validate_json(said))
    except ValidationError:
        lines = wrong.strip().splitlines() or ["no answer"]
        return ModelUnreachable(f"the door did not answer: {words_of(lines[-1])}")


def _found(factory: Factory, name: str, place: str, version: str | None, against: FactoryError | None) -> Finding:
    missing = isinstance(against, ProgramMissing)
    started = version is not None or isinstance(against, HarnessCrashed)
    return Finding(
        key=key_of(factory.settings, name),
        place=place,
        at=factory.now(),
        installed=started if started or missing else None,
        version=version,
        code=against and against.code,
        reason=against and against.message,
        remedy=against and _remedy(factory, name, place, against),
    )


def _remedy(factory: Factory, name: str, place: str, against: FactoryError) -> str:
    if isinstance(against, ProgramMissing):
        return _install(factory, name, place)
    credential = settings_of(factory.settings, name).credential
    if against.details.get("reason") == "credential-missing" and credential:
        return _give(factory.settings, credential)
    return against.remedy.replace("<name>", name)


def _give(settings: Settings, credential: str) -> str:
    if settings.environment == "production":
        return f"Put the key into {KEYS}/{variable(credential).removeprefix(PREFIX)} and restart egress-broker."
    return f"Start `factory up` with {variable(credential)} in its environment."


def _install(factory: Factory, name: str, place: str) -> str:
    """Return what puts the program where it is missing."""
    executable = options_for(factory.settings, name).executable
    if executable is not None:
        return f"Correct `harnesses.{name}.executable`, a path inside the sandbox."
    package = factory.harnesses[name].traits.package
    if package is None:
        return ProgramMissing.remedy
    script = INSTALLERS[package.partition(":")[0]]
    if place.startswith("docker"):
        script = IMAGE if script == INSTALL else f"{script} && {IMAGE}"
    return f"Run `{script}`."


def _remembered(factory: Factory, name: str, found: Finding) -> Finding:
    remember(factory, name, found)
    return found
