"""What may be asked for, judged without an engine: one field at a time away from the honest request."""

import copy
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.sandbox.broker.binds import Kind, judge_bind
from adapters.sandbox.broker.config import BrokerConfig, Role, Roots, WorkerShape
from adapters.sandbox.broker.documents import DEEPEST, LARGEST, Malformed, blank, parse
from adapters.sandbox.broker.made_of import keep_image, kept_image
from adapters.sandbox.broker.routes import Route, own_list, route
from adapters.sandbox.broker.serving import strict_profile
from adapters.sandbox.broker.shapes import judge_sandbox
from adapters.sandbox.broker.workers import judge_worker
from tests.adapters.sandbox.brokerage import IMAGE, sandbox_body, worker_body

TOP = Path("/factory")
ROOTS = Roots(TOP / "sandboxes", TOP / "environments", TOP / "doors", (TOP / "mirrors",))
SHAPE = WorkerShape(
    image=IMAGE,
    user="10001:10001",
    networks=("none",),
    binds=frozenset({"/factory/mirrors:/mirrors:ro"}),
    environment=frozenset({"DAGSTER_RUN_JOB_NAME", "FACTORY_HOME"}),
    tmpfs={"/tmp": "rw,nosuid,nodev,size=16m,nr_inodes=1k"},
)
CONFIG = BrokerConfig(
    home="h1", sockets=TOP / "sockets", roots=ROOTS, images=lambda: frozenset({IMAGE}), logs=TOP / "logs", worker=SHAPE
)


class Asking:
    top, home = TOP, "h1"


def judged(body: dict) -> tuple[str, ...]:
    return judge_sandbox(parse(json.dumps(body).encode()), CONFIG, CONFIG.images(), strict_profile()).offences


def changed(body: dict, path: str, value: object) -> dict:
    body = copy.deepcopy(body)
    place = body
    *folders, name = path.split("/")
    for folder in folders:
        place = place[folder]
    if value is ABSENT:
        del place[name]
    else:
        place[name] = value
    return body


ABSENT = object()
HONEST = sandbox_body(Asking, "box", "sh", "-c", "true")
PROFILE = HONEST["HostConfig"]["SecurityOpt"][1]
H = "HostConfig"


@pytest.mark.parametrize("name", ["", "..", "../box", "/etc", "a/b", "x" * 200, ".hidden", "missing"])
def test_what_a_sandbox_is_made_of_is_read_of_no_other_place(tmp_path: Path, name: str) -> None:
    (tmp_path / "image").write_text("elsewhere")
    (tmp_path / "sandboxes" / "box").mkdir(parents=True)
    keep_image(tmp_path / "sandboxes" / "box", "sha256:x")
    assert kept_image(tmp_path / "sandboxes", name) is None
    assert kept_image(tmp_path / "sandboxes", "box") == "sha256:x"


