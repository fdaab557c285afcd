"""Images by digest on the real engine: each repository runs in its own, and the run's record says which."""

import subprocess
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from control_plane.health.images import image_checks
from domain.errors import ImageUnavailable, SandboxFailed
from domain.execution import Run, SandboxRef
from domain.lifecycle import Stage
from policy.images import ImagePolicy
from resources.brokers import brokers
from tests.adapters.sandbox.workshop import fresh, said, shell
from tests.support.containers import IMAGE, BrokeredDocker, broker, why_no_docker
from tests.support.factory import World, enrol, make_world
from tests.support.registry import registry
from tests.support.repositories import git

pytestmark = pytest.mark.docker
LOOK = "cat /etc/second-image > image.txt 2>/dev/null || echo own > image.txt"
MISSING = f"sha256:{'0' * 63}1"


def docker(*words: str, told: str = "") -> str:
    done = subprocess.run(["docker", *words], input=told, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def image_id(name: str) -> str:
    return docker("image", "inspect", "--format", "{{.Id}}", name)


def build(text: str) -> str:
    """Build the sandbox's image with one more file; return its id."""
    lines = f"FROM {IMAGE}\nUSER 0\nRUN echo {text} > /etc/second-image\nUSER 10001:10001\n"
    return docker("build", "--quiet", "--force-rm", "-", told=lines).splitlines()[-1]


@pytest.fixture(scope="module")
def second() -> Iterator[str]:
    if (reason := why_no_docker()) is not None:
        pytest.skip(reason)
    built = build(f"second-{uuid.uuid4().hex}")
    yield built
    docker("image", "rm", "--force", built)


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, second: str) -> Iterator[World]:
    """Two repositories, one of them with a line in the catalogue."""
    monkeypatch.setenv("FACTORY_SANDBOX", "auto")
    write(tmp_path / "home", repositories={"shop": f"factory-second:1@{second}"})
    made = make_world(tmp_path, verify=["test -s image.txt"])
    enrol(made.factory, made.source, "shop", verify=["grep -q second image.txt /etc/second-image"])
    with brokers(made.factory):
        yield made


def write(home: Path, **told: object) -> None:
    home.mkdir(exist_ok=True)
    (home / "settings.yaml").write_text(yaml.safe_dump({"policy_dir": str(home)}))
    (home / "images.yaml").write_text(yaml.safe_dump(told))


def run_of(world: World, repository: str) -> tuple[Run, str]:
    """Return a run of a ticket of that repository, and what it found in its image."""
    ticket = world.file(repository=repository, commands=[LOOK])
    assert world.run(ticket) is None
    pull = world.factory.lookup.pull_request(ticket.id)
    assert pull is not None
    remote = Path(world.factory.lookup.repository(repository).remote)
    return world.factory.lookup.runs(ticket_id=ticket.id)[0], git(remote, "show", f"{pull.head_sha}:image.txt")


def test_two_repositories_run_in_their_own_images_and_the_records_say_so(world: World, second: str) -> None:
    runs = {name: run_of(world, name) for name in ("calc", "shop")}
    assert runs["calc"][1] == "own"
    assert runs["shop"][1].startswith("second-")
    for name, image in (("calc", image_id(IMAGE)), ("shop", second)):
        run = runs[name][0]
        assert run.environment is not None
        assert (run.environment.sandbox, run.environment.image_digest) == ("docker", image)
        made = [
            event.payload
            for event in world.factory.lookup.timeline(ticket_id=run.ticket_id)
            if event.name == "sandbox_provisioned"
        ]
        assert [one["image"] for one in made] == [image, image], "where it worked, and where it was checked"
    assert runs["calc"][0].environment.environment_digest != runs["shop"][0].environment.environment_digest


def naming(world: World, **told: object) -> None:
    """Change the policy of the home, and what is loaded of it."""
    write(world.factory.settings.home, **told)
    images = ImagePolicy.model_validate(told)
    world.factory = replace(world.factory, policy=world.factory.policy.model_copy(update={"images": images}))


def test_a_ticket_whose_image_is_missing_waits_until_it_is_here(world: World, second: str) -> None:
    naming(world, repositories={"shop": MISSING})
    ticket = world.file(repository="shop", commands=[LOOK])
    error = world.run(ticket)
    assert isinstance(error, ImageUnavailable)
    assert MISSING in error.message
    waiting = world.ticket(ticket)
    assert (waiting.stage, waiting.attempts - waiting.attempts_base) == (Stage.QUEUED, 0)
    [check] = image_checks(world.factory.policy.images, world.factory.sandboxes["docker"])
    assert not check.ok
    naming(world, repositories={"shop": second})
    assert all(check.ok for check in image_checks(world.factory.policy.images, world.factory.sandboxes["docker"]))
    world.clock.move(700)
    assert world.run(ticket) is None


