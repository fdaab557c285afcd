"""The stack as written: who runs as whom, holds what, and reaches where."""

import json
import os
import shutil
import subprocess

import pytest

from tests.deploy.shape import (
    BROKER,
    DATA,
    DEPLOY,
    ONCE,
    compose_v2,
    compose_words,
    plain_environment,
    resolved,
    services,
    sources,
    told_to_broker,
    worker,
)  # fmt: skip

NAMES = sorted(services())
CONFINED = sorted(set(NAMES) - {BROKER})


def test_compose_takes_the_file():
    words = [*compose_words(), "-f", str(DEPLOY / "compose.yaml"), "config", "-q"]
    subprocess.run(words, check=True, env=plain_environment(), timeout=60)


def test_compose_v2_takes_the_file_and_reads_the_same_in_it():
    second = compose_v2()
    if second is None:
        pytest.skip("Compose v2 is not here: .ci/get-compose-v2 .compose-v2")
    words = ["docker", "compose", "-f", str(DEPLOY / "compose.yaml"), "config", "--format", "json"]
    done = subprocess.run(words, env=plain_environment(**second), capture_output=True, check=True, timeout=60)
    read = json.loads(done.stdout)["services"]
    assert set(read) == set(NAMES)
    for name, service in read.items():
        bound = service.get("volumes", [])
        assert len(bound) == len(services()[name].get("volumes", []))
        # v2 makes all containers before the first one runs, when the folders that `prepare` makes are not there yet
        assert all(one["bind"]["create_host_path"] for one in bound)
    assert ["rshared"] == [
        one["bind"]["propagation"] for one in read[BROKER]["volumes"] if "propagation" in one["bind"]
    ]


def test_every_path_of_the_data_folder_follows_the_setting():
    text = str(resolved(FACTORY_DATA="/srv/elsewhere"))
    assert "/srv/elsewhere/state" in text
    assert DATA not in text


def test_the_stack_is_what_was_asked_for():
    assert set(NAMES) == {
        "prepare", "postgres", "migrate", BROKER, "egress-broker", "code-location", "daemon", "control-plane",
    }  # fmt: skip
    assert "webserver" in services()["control-plane"]["networks"]["inside"]["aliases"]


@pytest.mark.parametrize("name", NAMES)
def test_only_the_container_broker_sees_docker(name):
    seen = [one for one in sources(services()[name]) if "docker" in one or one in ("/", "/var", "/run", "/var/run")]
    assert seen == (["/var/run/docker.sock"] if name == BROKER else [])


@pytest.mark.parametrize("name", CONFINED)
def test_services_are_confined(name):
    service = services()[name]
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["read_only"] is True
    assert service["mem_limit"]
    assert service["pids_limit"]
    assert not service.get("privileged")
    assert "pid" not in service
    assert not service.get("devices")


@pytest.mark.parametrize("name", sorted(set(CONFINED) - {"prepare"}))
def test_no_service_runs_as_root(name):
    service = services()[name]
    assert int(service["user"].split(":")[0]) >= 10000
    assert "cap_add" not in service


def test_prepare_is_root_for_owners_only_and_has_no_network():
    prepare = services()["prepare"]
    assert (prepare["network_mode"], prepare["restart"]) == ("none", "no")
    assert set(prepare["cap_add"]) == {"CHOWN", "DAC_OVERRIDE", "FOWNER"}


def test_the_container_broker_has_no_network_and_named_capabilities():
    broker = services()[BROKER]
    assert broker["network_mode"] == "none"
    assert not broker.get("privileged")
    assert broker["cap_drop"] == ["ALL"]
    assert not {"ALL", "SYS_MODULE", "SYS_RAWIO", "SYS_BOOT"} & set(broker["cap_add"])


@pytest.mark.parametrize("name", sorted(set(NAMES) - ONCE))
def test_every_lasting_service_has_a_health_check_and_comes_back(name):
    service = services()[name]
    assert service["healthcheck"]["test"][0] == "CMD"
    assert service["restart"] == "always"


def test_only_the_egress_broker_reaches_outside_and_it_does_not_reach_the_ledger():
    networks = {name: set(service.get("networks", [])) for name, service in services().items()}
    assert {name for name, told in networks.items() if "outside" in told} == {"egress-broker"}
    assert networks["egress-broker"] == {"outside", "door"}
    told = resolved()["networks"]
    for name in ("inside", "door"):
        assert told[name]["internal"] is True
        assert told[name]["driver_opts"] == {"com.docker.network.bridge.inhibit_ipv4": "true"}
    assert told["front"]["driver_opts"] == {"com.docker.network.bridge.enable_ip_masquerade": "false"}


