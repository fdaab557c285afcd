"""What the launcher may start: run workers of exactly the configured shape. Pure."""

from collections.abc import Mapping

from adapters.sandbox.broker import fields
from adapters.sandbox.broker.binds import parse_bind
from adapters.sandbox.broker.config import HOME_LABEL, ROLE_LABEL, Role, WorkerShape
from adapters.sandbox.broker.documents import Document, Known, sift
from adapters.sandbox.broker.shapes import NO_NEW_PRIVILEGES, STREAMS, Judgement, are_labels, networks, owned_by

COMMAND = ["dagster", "api", "execute_run"]
DAGSTER_LABELS = frozenset({"dagster/run_id", "dagster/job_name"})
TMPFS_BYTES = 4 * 1024**3
TMPFS_FILES = 1_000_000


def judge_worker(document: Document, home: str, shape: WorkerShape) -> Judgement:
    """Judge what the Dagster daemon asks for."""
    host = document.get("HostConfig")
    host = host if isinstance(host, dict) else {}
    kept, offences = sift(document, _body_fields(home, shape))
    kept_host, host_offences = sift(host, _host_fields(shape), "HostConfig.")
    if host.get("MemorySwap") != host.get("Memory"):
        host_offences.append("HostConfig.MemorySwap")
    for dropped in ("Volumes", "NetworkingConfig"):
        kept.pop(dropped, None)
    kept["HostConfig"] = kept_host
    return Judgement(kept, (*offences, *host_offences))


def _body_fields(home: str, shape: WorkerShape) -> Known:
    targets = {bind.split(":")[1] for bind in shape.binds}
    return {
        "Image": fields.exactly(shape.image),
        "Cmd": lambda value: fields.texts(value) and len(value) == 4 and value[:3] == COMMAND,
        "User": fields.exactly(shape.user),
        "Env": lambda value: fields.assignments(value) and _names(value) <= shape.environment,
        "WorkingDir": lambda value: (value or "") == shape.working_dir,
        "Labels": _labels(home, shape),
        "Volumes": lambda value: not value or (isinstance(value, dict) and set(value) <= targets),
        "NetworkingConfig": lambda value: networks(value) <= set(shape.networks[:1]),
        "HostConfig": lambda value: isinstance(value, dict),
        **STREAMS,
    }


def _host_fields(shape: WorkerShape) -> Known:
    network = shape.networks[0] if shape.networks else "none"
    return {
        "Binds": lambda value: _same_binds(value, shape.binds),
        "Tmpfs": _same_tmpfs(shape.tmpfs),
        "NetworkMode": fields.exactly(network),
        "ReadonlyRootfs": (lambda value: value is True) if shape.read_only else fields.flag,
        "CapDrop": fields.exactly(["ALL"]),
        "SecurityOpt": lambda value: isinstance(value, list) and len(value) == 1 and value[0] in NO_NEW_PRIVILEGES,
        "GroupAdd": lambda value: list(map(str, value or ())) == list(shape.groups),
        "Memory": fields.within(1, shape.memory_bytes),
        "MemorySwap": fields.within(1, shape.memory_bytes),
        "NanoCpus": fields.within(1, shape.nano_cpus),
        "PidsLimit": fields.within(1, shape.processes),
        "IpcMode": fields.absent_or(fields.among("", "private", "none")),
        "CgroupnsMode": fields.absent_or(fields.among("", "private")),
        "Init": fields.flag,
        "Ulimits": fields.absent_or(fields.ulimits()),
        "LogConfig": _bounded_log,
        "RestartPolicy": fields.no_restart,
    }


def _names(assignments: list[str]) -> set[str]:
    return {one.partition("=")[0] for one in assignments}


def _labels(home: str, shape: WorkerShape) -> fields.Fits:
    fixed = {**shape.labels, HOME_LABEL: home, ROLE_LABEL: Role.LAUNCHER.value}

    def fits(value: object) -> bool:
        if not are_labels(value) or not owned_by(value, home, Role.LAUNCHER):
            return False
        return {name: text for name, text in value.items() if name not in DAGSTER_LABELS} == fixed

    return fits


def _same_binds(value: object, expected: frozenset[str]) -> bool:
    """Return whether these are the configured binds, each once, in any order; a missing mode means `rw`."""
    told = value or []
    if not fields.texts(told):
        return False
    written = [one if one.count(":") == 2 else f"{one}:rw" for one in told]  # type: ignore[attr-defined]
    return all(parse_bind(one) for one in written) and sorted(written) == sorted(expected)


def _same_tmpfs(expected: Mapping[str, str]) -> fields.Fits:
    bounded = fields.tmpfs(TMPFS_BYTES, TMPFS_FILES, expected)
    return lambda value: (value or {}) == dict(expected) and bounded(value or {})


def _bounded_log(value: object) -> bool:
    """The engine's own log is where a dead worker's last words are read from."""
    if value is None:
        return True
    if not isinstance(value, Mapping) or not set(value) <= {"Type", "Config"}:
        return False
    options = value.get("Config") or {}
    kind = value.get("Type") in ("", "json-file", "local")
    return kind and isinstance(options, Mapping) and set(options) <= {"max-size", "max-file", "compress"}
