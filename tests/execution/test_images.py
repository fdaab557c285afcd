"""The catalogue's image is demanded of the sandbox; a ticket without its image waits and spends no attempt."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from control_plane.health.images import image_checks
from domain.errors import ImageUnavailable, IsolationRequired, PolicyInvalid, SandboxFailed
from domain.lifecycle import RunState, Stage
from domain.sandbox import Availability, Isolation, SandboxSpec
from policy.images import ImagePolicy
from resources import sandboxes
from resources.container_broker import config_of
from resources.environments import Source, prepare_environment
from resources.images import image_for
from resources.sandboxes import choose_sandbox
from resources.settings import Settings, load_settings
from resources.wiring import Factory
from resources.workspaces import verify_digest
from tests.support.factory import World, make_world

IMAGES = {place: f"img@sha256:{number:064x}" for number, place in enumerate(("default", "python", "node", "calc"), 1)}


class Imagined:
    """A stand-in for the Docker sandbox that has the images it was told of, and makes nothing."""

    name, isolation = "docker", Isolation.CONTAINER

    def __init__(self, *here: str, works: bool = True) -> None:
        self.here, self.works = here, works

    def available(self) -> Availability:
        return Availability(works=self.works, detail="because", remedy="install it", toolchain="sha256:own")

    def image(self, wanted: str | None = None) -> str:
        if wanted in self.here or wanted is None:
            return (wanted or "img@sha256:own").partition("@")[2]
        raise ImageUnavailable(f"the image {wanted} is not on this machine")


class Bubbles:
    name, isolation = "bubblewrap", Isolation.NAMESPACES

    def available(self) -> Availability:
        return Availability(works=True, detail="")


def naming(factory: Factory, **told: Any) -> Factory:
    images = ImagePolicy.model_validate(told)
    return replace(factory, policy=factory.policy.model_copy(update={"images": images}))


def having(factory: Factory, **found: Any) -> Factory:
    return replace(factory, sandboxes={**factory.sandboxes, "bubblewrap": Bubbles(), **found})


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    monkeypatch.setattr(sandboxes, "_known", {})
    return make_world(tmp_path, setup=["touch $FACTORY_ENVIRONMENT/made"])


@pytest.fixture
def auto(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FACTORY_SANDBOX", "auto")


# --- which image


@pytest.mark.parametrize(
    ("files", "chosen"),
    [
        ({"pyproject.toml": ""}, "python"),
        ({"setup.cfg": "", "package.json": "{}"}, "node"),  # the first line of the file
        ({"package.json": b"\xff\0"}, "node"),
        ({"package.json": "x" * 1_100_000}, "node"),
        ({"sub/pyproject.toml": ""}, "default"),
        ({"README.md": ""}, "default"),
    ],
)
def test_the_language_is_what_the_base_commit_shows(tmp_path, files, chosen) -> None:
    world = make_world(tmp_path, files={"x": "y", **files})
    factory = naming(
        world.factory,
        default=IMAGES["default"],
        languages={"node": IMAGES["node"], "python": IMAGES["python"]},
        repositories={"other": IMAGES["calc"]},
    )
    repository = factory.lookup.repository("calc")
    commit = factory.forges["local"].fetch(repository, "main")
    assert image_for(factory, repository, commit) == IMAGES[chosen]
    assert image_for(naming(factory, repositories={"calc": IMAGES["calc"]}), repository, commit) == IMAGES["calc"]
    assert image_for(naming(factory), repository, commit) is None


def test_a_link_is_no_sign_of_a_language(tmp_path) -> None:
    (tmp_path / "target").write_text("")
    world = make_world(tmp_path, files={"x": "y"})
    (world.source / "package.json").symlink_to(tmp_path / "target")
    factory = naming(world.factory, languages={"node": IMAGES["node"]})
    repository = factory.lookup.repository("calc")
    assert image_for(factory, repository, factory.forges["local"].fetch(repository, "main")) is None


# --- which sandbox


@pytest.mark.parametrize("trusted", [True, False])
def test_a_demanded_image_needs_a_sandbox_of_images(auto, world, trusted) -> None:
    factory = having(world.factory, docker=Imagined("img"))
    told: dict[str, Any] = {"trusted": trusted, "image": "img"}
    assert choose_sandbox(factory, **told).name == "docker"
    with pytest.raises(ImageUnavailable, match=r"policy names the image img.*bubblewrap"):
        choose_sandbox(factory, wanted="bubblewrap", **told)
    with pytest.raises(ImageUnavailable if trusted else IsolationRequired):
        choose_sandbox(factory, wanted="process", **told)


@pytest.mark.parametrize("trusted", [True, False])
def test_where_docker_does_not_work_nothing_takes_its_place(auto, world, trusted) -> None:
    factory = having(world.factory, docker=Imagined(works=False))
    with pytest.raises(ImageUnavailable, match=r"docker: because .fix: install it"):
        choose_sandbox(factory, trusted=trusted, image="img")
    assert choose_sandbox(factory, trusted=trusted).name == "bubblewrap"


@pytest.mark.parametrize("backend", ["bubblewrap", "process"])
def test_a_sandbox_without_images_refuses_one_itself(world, backend) -> None:
    spec = SandboxSpec(id="x", run_id="x", mirror=None, commit=None, image="sha256:x")
    with pytest.raises(ImageUnavailable, match=backend):
        world.factory.sandboxes[backend].provision(spec)
    assert world.factory.sandboxes[backend].leftovers() == []


# --- what is kept by image


def test_an_environment_belongs_to_its_image(world, monkeypatch) -> None:
    monkeypatch.setattr("resources.environments._run_setup", lambda *_: False)
    repository = world.factory.lookup.repository("calc")
    commit = world.factory.forges["local"].fetch(repository, "main")
    docker = Imagined(*IMAGES.values())
    found = {
        place: prepare_environment(
            having(naming(world.factory, repositories={"calc": image} if image else {}), docker=docker),
            repository,
            repository.settings.model_copy(update={"sandbox": "docker"}),
            Source(commit=commit),
            lambda _: None,
        )
        for place, image in {"a": IMAGES["calc"], "b": IMAGES["python"], "own": None, "again": IMAGES["calc"]}.items()
    }
    assert found["a"].digest == found["again"].digest
    assert len({one.digest for one in found.values()}) == 3
    assert found["b"].image == IMAGES["python"].partition("@")[2]
    assert found["own"].image == "sha256:own"


def test_what_is_known_of_a_base_belongs_to_its_image(world) -> None:
    settings = world.factory.lookup.repository("calc").settings
    assert len({verify_digest(settings, image) for image in (None, *IMAGES.values())}) == 5


# --- a ticket whose image is not here


def test_it_waits_with_a_clear_reason_and_spends_no_attempt(world) -> None:
    world.factory = naming(world.factory, repositories={"calc": IMAGES["calc"]})
    ticket = world.file(retry={"max": 0})
    for _ in range(3):
        error = world.run(ticket)
        assert isinstance(error, ImageUnavailable)
        assert IMAGES["calc"] in error.message
        waiting = world.ticket(ticket)
        assert waiting.stage is Stage.QUEUED
        assert waiting.attempts == waiting.attempts_base
        world.clock.move(700)
    run = world.factory.lookup.runs(ticket_id=ticket.id)[0]
    assert (run.state, run.reason_code) == (RunState.FAILED, "sandbox.image_unavailable")
    assert "process" in str(run.reason)
    world.factory = naming(world.factory)
    assert world.run(ticket) is None


def test_a_ticket_that_says_what_is_tried_again_is_obeyed(world) -> None:
    world.factory = naming(world.factory, repositories={"calc": IMAGES["calc"]})
    ticket = world.file(retry={"on": ["timeout"]})
    world.run(ticket)
    assert world.ticket(ticket).stage is Stage.DEAD_LETTER


def test_a_run_without_an_image_says_whose_programs_it_had(world) -> None:
    assert world.run(world.file()) is None
    environment = world.factory.lookup.runs(ticket_id="T-1")[0].environment
    assert environment is not None
    assert environment.image_digest == "host"
    assert len(environment.environment_digest) == 64


# --- the broker's list


def configured(home: Path, **told: object) -> Settings:
    home.mkdir(exist_ok=True)
    (home / "settings.yaml").write_text(yaml.safe_dump({"policy_dir": str(home), "sandbox_image": "own:latest"}))
    (home / "images.yaml").write_text(yaml.safe_dump(told))
    return load_settings(home)


def test_the_broker_permits_the_setting_and_the_catalogue_and_nothing_else(tmp_path) -> None:
    told = {"default": IMAGES["default"], "languages": {"node": IMAGES["node"]}, "repositories": {"a": IMAGES["calc"]}}
    settings = configured(tmp_path, **told)
    assert config_of(settings).images() == {"own:latest", IMAGES["default"], IMAGES["node"], IMAGES["calc"]}
    assert config_of(configured(tmp_path / "bare")).images() == {"own:latest"}


def test_a_broker_that_runs_follows_the_file(tmp_path) -> None:
    images = config_of(configured(tmp_path, default=IMAGES["default"])).images
    configured(tmp_path, default=IMAGES["node"])
    assert images() == {"own:latest", IMAGES["node"]}
    (tmp_path / "images.yaml").write_text("default: python:3.12")
    assert images() == {"own:latest", IMAGES["node"]}, "while it is wrong, what it said before holds"
    (tmp_path / "images.yaml").unlink()
    assert images() == {"own:latest"}, "the shipped file names none"
    configured(tmp_path, default=IMAGES["calc"])
    assert images() == {"own:latest", IMAGES["calc"]}


def test_a_broker_does_not_start_with_a_wrong_file(tmp_path) -> None:
    with pytest.raises(PolicyInvalid, match="not pinned"):
        config_of(configured(tmp_path, default="python:3.12"))


# --- doctor


def test_doctor_names_each_missing_image_with_the_command_that_gets_it() -> None:
    policy = ImagePolicy(default=f"sha256:{'a' * 64}", repositories={"calc": IMAGES["calc"], "shop": IMAGES["node"]})
    own, missing, here = image_checks(policy, Imagined(IMAGES["node"]))
    assert (missing.name, missing.ok, missing.remedy) == (
        "image of repositories.calc", False, f"docker pull {IMAGES['calc']}",
    )  # fmt: skip
    assert (here.name, here.ok, here.remedy) == ("image of repositories.shop", True, None)
    assert not own.ok
    assert "docker load" in str(own.remedy)


def test_doctor_says_when_docker_cannot_tell() -> None:
    class Away(Imagined):
        def image(self, wanted: str | None = None) -> str:
            raise SandboxFailed("no container broker answers")

    [check] = image_checks(ImagePolicy(default=IMAGES["default"]), Away())
    assert not check.ok
    assert "no container broker answers" in check.detail
    assert image_checks(ImagePolicy(), Away()) == []
