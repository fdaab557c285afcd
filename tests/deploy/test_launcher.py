"""The Docker launcher's configuration: the root's dagster.yaml but for the launcher, and the shape the broker expects."""

import re
from pathlib import Path

import pytest
from dagster import DagsterInstance
from dagster_docker import DockerRunLauncher
from packaging.utils import canonicalize_name

from adapters.sandbox.broker.documents import Document
from adapters.sandbox.broker.workers import judge_worker
from adapters.sandbox.docker import home_id
from resources.settings import load_settings
from resources.workers import worker_shape
from tests.architecture.places import ROOT, project
from tests.deploy.shape import BROKER, DATA, DEPLOY, configuration, services, told_to_broker, worker

HOME = f"{DATA}/state"


def test_nothing_but_the_launcher_differs_from_the_local_shape():
    ours, root = configuration(DEPLOY / "dagster.yaml"), configuration(ROOT / "dagster.yaml")
    assert ours.pop("run_launcher") != root.pop("run_launcher")
    assert ours == root


def test_dagster_takes_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "dagster.yaml").write_text((DEPLOY / "dagster.yaml").read_text())
    for name in ("FACTORY_DATABASE_URL", "FACTORY_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path))
    monkeypatch.setenv("FACTORY_IMAGE", "factory:latest")
    with DagsterInstance.get() as instance:
        launcher = instance.run_launcher
        assert isinstance(launcher, DockerRunLauncher)
        assert launcher.image == "factory:latest"
        assert launcher.networks == ["factory-inside", "factory-door"]
        assert instance.run_monitoring_enabled


def test_hung_and_dead_workers_are_noticed_within_the_lease():
    monitoring = configuration(DEPLOY / "dagster.yaml")["run_monitoring"]
    ttl = load_settings(Path(HOME)).lease_ttl
    assert monitoring["poll_interval_seconds"] + monitoring["cancel_timeout_seconds"] < ttl
    assert monitoring["poll_interval_seconds"] + monitoring["start_timeout_seconds"] < ttl
    assert monitoring["max_resume_run_attempts"] == 0


def test_a_worker_has_fewer_rights_than_the_manager():
    limits = worker()["container_kwargs"]
    manager = services()["control-plane"]
    assert limits["user"] != manager["user"]
    assert (limits["read_only"], limits["cap_drop"], limits["security_opt"]) == (
        True,
        ["ALL"],
        ["no-new-privileges:true"],
    )
    assert not [
        one
        for one in limits["volumes"]
        if "docker.sock" in one
        or ("secrets/" in one and not one.endswith(("secrets/worker:/run/keys:ro", "secrets/forge:/run/forge:ro")))
    ]
    assert not [name for name in worker()["env_vars"] if "=" in name or "SECRET_" in name or "PASSWORD" in name]
    assert "group_add" not in limits  # launcher.sock is for the daemon
    assert (
        manager["group_add"]
        == services()["daemon"]["group_add"]
        == [services()[BROKER]["environment"]["FACTORY_LAUNCHER_GROUP"]]
    )


def request() -> Document:
    """What docker-py makes of the launcher's configuration; recorded from a real launch."""
    told = worker()
    limits = told["container_kwargs"]
    values = [*told["env_vars"], "DAGSTER_RUN_JOB_NAME"]
    return {
        "User": limits["user"], "Tty": False, "OpenStdin": False, "StdinOnce": False, "AttachStdin": False,
        "AttachStdout": False, "AttachStderr": False, "Env": [f"{name}=x" for name in values],
        "Cmd": ["dagster", "api", "execute_run", "{}"], "Image": "factory:latest",
        "Volumes": {one.split(":")[1]: {} for one in limits["volumes"]}, "NetworkDisabled": False,
        "HostConfig": {
            "Memory": 2 * 1024**3, "MemorySwap": 2 * 1024**3, "ReadonlyRootfs": limits["read_only"],
            "NetworkMode": told["networks"][0], "CapDrop": limits["cap_drop"], "SecurityOpt": limits["security_opt"],
            "Binds": limits["volumes"], "Tmpfs": limits["tmpfs"], "PidsLimit": limits["pids_limit"],
            "Init": limits["init"], "NanoCpus": limits["nano_cpus"],
        },
        "NetworkingConfig": {told["networks"][0]: None},
        "Labels": {**limits["labels"], "dagster/run_id": "1", "dagster/job_name": "ticket_run"},
    }  # fmt: skip


@pytest.fixture
def offences(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("FACTORY_WORKER", __import__("json").dumps(told_to_broker()))
    shape = worker_shape(load_settings(Path(HOME)))
    assert shape is not None
    return lambda document: judge_worker(document, home_id(Path(HOME) / "sandboxes"), shape).offences


def test_the_broker_allows_what_the_launcher_asks_for(offences):
    assert worker()["container_kwargs"]["mem_limit"] == worker()["container_kwargs"]["memswap_limit"] == "2g"
    assert offences(request()) == ()


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("Binds", ["/:/host:rw"]), ("Privileged", True), ("NetworkMode", "host"), ("PidMode", "host"),
        ("CapAdd", ["SYS_ADMIN"]), ("ReadonlyRootfs", False), ("GroupAdd", ["10004"]), ("Memory", 64 * 1024**3),
    ],
)  # fmt: skip
def test_the_broker_refuses_a_launcher_that_asks_for_more(offences, field, value):
    document = request()
    document["HostConfig"][field] = value
    assert offences(document)


def blocks(path: Path) -> dict[str, set[str]]:
    """Return each locked requirement with its hashes, markers and extras aside."""
    found: dict[str, set[str]] = {}
    for block in re.split(r"\n(?=[a-z0-9])", path.read_text()):
        name = re.match(r"([a-z0-9._-]+)(?:\[[^]]*\])?==([^ ;\\]+)", block)
        if name:
            found.setdefault(f"{name[1]}=={name[2]}", set()).update(re.findall(r"sha256:[0-9a-f]{64}", block))
    return found


def test_the_images_packages_are_those_of_the_lock():
    whole, image = blocks(ROOT / "requirements.lock"), blocks(DEPLOY / "images/python/requirements.lock")
    assert not [name for name, hashes in image.items() if whole.get(name) != hashes]
    names = {one.split("==")[0] for one in image}
    wanted = {canonicalize_name(re.split(r"[\[<>=]", one)[0]) for one in project()["project"]["dependencies"]}
    assert wanted <= names
    assert not {"pytest", "mypy", "hypothesis"} & names