HOSTILE = [
    ("Image", "debian:latest"), ("Image", ABSENT), ("Image", ["x"]), ("Cmd", "sh"), ("Cmd", []), ("Cmd", [1]),
    ("Entrypoint", ["/bin/sh"]), ("User", "root"), ("User", "0:10001"), ("User", "10001"), ("User", ""), ("User", ABSENT),
    ("User", "10001:0"), ("Env", ["NO"]), ("Env", {"A": "b"}), ("WorkingDir", "/etc"), ("WorkingDir", "/sandbox/../etc"),
    ("WorkingDir", "/sandboxes"), ("Labels/factory.home", "other"), ("Labels/factory.role", "worker"),
    ("Labels/factory.sandbox", ABSENT), ("Labels/factory.sandbox", "../x"), ("Labels/com.docker.compose.project", "x"),
    ("Labels", None), ("Labels", [["factory.home", "h1"]]), ("Volumes", {"/x": {}}), ("Healthcheck", {"Test": ["CMD", "x"]}),
    ("ExposedPorts", {"80/tcp": {}}), ("MacAddress", "02:42:ac:11:00:02"), ("OnBuild", ["RUN x"]), ("Shell", ["sh"]),
    ("StopSignal", "SIGKILL"), ("Tty", "yes"), ("NetworkingConfig", {"EndpointsConfig": {"bridge": {}}}),
    ("NetworkingConfig", {"EndpointsConfig": ["host"]}), ("Runtime", "runc"), ("hostconfig", {}), ("hostConfig", None),
    ("HOSTCONFIG", {"Privileged": True}), ("Ho\u017ftConfig", None), ("user", None), ("U\u017fer", "root"), (H, None), (H, []),
    (f"{H}/Binds", ["/:/host"]), (f"{H}/Binds", ["/etc:/x:ro"]), (f"{H}/Binds", ["/var/run/docker.sock:/d"]),
    (f"{H}/Binds", ["/factory/sandboxes/other/disk:/sandbox"]), (f"{H}/Binds", ["/factory/sandboxes/box:/sandbox"]),
    (f"{H}/Binds", ["/factory/sandboxes/box/disk/../../other/disk:/sandbox"]), (f"{H}/Binds", ["volume:/x"]),
    (f"{H}/Binds", ["/factory/sandboxes/box/disk:/sandbox:ro"]), (f"{H}/Binds", ["/factory/sandboxes/box/disk:/etc"]),
    (f"{H}/Binds", ["/factory/mirrors/a:/a"]), (f"{H}/Binds", ["/factory/mirrors/a:/a:rw"]), (f"{H}/Binds", ["/factory/mirrors:/a:ro"]),
    (f"{H}/Binds", ["/factory/mirrors/a:/a:ro,rshared"]), (f"{H}/Binds", ["/factory/mirrors/a:/a:ro:x"]),
    (f"{H}/Binds", ["/factory/mirrors/a:/sandbox/a:ro"]), (f"{H}/Binds", ["/factory/mirrors/a:/proc/x:ro"]),
    (f"{H}/Binds", ["/factory/mirrors/a:/:ro"]), (f"{H}/Binds", ["/factory/mirrors/a:rel:ro"]), (f"{H}/Binds", ["/factory/mirrors/a/:/a:ro"]),
    (f"{H}/Binds", ["/factory//mirrors/a:/a:ro"]), (f"{H}/Binds", ["//factory/mirrors/a:/a:ro"]), (f"{H}/Binds", ["/factory/mirrors/a\n:/a:ro"]),
    (f"{H}/Binds", ["/factory/mirrors/a:/a:ro", "/factory/mirrors/b:/a:ro"]), (f"{H}/Binds", "x"), (f"{H}/Binds", [1]),
    (f"{H}/Binds", ["/factory/doors/other:/run/egress:ro"]), (f"{H}/Binds", ["/factory/doors/box:/run/egress"]),
    (f"{H}/Binds", ["/factory/doors/box:/x:ro"]), (f"{H}/Binds", ["/factory/doors:/run/egress:ro"]),
    (f"{H}/Binds", ["/factory/environments:/e:ro"]), (f"{H}/Binds", ["/factory/environments/a.img:/e:ro"]),
    (f"{H}/Binds", ["/factory/sandboxes/box/environment:/e"]),
    (f"{H}/Binds", ["/factory/sandboxes/other/environment:/run/factory/environment:ro"]), (f"{H}/Binds", ["/factory/mirrors/a:/run/egress/x:ro"]),
    (f"{H}/Mounts", [{"Type": "bind", "Source": "/", "Target": "/h"}]), (f"{H}/mounts", [{"Type": "bind"}]),
    (f"{H}/Privileged", True), (f"{H}/PidMode", "host"), (f"{H}/IpcMode", "host"), (f"{H}/IpcMode", ABSENT),
    (f"{H}/IpcMode", "shareable"), (f"{H}/IpcMode", "container:x"), (f"{H}/UTSMode", "host"), (f"{H}/UsernsMode", "host"),
    (f"{H}/CgroupnsMode", "host"), (f"{H}/CgroupnsMode", ABSENT), (f"{H}/NetworkMode", "host"), (f"{H}/NetworkMode", "bridge"),
    (f"{H}/NetworkMode", "container:x"), (f"{H}/NetworkMode", ABSENT), (f"{H}/CapAdd", ["SYS_ADMIN"]), (f"{H}/CapDrop", ["NET_RAW"]),
    (f"{H}/CapDrop", ABSENT), (f"{H}/CapDrop", "ALL"), (f"{H}/CapDrop", ["ALL", "x"]), (f"{H}/Capabilities", ["SYS_ADMIN"]),
    (f"{H}/Devices", [{"PathOnHost": "/dev/sda"}]), (f"{H}/DeviceRequests", [{"Driver": "x"}]), (f"{H}/DeviceCgroupRules", ["a *:* rwm"]),
    (f"{H}/SecurityOpt", ["no-new-privileges", "seccomp=unconfined"]), (f"{H}/SecurityOpt", ["no-new-privileges"]),
    (f"{H}/SecurityOpt", [PROFILE]), (f"{H}/SecurityOpt", ["no-new-privileges", PROFILE, "apparmor=unconfined"]),
    (f"{H}/SecurityOpt", ["no-new-privileges:false", PROFILE]), (f"{H}/SecurityOpt", ["no-new-privileges", "seccomp={}"]),
    (f"{H}/SecurityOpt", ["no-new-privileges", PROFILE.replace("SCMP_ACT_ERRNO", "SCMP_ACT_ALLOW")]),
    (f"{H}/SecurityOpt", ["no-new-privileges", "seccomp:unconfined"]), (f"{H}/SecurityOpt", ABSENT),
    (f"{H}/SecurityOpt", ["no-new-privileges", "systempaths=unconfined"]), (f"{H}/MaskedPaths", ["/proc/kcore"]),
    (f"{H}/ReadonlyPaths", ["/x"]), (f"{H}/ReadonlyRootfs", False), (f"{H}/ReadonlyRootfs", ABSENT), (f"{H}/ReadonlyRootfs", 1),
    (f"{H}/readonlyrootfs", False), (f"{H}/PRIVILEGED", True), (f"{H}/Memory", ABSENT), (f"{H}/Memory", 0), (f"{H}/Memory", 1024),
    (f"{H}/Memory", 1 << 50), (f"{H}/MemorySwap", -1), (f"{H}/MemorySwap", 512 << 20), (f"{H}/PidsLimit", -1), (f"{H}/PidsLimit", ABSENT),
    (f"{H}/PidsLimit", 0), (f"{H}/PidsLimit", 99999), (f"{H}/PidsLimit", True), (f"{H}/NanoCpus", 0), (f"{H}/NanoCpus", ABSENT),
    (f"{H}/NanoCpus", 1e9), (f"{H}/OomScoreAdj", -1000), (f"{H}/OomKillDisable", True), (f"{H}/Init", False), (f"{H}/Init", ABSENT),
    (f"{H}/Dns", ["8.8.8.8"]), (f"{H}/Dns", ABSENT), (f"{H}/ExtraHosts", ["a:1.2.3.4"]), (f"{H}/GroupAdd", ["0"]),
    (f"{H}/LogConfig", {"Type": "syslog", "Config": {"syslog-address": "tcp://x"}}), (f"{H}/LogConfig", ABSENT),
    (f"{H}/RestartPolicy", {"Name": "always"}), (f"{H}/AutoRemove", True), (f"{H}/CgroupParent", "/x"), (f"{H}/Cgroup", "x"),
    (f"{H}/Runtime", "other"), (f"{H}/VolumesFrom", ["x"]), (f"{H}/Links", ["x:y"]), (f"{H}/PortBindings", {"80/tcp": [{"HostPort": "80"}]}),
    (f"{H}/PublishAllPorts", True), (f"{H}/Sysctls", {"kernel.shmmax": "1"}), (f"{H}/StorageOpt", {"size": "1G"}),
    (f"{H}/VolumeDriver", "x"), (f"{H}/Isolation", "process"), (f"{H}/BlkioDeviceReadBps", [{"Path": "/dev/sda", "Rate": 1}]),
    (f"{H}/Tmpfs", {"/etc": "nosuid,nodev,size=1m,nr_inodes=10"}), (f"{H}/Tmpfs", {"/tmp": ""}), (f"{H}/Tmpfs", {"/tmp": "size=1m,nr_inodes=10"}),
    (f"{H}/Tmpfs", {"/tmp": "nosuid,nodev,size=1m"}), (f"{H}/Tmpfs", {"/tmp": "nosuid,nodev,size=0,nr_inodes=10"}),
    (f"{H}/Tmpfs", {"/tmp": "nosuid,nodev,size=50%,nr_inodes=10"}), (f"{H}/Tmpfs", {"/tmp": "nosuid,nodev,suid,size=1m,nr_inodes=10"}),
    (f"{H}/Tmpfs", {"/tmp": "nosuid,nodev,size=1m,size=900g,nr_inodes=10"}), (f"{H}/Tmpfs", {"/tmp": "nosuid,nodev,size=900g,nr_inodes=1"}),
    (f"{H}/Ulimits", ABSENT), (f"{H}/Ulimits", [{"Name": "core", "Soft": -1, "Hard": -1}]), (f"{H}/Ulimits", [{"Name": "core", "Soft": 0, "Hard": 1}]),
    (f"{H}/Ulimits", [{"Name": "core", "Soft": 0, "Hard": 0}, {"Name": "memlock", "Soft": 1, "Hard": 1}]),
    (f"{H}/Ulimits", [{"Name": "core", "Soft": 0, "Hard": 0}, {"Name": "nofile", "Soft": 9, "Hard": 1 << 40}]),
    (f"{H}/Ulimits", [{"Name": "core", "Soft": 0, "Hard": 0}] * 2), (f"{H}/Unheard", "of"), (f"{H}/ShmSize", 1 << 40),
]  # fmt: skip