def test_who_speaks_to_the_forge_does_so_by_the_brokers_door_alone():
    """The sensors and the workers: on no network with a way out, and told of the port on the one they share with it."""
    networks = {name: set(service.get("networks", [])) for name, service in services().items()}
    assert {name for name, told in networks.items() if "door" in told} == {"egress-broker", "code-location"}
    assert worker()["networks"] == told_to_broker()["networks"] == ["factory-inside", "factory-door"]
    told = services()["code-location"]["environment"]
    port = services()["egress-broker"]["environment"]["FACTORY_SERVICE_DOOR"].rpartition(":")[2]
    assert told["HTTPS_PROXY"] == told["HTTP_PROXY"] == f"http://egress-broker:{port}"
    assert {"localhost", "127.0.0.1", "postgres", "code-location"} <= set(told["NO_PROXY"].split(","))
    assert set(worker()["env_vars"]) | {"DAGSTER_RUN_JOB_NAME"} == set(told_to_broker()["environment"])
    given = {name for name in worker()["env_vars"] if name not in services()["daemon"]["environment"]}
    assert given == set(), "the values of a worker's variables are the daemon's"
    for name in set(NAMES) - {"code-location", "daemon"}:
        assert not [key for key in services()[name].get("environment", {}) if "proxy" in key.lower()], name


def test_no_proxy_is_told_in_small_letters():
    """gRPC heeds those, and would ask the egress broker for the code location."""
    assert not [key for service in services().values() for key in service.get("environment", {}) if key == key.lower()]


def test_only_the_front_door_is_published_and_on_loopback():
    published = {name: service["ports"] for name, service in services().items() if "ports" in service}
    assert list(published) == ["control-plane"]
    assert all(one.startswith("127.0.0.1:") for one in published["control-plane"])


@pytest.mark.parametrize("name", sorted(set(NAMES) - {"prepare"}))
def test_each_service_sees_the_secrets_of_its_own_role_only(name):
    roles = {one.removeprefix(f"{DATA}/secrets/") for one in sources(services()[name]) if "/secrets" in one}
    own = {
        "postgres": {"postgres"}, BROKER: set(), "egress-broker": {"egress"},
        "control-plane": {"control-plane", "webhooks"}, "code-location": {"worker", "forge"},
    }.get(name, {"worker"})  # fmt: skip
    assert roles == own
    assert DATA not in sources(services()[name])


@pytest.mark.parametrize("name", NAMES)
def test_no_environment_carries_a_secret(name):
    told = services()[name].get("environment", {})
    assert not [key for key in told if key.startswith("FACTORY_SECRET_") or "PASSWORD" in key or "TOKEN" in key]
    folder = told.get("FACTORY_SECRETS_DIR")
    if folder is not None and name != "daemon":  # which only hands the word on to the workers
        assert [one for one in services()[name]["volumes"] if one.endswith(f":{folder}:ro")], f"{folder} is not mounted"
    assert "@" not in told.get("FACTORY_DATABASE_URL", "").removeprefix("postgresql://factory@")
    assert told.get("FACTORY_ENVIRONMENT", "production") == "production"


#: images that only add files; who runs in them is told when they are started
ONLY_FILES = {"agents", "scanners"}


@pytest.mark.parametrize("image", sorted(path.parent.name for path in DEPLOY.glob("images/*/Dockerfile")))
def test_images_are_built_from_the_build_argument_alone(image):
    lines = (DEPLOY / "images" / image / "Dockerfile").read_text().splitlines()
    froms = [line.split()[1] for line in lines if line.startswith("FROM ")]
    assert froms[0] == "${BASE}"
    assert set(froms) <= {"${BASE}", "debian"}
    assert not [
        line
        for line in lines
        if line.startswith("ADD ") or "--extra-index" in line or "http:" in line or "https:" in line
    ]
    users = [line for line in lines if line.startswith("USER ")]
    assert users[-1:] not in (["USER 0:0"], ["USER root"])
    assert users or image in ONLY_FILES


@pytest.mark.parametrize(
    "script", sorted(path for path in DEPLOY.rglob("*") if path.is_file() and os.access(path, os.X_OK))
)
def test_scripts_are_well_formed(script):
    assert script.read_text().startswith("#!/bin/sh\n")
    subprocess.run([shutil.which("sh") or "sh", "-n", str(script)], check=True, timeout=10)


def test_a_data_folder_that_a_configuration_cannot_carry_is_refused(tmp_path):
    folder = tmp_path / "a#b"
    words = {"FACTORY_DATA": str(folder), "FACTORY_IMAGE": "none"}
    done = subprocess.run(
        [str(DEPLOY / "up")], env=plain_environment(**words), capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert "FACTORY_DATA" in done.stderr


def test_an_unknown_image_is_refused():
    done = subprocess.run([str(DEPLOY / "build-images"), "everything"], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "deploy/build-images [sandbox|factory|postgres|all]" in done.stderr
