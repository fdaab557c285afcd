"""The whole production shape on a real engine: one command, a ticket to a pull request, a database that goes away."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.deploy.shape import BROKER, ONCE, compose_v2, services
from tests.support.factory import FIX
from tests.support.stack import DEAR, Stack, docker, running_stack

pytestmark = [pytest.mark.docker, pytest.mark.e2e]


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """With Compose v2 where it can be had; tests/deploy/test_kills.py has what this machine ships."""
    with running_stack(tmp_path_factory.mktemp("data"), **(compose_v2() or {})) as stack:
        yield stack


def test_one_command_brings_everything_up_healthy_and_ready(stack: Stack):
    states = {name: one["State"] for name, one in stack.services().items()}
    assert set(states) == set(services())
    assert {name for name, state in states.items() if "Health" in state and state["Health"]["Status"] == "healthy"} == (
        set(services()) - ONCE
    )
    stack.until(lambda: stack.get("/ready")[0] == 200, "the stack is ready")
    assert set(stack.get("/ready")[1]["dependencies"]) == {
        "ledger", "dagster_storage", "daemon", "code_location", "egress",
    }  # fmt: skip
    assert stack.get("/health") == (200, {"alive": True})


def test_a_ticket_goes_through_containers_to_a_pull_request(stack: Stack):
    stack.enrol()
    ticket = stack.factory("ticket", "add", "--title", "Tidy", "--command", f"sleep 4; {FIX}")["id"]
    seen: dict[str, dict[str, Any]] = {}

    def work_seen() -> bool:
        for one in stack.made():
            seen.setdefault(one["Config"]["Labels"]["factory.role"], one)
        return {"worker", "sandbox"} <= set(seen)

    def at_rest() -> bool:
        return stack.factory("ticket", "show", ticket)["stage"] in ("testing", "dead_letter")

    stack.until(work_seen, "a worker and a sandbox")
    stack.until(at_rest, "the ticket at rest", DEAR)
    assert stack.factory("ticket", "show", ticket)["stage"] == "testing", stack.call("factory", "timeline", ticket)
    check_worker(seen["worker"])
    check_sandbox(seen["sandbox"])
    stack.until(lambda: not stack.made(), "no worker and no sandbox is left")


def check_worker(one: dict[str, Any]) -> None:
    host = one["HostConfig"]
    assert one["Config"]["Labels"]["dagster/run_id"]
    assert one["Config"]["User"] == "10000:10000"
    assert (host["ReadonlyRootfs"], host["CapDrop"], host["Privileged"]) == (True, ["ALL"], False)
    assert host["SecurityOpt"] == ["no-new-privileges:true"]
    assert not [bind for bind in host["Binds"] if "docker.sock" in bind]
    assert not [value for value in one["Config"]["Env"] if "SECRET_" in value or "password" in value.lower()]
    assert set(one["NetworkSettings"]["Networks"]) == {"factory-inside", "factory-door"}


def check_sandbox(one: dict[str, Any]) -> None:
    assert one["Config"]["User"] == "10001:10001"
    assert one["HostConfig"]["NetworkMode"] == "none"
    told = " ".join(one["Config"]["Env"] + (one["HostConfig"]["Binds"] or []))
    assert not [word for word in ("DATABASE", "pgpass", "/secrets", "docker.sock") if word in told]


def test_a_worker_reads_no_secret_of_the_manager(stack: Stack):
    """What a worker has (its user, image, network and mounts), asked for everything that is not its own."""
    data = stack.data
    script = f"""
        for file in {data}/secrets/control-plane/front_door.token {data}/secrets/postgres/password \
                    {data}/secrets/egress {data}/postgres/cluster/PG_VERSION /var/run/docker.sock; do
            if ls "$file" >/dev/null 2>&1; then echo "sees $file"; fi
        done
        if python -c 'import socket as s; s.socket(s.AF_UNIX).connect("{data}/state/containers/launcher.sock")' \
            2>/dev/null; then echo "may launch"; fi
        python -c 'import psycopg; c = psycopg.connect("postgresql://factory@postgres/factory?passfile=/run/keys/pgpass")
print("superuser", c.execute("select rolsuper from pg_roles where rolname = current_user").fetchone()[0])'
        python -c 'import socket as s; s.create_connection(("1.1.1.1", 53), 3)' 2>/dev/null && echo "has a way out"
        true
    """
    said = docker(
        "run", "--rm", "--user", "10000:10000", "--network", "factory-inside",
        "--read-only", "--cap-drop", "ALL", "--volume", f"{data}/secrets/forge:/run/forge:ro",
        "--volume", f"{data}/state:{data}/state", "--volume", f"{data}/secrets/worker:/run/keys:ro",
        "factory:latest", "sh", "-c", script,
    )  # fmt: skip
    assert said.split("\n") == ["superuser False", ""]


def test_without_its_database_it_is_not_ready_and_comes_back(stack: Stack):
    def status() -> int:
        return stack.get("/ready")[0]

    stack.until(lambda: status() == 200, "ready before")
    stack.call("compose", "stop", "--timeout", "10", "postgres")
    code, document = stack.get("/ready")
    assert (code, document["ready"]) == (503, False)
    wrong = {name for name, one in document["dependencies"].items() if not one["ready"]}
    assert {"ledger", "dagster_storage"} <= wrong
    assert "egress" not in wrong
    assert stack.get("/health")[0] == 200
    stack.call("compose", "start", "postgres")
    stack.until(lambda: status() == 200, "ready after")


def test_only_the_broker_has_dockers_socket(stack: Stack):
    holders = {
        name
        for name, one in stack.services().items()
        if any("docker.sock" in mount["Source"] for mount in one["Mounts"])
    }
    assert holders == {BROKER}


def test_a_second_up_changes_nothing_and_down_leaves_nothing(stack: Stack):
    before = {one["Id"] for one in stack.services("status=running").values()}
    stack.call("up", FACTORY_IMAGE="factory:latest")  # as it is, whatever was edited since
    assert {one["Id"] for one in stack.services("status=running").values()} == before
    stack.call("compose", "down", "--timeout", "10")
    assert stack.services() == {}
    assert stack.made() == []
    assert stack.mounts() == []