def test_the_honest_request_passes() -> None:
    judgement = judge_sandbox(HONEST, CONFIG, CONFIG.images(), strict_profile())
    assert judgement.offences == ()
    assert [bind.kind for bind in judgement.binds] == [Kind.DISK]
    assert judgement.document["HostConfig"]["Binds"] == HONEST["HostConfig"]["Binds"]


@pytest.mark.parametrize(("path", "value"), HOSTILE, ids=lambda value: None if isinstance(value, str) else "")
def test_one_wrong_field_is_enough(path: str, value: object) -> None:
    offences = judged(changed(HONEST, path, value))
    assert offences
    assert path.rpartition("/")[2] in str(offences) or path.startswith("Labels")


def test_every_offence_is_named_at_once() -> None:
    body = changed(changed(changed(HONEST, "User", "root"), f"{H}/Privileged", True), f"{H}/Binds", ["/:/x"])
    assert {"User", "HostConfig.Privileged", "HostConfig.Binds: '/:/x'"} <= set(judged(body))


@pytest.mark.parametrize(
    "path", ["Entrypoint", "Volumes", f"{H}/Privileged", f"{H}/MaskedPaths", f"{H}/Mounts", f"{H}/PidMode"]
)
@pytest.mark.parametrize("value", [None, False, "", [], {}, 0])
def test_what_says_nothing_is_not_sent_on(path: str, value: object) -> None:
    judgement = judge_sandbox(changed(HONEST, path, value), CONFIG, CONFIG.images(), strict_profile())
    assert judgement.offences == ()
    assert path.rpartition("/")[2] not in json.dumps(judgement.document)