@contextmanager
def room(folder: Path, images: frozenset[str], image: str = IMAGE) -> Iterator[BrokeredDocker]:
    """Yield a sandbox whose broker permits these images; nothing of it is left."""
    with broker(folder, images):
        sandbox = BrokeredDocker(folder / "sandboxes", image)
        try:
            yield sandbox
        finally:
            for ref in sandbox.leftovers():
                sandbox.teardown(ref)


def test_a_name_that_moves_changes_nothing_for_a_sandbox_that_is_there(tmp_path: Path) -> None:
    name = f"factory-moving-{uuid.uuid4().hex[:12]}:latest"
    first, later = build("first"), build("later")
    docker("tag", first, name)
    try:
        with room(tmp_path, frozenset({name}), name) as sandbox:
            ref = sandbox.provision(fresh())
            docker("tag", later, name)
            assert said(sandbox, ref, "cat /etc/second-image") == "first"
            anew = sandbox.provision(fresh())
            assert said(sandbox, anew, "cat /etc/second-image") == "later"
            docker("image", "rm", "--force", name, first)
            with pytest.raises(ImageUnavailable, match="gone"):
                said(sandbox, ref, "true")
    finally:
        for image in (name, first, later):
            subprocess.run(["docker", "image", "rm", "--force", image], capture_output=True, check=False)


def created(sandbox: BrokeredDocker, ref: SandboxRef, image: str) -> str:
    """Ask the broker for a container of an image, as a run worker that was taken over might; return its id."""
    workspace = sandbox._workspace(ref)
    spec = workspace.spec().model_copy(update={"image": image})
    body = sandbox._body(workspace, spec, shell("true"), door=False)
    return sandbox._engine.create(body, f"factory-{uuid.uuid4().hex}")


def test_the_broker_refuses_what_policy_does_not_name(tmp_path: Path, second: str) -> None:
    with room(tmp_path, frozenset({IMAGE})) as sandbox:
        for foreign in (second, "factory-base:bookworm", image_id("factory-base:bookworm"), f"x@{second}", MISSING):
            with pytest.raises(ImageUnavailable, match="not on this machine"):
                sandbox.provision(fresh(image=foreign))
        ref = sandbox.provision(fresh())
        with pytest.raises(ImageUnavailable):
            created(sandbox, ref, second)
        with pytest.raises(SandboxFailed, match="No such image"):
            sandbox._engine.make_disk("foreign", {"bytes": 1 << 24, "files": 100, "image": second})
        assert said(sandbox, ref, "echo up") == "up"


def test_a_sandbox_has_its_own_image_and_no_other_of_the_catalogue(tmp_path: Path, second: str) -> None:
    with room(tmp_path, frozenset({IMAGE, second})) as sandbox:
        ref = sandbox.provision(fresh())
        with pytest.raises(ImageUnavailable):
            created(sandbox, ref, second)
        assert created(sandbox, ref, image_id(IMAGE))


@pytest.mark.parametrize("how", ["{id}", "any/name:1@{id}", "sha256:tag"])
def test_the_broker_permits_what_policy_names(tmp_path: Path, second: str, how: str) -> None:
    named = how.format(id=second) if "id" in how else f"factory-named-{uuid.uuid4().hex[:12]}:latest"
    if "id" not in how:
        docker("tag", second, named)
    try:
        with room(tmp_path, frozenset({IMAGE, named})) as sandbox:
            ref = sandbox.provision(fresh(image=named))
            assert said(sandbox, ref, "cut -d- -f1 /etc/second-image") == "second"
            assert sandbox.image(named) == second
    finally:
        if "id" not in how:
            docker("image", "rm", named)


def test_an_image_that_was_pulled_is_found_by_the_digest_of_its_registry(tmp_path: Path) -> None:
    """Such a digest is of the manifest, and with most engines another one than the image's id."""
    if (reason := why_no_docker()) is not None:
        pytest.skip(reason)
    with registry(uuid.uuid4().hex) as name:
        docker("pull", "--quiet", name)
        try:
            with room(tmp_path, frozenset({IMAGE, name})) as sandbox:
                ref = sandbox.provision(fresh(image=name))
                container = created(sandbox, ref, image_id(name))
                assert docker("inspect", "--format", "{{.Image}}", container) == image_id(name)
        finally:
            docker("image", "rm", name)