def test_the_profile_sent_on_is_our_own_writing() -> None:
    loose = json.dumps(strict_profile(), indent=4)
    body = changed(HONEST, f"{H}/SecurityOpt", [f"seccomp={loose}", "no-new-privileges:true"])
    judgement = judge_sandbox(body, CONFIG, CONFIG.images(), strict_profile())
    assert judgement.offences == ()
    assert judgement.document["HostConfig"]["SecurityOpt"] == [
        "no-new-privileges",
        "seccomp=" + json.dumps(strict_profile()),
    ]


@pytest.mark.parametrize(
    ("bind", "kind"),
    [
        ("/factory/sandboxes/box/disk:/sandbox", Kind.DISK),
        ("/factory/sandboxes/box/disk:/sandbox:rw", Kind.DISK),
        ("/factory/doors/box:/run/egress:ro", Kind.DOOR),
        ("/factory/sandboxes/box/environment:/run/factory/environment:ro", Kind.ENVIRONMENT),
        ("/factory/sandboxes/box/environment:/run/factory/environment", Kind.ENVIRONMENT),
        ("/factory/mirrors/deep/a.git:/mirror.git:ro", Kind.READABLE),
    ],
)
def test_what_a_sandbox_may_see(bind: str, kind: Kind) -> None:
    judgement = judge_bind(bind, "box", ROOTS)
    assert judgement is not None
    assert judgement.kind is kind


@given(st.text(max_size=60) | st.text(alphabet="/.:abfactorysndmi", max_size=60))
def test_no_text_leads_outside_the_roots(text: str) -> None:
    bind = judge_bind(text, "box", ROOTS)
    assert bind is None or (str(bind.source).startswith("/factory/") and ".." not in bind.source.parts)


@pytest.mark.parametrize(
    "content",
    [
        b'{"Image": "a", "Image": "b"}', b'{"HostConfig": {}, "HostConfig": {}}', b'{"a": NaN}', b'{"a": -Infinity}', b"[]", b"1", b"{",
        b'{"a": 1} {"b": 2}', b"\xff{}", b"\xef\xbb\xbf{}", b'{"a": "\\ud800"}', b'{"\\u0055ser": "a", "User": "b"}', b"{'a': 1}",
        b'{"a":' + b"[" * (DEEPEST + 1) + b"]" * (DEEPEST + 1) + b"}", b"[" * 100_000, b" " * LARGEST + b"{}", b'{"a": 1,}',
        b'{"a": ' + b"9" * 5000 + b"}",
    ],
    ids=range(18),
)  # fmt: skip
def test_what_has_two_meanings_or_none_is_refused(content: bytes) -> None:
    with pytest.raises(Malformed):
        parse(content)


def test_an_escaped_key_is_the_key_it_means() -> None:
    body = json.dumps(HONEST).replace('"ReadonlyRootfs": true', '"\\u0052eadonlyRootfs": false')
    assert "HostConfig.ReadonlyRootfs" in judged(parse(body.encode()))


@pytest.mark.parametrize("value", [None, False, 0, 0.0, "", [], {}, [0, 0], {"Name": "", "MaximumRetryCount": 0}])
def test_blank_is_what_an_engine_would_assume(value: object) -> None:
    assert blank(value)


@pytest.mark.parametrize("value", [True, 1, -1, "x", ["x"], {"a": 1}, {"/x": {}}, [[]], [{}], {"a": [0]}, b""])
def test_anything_else_says_something(value: object) -> None:
    assert not blank(value)


WORKER = worker_body(Asking)
WORKER_HOSTILE = [
    ("Image", "x"), ("Cmd", ["sh"]), ("Cmd", ["dagster", "api", "grpc", "x"]), ("Cmd", ["dagster", "api", "execute_run"]),
    ("Cmd", ["dagster", "api", "execute_run", "{}", "--more"]), ("User", "0:0"), ("User", ABSENT), ("Env", ["LD_PRELOAD=/x"]),
    ("Entrypoint", ["sh"]), ("Labels/factory.role", "sandbox"), ("Labels/factory.home", "other"), ("Labels/other", "x"),
    ("WorkingDir", "/x"), ("Volumes", {"/other": {}}), ("NetworkingConfig", {"EndpointsConfig": {"host": None}}),
    (f"{H}/Binds", ["/:/x"]), (f"{H}/Binds", []), (f"{H}/Binds", ABSENT), (f"{H}/Binds", ["/factory/mirrors:/mirrors:rw"]),
    (f"{H}/Binds", ["/factory/mirrors:/mirrors:ro", "/var/run/docker.sock:/d:rw"]), (f"{H}/Binds", ["/factory/mirrors:/mirrors:ro"] * 2),
    (f"{H}/NetworkMode", "host"), (f"{H}/NetworkMode", "bridge"), (f"{H}/Privileged", True), (f"{H}/CapAdd", ["NET_ADMIN"]),
    (f"{H}/CapDrop", ABSENT), (f"{H}/SecurityOpt", []), (f"{H}/SecurityOpt", ["seccomp=unconfined"]), (f"{H}/PidMode", "host"),
    (f"{H}/SecurityOpt", ["no-new-privileges", "apparmor=unconfined"]), (f"{H}/Memory", ABSENT), (f"{H}/Memory", 1 << 45),
    (f"{H}/MemorySwap", -1), (f"{H}/ReadonlyRootfs", False), (f"{H}/GroupAdd", ["0"]), (f"{H}/Tmpfs", {"/etc": "x"}),
    (f"{H}/LogConfig", {"Type": "syslog"}), (f"{H}/LogConfig", {"Type": "json-file", "Config": {"labels": "x"}}),
    (f"{H}/AutoRemove", True), (f"{H}/RestartPolicy", {"Name": "always"}), (f"{H}/Devices", [{"PathOnHost": "/dev/sda"}]),
    (f"{H}/Mounts", [{"Type": "bind"}]), (f"{H}/IpcMode", "host"), (f"{H}/CgroupnsMode", "host"), (f"{H}/PidsLimit", -1),
    (f"{H}/binds", None), ("env", []),
]  # fmt: skip


def test_the_configured_worker_passes() -> None:
    assert judge_worker(WORKER, "h1", SHAPE).offences == ()


@pytest.mark.parametrize(("path", "value"), WORKER_HOSTILE, ids=lambda value: None if isinstance(value, str) else "")
def test_a_worker_of_another_shape_is_refused(path: str, value: object) -> None:
    assert judge_worker(changed(WORKER, path, value), "h1", SHAPE).offences


def test_a_sandbox_is_no_worker_and_a_worker_no_sandbox() -> None:
    assert judge_worker(HONEST, "h1", SHAPE).offences
    assert judged(WORKER)


@pytest.mark.parametrize(
    ("method", "target"),
    [
        ("POST", "/containers/a/exec"), ("POST", "/exec/a/start"), ("GET", "/exec/a/json"), ("GET", "/events"), ("GET", "/info"),
        ("POST", "/images/create?fromImage=x"), ("POST", "/build"), ("POST", "/volumes/create"), ("GET", "/volumes"), ("POST", "/networks/create"),
        ("GET", "/containers/a/archive?path=/"), ("PUT", "/containers/a/archive?path=/"), ("GET", "/containers/a/export"),
        ("POST", "/containers/a/copy"), ("POST", "/containers/a/update"), ("POST", "/containers/a/rename?name=b"), ("GET", "/containers/a/logs"),
        ("POST", "/commit?container=a"), ("POST", "/swarm/init"), ("GET", "/plugins"), ("POST", "/containers/prune"), ("POST", "/session"),
        ("POST", "/grpc"), ("POST", "/auth"), ("GET", "/system/df"), ("GET", "/distribution/a/json"), ("DELETE", "/images/a"),
        ("GET", "/v1.40/containers/json"), ("GET", "/v1.12/_ping"), ("GET", "/v2.41/_ping"), ("GET", "/v1.41/v1.41/_ping"),
        ("GET", "/containers/a%2fjson"), ("GET", "/containers//json"), ("GET", "/containers/../images/json"), ("GET", "//_ping"),
        ("GET", "/containers/a/json/"), ("GET", "/containers/a/JSON"), ("get", "/_ping"), ("CONNECT", "a:80"), ("GET", "http://x/_ping"),
        ("POST", "/containers/create?platform=x"), ("POST", "/containers/create?name=postgres"), ("POST", "/containers/a/kill?signal=KILL&signal=TERM"),
        ("DELETE", "/containers/a?link=1"), ("POST", "/containers/a/start?checkpoint=x"), ("POST", "/containers/a/start?detachKeys=x"),
        ("GET", "/containers/a/json?size=1"), ("GET", "/_ping?" + "a" * 5000), ("GET", "/v1.41/factory/disks"), ("POST", "/factory/disks/.x"),
        ("POST", "/factory/disks/a/b"), ("GET", "/factory/disks/a/work/x"), ("GET", "/networks/none"), ("POST", "/networks/none/connect"),
    ],
)  # fmt: skip
def test_there_is_no_such_endpoint_for_a_run_worker(method: str, target: str) -> None:
    assert isinstance(route(method, target, Role.SANDBOX), str)


@pytest.mark.parametrize(
    ("method", "target"),
    [
        ("GET", "/containers/json"), ("DELETE", "/containers/a"), ("POST", "/containers/a/attach"), ("GET", "/factory/disks"),
        ("POST", "/factory/disks/a"), ("POST", "/factory/containers/a/catch"), ("POST", "/containers/a/resize"),
    ],
)  # fmt: skip
def test_the_launcher_may_not_do_what_run_workers_may(method: str, target: str) -> None:
    assert isinstance(route(method, target, Role.LAUNCHER), str)


def test_a_request_is_written_anew() -> None:
    asked = route("DELETE", "/v1.44/containers/a?v=True&force=1&link=False", Role.SANDBOX)
    assert isinstance(asked, Route)
    assert asked.at("/containers/ID") == "/v1.44/containers/ID?v=True&force=1&link=False"


@pytest.mark.parametrize("filters", ['{"label": {"factory.sandbox=a": true}}', '{"label": ["factory.sandbox=a"]}'])
def test_a_list_is_of_ours_only(filters: str) -> None:
    query = own_list({"all": "1", "filters": filters}, "h1", Role.SANDBOX)
    assert json.loads(query["filters"]) == {"label": ["factory.home=h1", "factory.role=sandbox", "factory.sandbox=a"]}


@pytest.mark.parametrize(
    "filters", ["{", '{"name": ["x"]}', '{"label": ["com.x=1"]}', '{"label": 1}', '{"label": [1]}', "[]"]
)
def test_other_filters_are_refused(filters: str) -> None:
    assert isinstance(own_list({"filters": filters}, "h1", Role.SANDBOX), str)
